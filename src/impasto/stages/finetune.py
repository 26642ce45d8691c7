"""How well earlier runs learn a new cell line from a few wells of each perturbation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from impasto import methods
from impasto.schema import InputError
from impasto.settings import Settings, WrongSetting
from impasto.stages.base import FOLDER, Verb, digest_of_images
from impasto.training.settings import LoopSettings

if TYPE_CHECKING:
    from impasto.evaluation.fine_tuning import Protocol
    from impasto.pretrain.few_shot import Material
    from impasto.training.earlier import Earlier
    from impasto.training.method import Prepared


class Variant(Settings):
    """One cell of the table: where it stands, what it begins with, what is added to it, with whom it is compared."""

    row: str
    column: str = "accuracy"
    start: Path | None = Field(default=None, description="An earlier run; without one the encoder of `method` begins untrained.")
    method: dict[str, Any] = Field(
        default_factory=dict, description="Instead of the stage's, key by key; `prior` and `cell_lines` as in a train stage."
    )
    over: str | None = Field(default=None, description="The row of the same column with which it is compared, split by split.")


class FinetuneSettings(Settings):
    """The new line, how splits are drawn, what is fine-tuned."""

    sites: Path | None = Field(default=None, description="Images of the new line: a folder that impasto ingest wrote.")
    profiles: Path | None = Field(default=None, description="Profiles of the new line.")
    cell_line: str = Field(description="The new line.")
    protocol: Literal["within-batch", "over-batches"] = Field(
        default="within-batch", description="The wells shown are of the batch that is asked, or of other batches."
    )
    batch: str = Field(default="auto", description="The column of batches; auto is the widest of source, batch, plate that holds several.")
    shots: int = Field(default=1, ge=1, description="Wells shown of each perturbation.")
    splits: int = Field(default=5, ge=1, description="How many random splits.")
    validation: float = Field(default=0.2, ge=0, lt=1, description="Share of the wells that are not shown, to choose the weights by.")
    variant: list[Variant]
    title: str = Field(default="A new cell line, few-shot fine-tuning", description="What stands above the table.")
    method: dict[str, Any] = Field(default_factory=dict, description="Settings of wsl (images) or profile_wsl (profiles), in part.")
    loop: LoopSettings = LoopSettings()
    seed: int = Field(default=0, description="Of splits, weights and minibatches.")

    @model_validator(mode="after")
    def _methods_are_known(self) -> FinetuneSettings:
        """Each variant's method is checked: as the encoder of images or of profiles, of either where neither is given."""
        names = [name for name, data in (("wsl", self.sites), ("profile_wsl", self.profiles)) if data is not None] or ["wsl", "profile_wsl"]
        _refuse_any_slip(self.method, names, "method")
        for number, variant in enumerate(self.variant, start=1):
            _refuse_any_slip({**self.method, **variant.method}, names, f"variant.{number}, method")
        return self


def _refuse_any_slip(values: Mapping[str, Any], names: list[str], place: str) -> None:
    slips = []
    for name in names:
        try:
            methods.settings_of(name).read({"name": name, **values}, where="")
            return
        except InputError as error:
            slips.append(str(error))
    raise WrongSetting(place, slips[0])


def run(settings: FinetuneSettings, out: Path) -> None:
    """Write results.csv, table.md, table.json and per_split.parquet at `out`; what is trained on the way is kept until all is done."""
    import numpy as np
    import pandas as pd

    from impasto import runs
    from impasto.evaluation import fine_tuning, tidy

    _checked(settings)
    protocol = fine_tuning.Protocol(
        settings.cell_line, settings.protocol, settings.shots, settings.splits, settings.validation, settings.batch, settings.seed
    )
    found = {(v.row, v.column): _variant(v, settings, protocol, out / "work") for v in settings.variant}
    scores, details = [], []
    for variant in settings.variant:
        mine, group = found[variant.row, variant.column], f"{variant.row}, {variant.column}"
        scores += fine_tuning.scored(mine, protocol, group=group)
        if variant.over is not None:
            scores += fine_tuning.gained(mine, found[variant.over, variant.column], protocol, group=group, over=variant.over)
        where = {"row": variant.row, "column": variant.column}
        details += [
            {**where, "split": i, "metric": m, "value": float(np.mean(f[m]))} for i, f in enumerate(mine) for m in ("top-1", "top-5")
        ]
    rows, per_split = tidy.frame(scores), pd.DataFrame(details)
    chance = {str(m): float(c) for m, c in rows[rows["metric"].isin(["top-1", "top-5"])].groupby("metric")["chance"].mean().items()}
    with runs.atomic(out / "per_split.parquet") as temporary:
        per_split.to_parquet(temporary, index=False)
    beside = ", ".join(f"{metric} {value:.1%}" for metric, value in sorted(chance.items()))
    note = f"{protocol.told}. Chance: {beside}. Mean ± sd over splits; results.csv has intervals and gains."
    fine_tuning.write_layout(out, per_split, title=settings.title, note=note)
    with runs.atomic(out / "results.csv") as temporary:
        rows.to_csv(temporary, index=False)
    runs.remove(out / "work")


