"""Profiles without their plates: the steps, fitted and applied in order, and the receipt."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from impasto.correction import CORRECTORS
from impasto.parts import OneOf, Part
from impasto.progress import say
from impasto.sampling.settings import SplitSettings
from impasto.scale.settings import ShardSettings
from impasto.settings import Settings, Shown
from impasto.stages import needs
from impasto.stages.base import PROFILES, Verb
from impasto.wrong_settings import WrongSetting

MOST_SPARED = 0.9
"""The rest of a plate's controls show its centre."""


def share_or_auto(value: object) -> object:
    """The share of controls that are spared, as it was said.

    Parameters
    ----------
    value
        Of a setting `spare`.

    Returns
    -------
    object
        The same.

    Raises
    ------
    WrongSetting
        It is neither `auto` nor a share from 0 to .9.

    """
    if value != "auto" and not (isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MOST_SPARED):
        raise WrongSetting("", f"spare is {value!r}, but it should be 'auto' or a share from 0 to {MOST_SPARED:g}")
    return value


def step_settings(method: str) -> type[Settings]:
    """The settings of a correction method.

    Parameters
    ----------
    method
        A method of `CORRECTORS`.

    Returns
    -------
    type
        A class of settings.

    Raises
    ------
    InputError
        Where there is no such method.

    """
    return CORRECTORS[method].settings_class


class CorrectSettings(ShardSettings):
    """The steps, applied in order; each is a table with `method` and that method's own settings."""

    profiles: Annotated[Path, Shown("argument", metavar="PROFILES")] = Field(description="Profiles of wells or sites.")
    steps: list[Annotated[Part, OneOf("method", CORRECTORS, step_settings)]] = Field(default_factory=list)
    append: bool = Field(
        default=False, description="Of folders of plates: add the corrected plates to OUT; the plates that are there stay as they are."
    )
    fitted: Annotated[Path | None, Shown(metavar="DIR")] = Field(
        default=None,
        description="Instead of --method: apply the steps that --keep left. A new plate brings its own centre, shift or scale, learned "
        "from its own rows; what all plates share stays as fitted.",
    )
    keep: bool = Field(default=False, description="Leave the fitted steps at OUT.fitted, for plates to come.")
    spare: Literal["auto"] | float = Field(
        default="auto",
        description="Share of each plate's negative controls that no step learns from as controls; auto: half where a plate has 16.",
    )
    split: SplitSettings | None = Field(
        default=None, description="What no step learns from: {by = 'perturbation', test = 0.3} marks these in the column split."
    )
    seed: int = Field(default=0, description="Of the choice of spared controls.")

    _share = field_validator("spare", mode="before")(share_or_auto)


def run(settings: CorrectSettings, out: Path) -> None:
    """Write the corrected profiles at `out`, `<out>.receipt.json`, and where asked the fitted steps at `<out>.fitted`."""
    from impasto import commit_point, identity, runs
    from impasto import profiles as tables
    from impasto.correction import kept
    from impasto.correction.steps import correct

    if commit_point.is_there(settings.profiles) and tables.suffix(out) == ".plates":
        _run_by_plate(settings, out)
        return
    _refuse_shards(settings)
    profiles = tables.read(settings.profiles)
    made = identity.of(profiles)
    if settings.fitted:
        identity.check(
            identity.read_from(settings.fitted), made, of_expected=f"the fitted steps {settings.fitted}", of_given="the profiles"
        )
    corrected, fitted, receipt = correct(
        profiles,
        [{**step.settings.model_dump(mode="json"), "method": step.name} for step in settings.steps],
        fitted=settings.fitted,
        spare=settings.spare,
        split=settings.split,
        seed=settings.seed,
    )
    if settings.keep:
        kept.save(fitted_path(out), fitted)
        identity.write_to(fitted_path(out), made)
    tables.write(corrected, out)
    runs.write_json(receipt_path(out), receipt)


def _refuse_shards(settings: CorrectSettings) -> None:
    """Raise InputError where options of shards are given that a table in memory does not have: they would be passed over."""
    from impasto.schema import InputError

    asked = (settings.shards != "local", settings.slurm, settings.retry_bad, settings.max_bad is not None, settings.append)
    if any(asked):
        raise InputError(
            "--shards, --slurm, --max-bad, --retry-bad and --append are for folders of plates (.plates in, .plates out); leave them out, "
            "or make one: impasto export PROFILES --to plates --out NAME.plates"
        )


def _run_by_plate(settings: CorrectSettings, out: Path) -> None:
    """The same, of a folder of plates, in the memory of a few of them."""
    from impasto import dataset, identity, runs
    from impasto.correction import kept, steps

    source = dataset.open_dataset(settings.profiles)
    place = out.with_name(f".{out.stem}.added{out.suffix}") if settings.append and out.exists() else out
    made = identity.Identity.read(source.uns.get(identity.KEY))
    if settings.fitted:
        identity.check(
            identity.read_from(settings.fitted), made, of_expected=f"the fitted steps {settings.fitted}", of_given="the profiles"
        )
    fitted, receipt = steps.correct_dataset(
        source,
        [{**step.settings.model_dump(mode="json"), "method": step.name} for step in settings.steps],
        place,
        fitted=settings.fitted,
        spare=settings.spare,
        split=settings.split,
        seed=settings.seed,
        where=settings.where(),
    )
    if place != out:
        added, there = dataset.append(out, dataset.open_dataset(place))
        say(f"{added} plates added to {out}, {there} were there already")
        runs.remove(place)
    if settings.keep:
        kept.save(fitted_path(out), fitted)
        identity.write_to(fitted_path(out), made)
    runs.write_json(receipt_path(out), receipt)


def fitted_path(out: Path) -> Path:
    """Where the fitted steps of corrected profiles are kept.

    Parameters
    ----------
    out
        The file of the profiles.

    Returns
    -------
    Path
        A folder beside it.

    """
    return out.with_name(out.name + ".fitted")


def receipt_path(out: Path) -> Path:
    """Where the receipt of corrected profiles is kept.

    Parameters
    ----------
    out
        The file of the profiles.

    Returns
    -------
    Path
        A JSON file beside it.

    """
    return out.with_name(out.name + ".receipt.json")


def inputs(settings: CorrectSettings) -> list[Path]:
    """The profiles, the fitted steps, the table of a split, and the weights of a run that a step applies.

    Parameters
    ----------
    settings
        A correction.

    Returns
    -------
    list[Path]
        Files and folders.

    """
    runs = [run for step in settings.steps if (run := getattr(step.settings, "run", None)) is not None]
    applied = [Path(run) / "model.safetensors" for run in runs]
    split = settings.split.file if settings.split is not None else None
    return [settings.profiles, *(path for path in (settings.fitted, split) if path is not None), *applied]


def beside(settings: CorrectSettings, out: Path) -> list[Path]:
    """What is written beside the corrected profiles.

    Parameters
    ----------
    settings
        A correction.
    out
        The file of the profiles.

    Returns
    -------
    list[Path]
        The receipt, and with `keep` the fitted steps.

    """
    return [receipt_path(out), *([fitted_path(out)] if settings.keep else [])]


VERB = Verb(
    settings=CorrectSettings,
    inputs=inputs,
    run=run,
    result="profiles.parquet",
    writes=PROFILES,
    beside=beside,
    need=lambda s, out, sizes: needs.of_correct(s.profiles, out, sizes, steps=[step.name for step in s.steps]),
    leaves=lambda s, out, sizes: {out: seen} if (seen := sizes.table(s.profiles)) is not None else {},
)
