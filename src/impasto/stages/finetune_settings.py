"""What a fine-tuning says: the new cell line, how splits are drawn, the variants, and the method of each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from impasto import methods
from impasto.parts import OneOf, Part
from impasto.schema import InputError, one_of
from impasto.settings import Settings
from impasto.training.settings import LoopSettings
from impasto.wrong_settings import WrongSetting

METHOD_OF = {"sites": "wsl", "profiles": "profile_wsl"}
"""What the data are -> the method that is fine-tuned on them."""


def method_settings(name: str, /) -> type[Settings]:
    """What the table of a method that can be fine-tuned may say.

    Parameters
    ----------
    name
        A method of `METHOD_OF`.

    Returns
    -------
    type
        The settings of the method and of its additions.

    Raises
    ------
    InputError
        Where the method is none of these.

    """
    return methods.settings_of(one_of(name, METHOD_OF.values(), what="method to fine-tune"))


InPart = Annotated[Part, OneOf("name", tuple(METHOD_OF.values()), method_settings, in_part=True)]
"""Settings of the method, in part. Its name is implied by the data."""


class Variant(Settings):
    """One cell of the table: where it stands, what it begins with, what is added to it, with whom it is compared."""

    row: str
    column: str = "accuracy"
    start: Path | None = Field(default=None, description="An earlier run; without one the encoder of `method` begins untrained.")
    method: InPart | None = Field(
        default=None, description="Instead of the stage's, key by key; `prior` and `cell_lines` as in a train stage."
    )
    over: str | None = Field(default=None, description="The row of the same column with which it is compared, split by split.")


class FinetuneSettings(Settings):
    """The new line, how splits are drawn, what is fine-tuned."""

    sites: Path | None = Field(default=None, description="Images of the new line: a folder that impasto ingest wrote.")
    profiles: Path | None = Field(default=None, description="Profiles of the new line.")
    cell_line: str = Field(description="The new line.")
    protocol: Literal["within-batch", "over-batches"] = Field(
        default="within-batch", description="Whether these wells are of the batch that is scored, or of other batches."
    )
    batch: str = Field(default="auto", description="The column of batches; auto is the widest of source, batch, plate that holds several.")
    shots: int = Field(default=1, ge=1, description="Wells of each perturbation that the run learns from.")
    splits: int = Field(default=5, ge=1, description="How many random splits.")
    validation: float = Field(default=0.2, ge=0, lt=1, description="Share of the other wells that choose the weights, and are not scored.")
    variant: list[Variant]
    title: str = Field(default="A new cell line, few-shot fine-tuning", description="What stands above the table.")
    method: InPart | None = Field(default=None, description="Settings of wsl (images) or profile_wsl (profiles), in part.")
    loop: LoopSettings = LoopSettings()
    seed: int = Field(default=0, description="Of splits, weights and minibatches.")

    @classmethod
    def with_implied(cls, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """The values with the name of the method in each of its tables: the data say which it is.

        Parameters
        ----------
        values
            Plain and unchecked.

        Returns
        -------
        Mapping[str, Any]
            The values. Where the data are not known, what is said of the method cannot be read, and is left out.

        """
        kinds = [kind for kind in METHOD_OF if values.get(kind) is not None]
        name = METHOD_OF[kinds[0]] if len(kinds) == 1 else None
        variants = values.get("variant")
        named = _with_name(values, name)
        if isinstance(variants, list):
            named["variant"] = [_with_name(variant, name) if isinstance(variant, Mapping) else variant for variant in variants]
        return named

    @model_validator(mode="before")
    @classmethod
    def _methods_are_named(cls, values: Any) -> Any:
        return cls.with_implied(values) if isinstance(values, Mapping) else values

    @model_validator(mode="after")
    def _each_variant_is_whole(self) -> FinetuneSettings:
        """The data are of one kind, the places of variants differ, and each method fits the data."""
        _refuse_wrong_places(self)
        for number, variant in enumerate(self.variant, start=1):
            try:
                method_of(self, variant)
            except WrongSetting as error:
                raise WrongSetting(f"variant.{number}.method", str(error)) from None
        return self


def _with_name(table: Mapping[str, Any], name: str | None) -> dict[str, Any]:
    """A stage or a variant whose table of the method, if it has one, says the name of the method."""
    method = table.get("method")
    if not isinstance(method, Mapping):
        return dict(table)
    if name is None:
        return {key: value for key, value in table.items() if key != "method"}
    return {**table, "method": {"name": name, **method}}


def method_of(settings: FinetuneSettings, variant: Variant, /) -> Part:
    """The method of a variant: the stage's, with what the variant says instead.

    Parameters
    ----------
    settings, variant
        The stage and one of its variants.

    Returns
    -------
    Part
        The method, checked as a whole; what nobody said is unset in its settings.

    Raises
    ------
    WrongSetting
        Where the variant's settings do not go with the stage's, or the method does not read these data.

    """
    name = METHOD_OF["profiles" if settings.sites is None else "sites"]
    values: dict[str, Any] = {}
    for part in (settings.method, variant.method):
        if part is not None and part.name != name:
            raise WrongSetting("", f"{part.name} is not the method of these data, {name} is; leave the name out")
        values |= {} if part is None else part.settings.model_dump(mode="json", exclude_unset=True)
    return Part(name, method_settings(name).checked(values))


def _refuse_wrong_places(settings: FinetuneSettings) -> None:
    if (settings.sites is None) == (settings.profiles is None):
        raise InputError("give either sites (images) or profiles to fine-tune on")
    places = [(v.row, v.column) for v in settings.variant]
    for variant in settings.variant:
        if places.count((variant.row, variant.column)) > 1:
            raise InputError(f"two variants stand in row {variant.row!r}, column {variant.column!r}; give each its own place")
        if variant.over is not None and (variant.over, variant.column) not in places:
            raise InputError(
                f"{variant.row!r} is to be compared with the row {variant.over!r}, which column {variant.column!r} does not have"
            )