def _checked(settings: FinetuneSettings) -> None:
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


def _variant(variant: Variant, settings: FinetuneSettings, protocol: Protocol, work: Path) -> list[dict[str, Any]]:
    """The hits of every split of one variant; those that are done are read again."""
    import hashlib
    import json

    import numpy as np

    from impasto import runs
    from impasto.evaluation import fine_tuning
    from impasto.training.earlier import Earlier

    told = json.dumps({**settings.model_dump(mode="json", exclude={"variant"}), **variant.model_dump(mode="json")}, sort_keys=True)
    folder = work / hashlib.sha256(told.encode()).hexdigest()[:16]
    earlier = Earlier.read(variant.start) if variant.start is not None else None
    if earlier is not None:
        fine_tuning.refuse_seen(settings.cell_line, earlier.facts.get("lines", []), earlier.folder)
    values = {**settings.method, **variant.method}
    loop = settings.loop.seeded(settings.seed)
    material = _material(settings, values, earlier)
    found = []
    for number, parts in enumerate(fine_tuning.draw(material.units, material.names, protocol)):
        place = folder / f"{number}.npz"
        if not place.exists():
            hits = fine_tuning.one_split(material, parts, add=_additions(values, settings.seed), loop=loop, out=folder / str(number))
            with runs.atomic(place) as temporary:
                np.savez(temporary, **hits)  # type: ignore[arg-type]
        with np.load(place, allow_pickle=False) as kept:
            found.append(dict(kept))
    return found


def _material(settings: FinetuneSettings, values: dict[str, Any], earlier: Earlier | None) -> Material:
    from impasto.evaluation import fine_tuning
    from impasto.pretrain import few_shot

    own = {k: v for k, v in values.items() if k not in methods.ADDITIONS}
    if settings.profiles is not None:
        from impasto import profiles as tables

        return few_shot.Profiles(tables.read(settings.profiles), own, earlier, where="[stage.method]")
    from impasto.plates.sites import Sites

    assert settings.sites is not None
    sites = Sites.read(settings.sites)
    rows = [int(r) for r in fine_tuning.rows_of_line(sites.table, settings.cell_line)]
    return few_shot.Images(sites, own, earlier, among=rows, where="[stage.method]")


def _added(values: Mapping[str, Any]) -> dict[str, Settings]:
    return {
        name: methods.ADDITIONS[name].settings.read(values[name], where=f"method.{name}") for name in methods.ADDITIONS if name in values
    }


def _additions(values: Mapping[str, Any], seed: int) -> Callable[[Prepared], Prepared]:
    return lambda prepared: methods.with_additions(prepared, _added(values), seed=seed)


def inputs(settings: FinetuneSettings) -> list[Path]:
    """The data, the weights of all starts, and the graphs and vectors that are added."""
    starts = [v.start / "model.safetensors" for v in settings.variant if v.start is not None]
    data = [p for p in (settings.sites, settings.profiles) if p is not None]
    tables = [settings.method, *(v.method for v in settings.variant)]
    added = [p for table in tables for addition in _added(table).values() for _, p in addition if isinstance(p, Path)]
    return list(dict.fromkeys([*data, *starts, *added]))


VERB = Verb(settings=FinetuneSettings, inputs=inputs, run=run, result="", writes=FOLDER, digest=digest_of_images)
