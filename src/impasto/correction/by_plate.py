"""A folder of plates corrected in the memory of a few plates: the plan of its shards, and what they leave put together.

    for each step that learns from more than its own plate:
        sums     chunks of 64 plates -> merged, once a pass          what all plates share
        columns  chunks of 64 plates -> files of 64 features         for what is a group's own
        rows     chunks of 64 plates -> one file of rows             for a fit on all rows
        groups   one shard a batch or source, or for all rows        what is a group's own
    plates       one corrected plate a shard, through all steps
    receipt      chunks of 64 plates -> merged

All is kept in `.NAME.work` beside the result until the result is whole; a run that was killed goes on there.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from impasto import border, dataset, identity, locks, records, runs, texts, wells, whole
from impasto.correction import kept, plate_shards
from impasto.correction.base import Corrector
from impasto.correction.plate_plan import Builder
from impasto.correction.plate_shards import fitted_folder
from impasto.dataset import Dataset
from impasto.dataset.commit import LOCK, commit, row_of
from impasto.scale.plan import Plan
from impasto.scale.run import run_shards
from impasto.scale.where import Where
from impasto.schema import InputError
from impasto.settings import Settings

Fitted = Corrector[Any]
Chosen = tuple[type[Fitted], Settings]


@dataclass(frozen=True)
class Corrected:
    """What a correction of a folder of plates left.

    Attributes
    ----------
    fitted
        The fitted steps, in order.
    receipt
        What was removed and what was left.

    """

    fitted: list[Fitted]
    receipt: dict[str, Any]


def work_folder(out: Path, /) -> Path:
    """Where the shards of a result are kept until it is whole.

    Parameters
    ----------
    out
        The result.

    Returns
    -------
    Path
        A hidden folder beside it.

    """
    return records.work_of(out)


def correct_plates(
    source: Dataset,
    steps: Sequence[Chosen],
    out: Path,
    /,
    *,
    fitted: Sequence[Fitted] = (),
    marks: pd.DataFrame | None = None,
    seed: int = 0,
    where: Where,
) -> Corrected:
    """Correct a folder of plates into another.

    Parameters
    ----------
    source
        The plates.
    steps
        The steps to fit, each a class and its settings.
    out
        The folder to write, which is there whole or not at all.
    fitted
        Instead of `steps`: correctors that were fitted on other plates.
    marks
        (rows,) columns of annotation that say which wells are spared or held out, where that was decided now.
    seed
        Of the rows that the receipt draws.
    where
        Where the shards run, and how many plates may fail.

    Returns
    -------
    Corrected
        The fitted steps and the receipt.

    Raises
    ------
    InputError
        A step cannot be fitted, or more plates than allowed cannot be corrected.

    """
    folder = work_folder(out)
    with locks.held(folder / LOCK, out):
        plan, methods = _begun(source, steps, folder, fitted=fitted, marks=marks, seed=seed)
        run_shards(plan, where)
        correctors = [kept.load(folder / fitted_folder(number))[0] for number in range(len(steps) or len(fitted))]
        if not fitted:
            methods = [_method(corrector) for corrector in correctors]
        said = json.loads(texts.read(folder / "receipt.json"))
        _put_together(source, plan, out, methods=methods, fitted=_digest(folder, len(correctors)))
        receipt = {**said, "methods": methods}
    shutil.rmtree(folder, ignore_errors=True)
    return Corrected(correctors, receipt)


def _method(corrector: Fitted) -> dict[str, Any]:
    return {"method": corrector.name, **corrector.settings.model_dump(mode="json")}


def _digest(folder: Path, count: int) -> str:
    """The digest of fitted steps, by which two fits in one set of plates differ."""
    return "-".join(records.content(folder / fitted_folder(number))[:8] for number in range(count))


def _begun(
    source: Dataset,
    steps: Sequence[Chosen],
    folder: Path,
    /,
    *,
    fitted: Sequence[Fitted],
    marks: pd.DataFrame | None,
    seed: int,
) -> tuple[Plan, list[dict[str, Any]]]:
    """The plan, with what its shards read from outside written into its folder."""
    inputs: tuple[str, ...] = (source.content,)
    obs = source.obs
    if marks is not None:
        with whole.replacing(folder / plate_shards.MARKS) as temporary:
            marks.to_parquet(temporary, index=False)
        inputs = (*inputs, records.content(folder / plate_shards.MARKS))
        obs = obs.assign(**{column: marks[column].to_numpy() for column in marks})
    for kind, settings in steps:
        kind.refuse(obs[kind.learnable(obs, settings)], settings)
    names = [key.name for key in source.keys]
    if len(set(names)) < len(names):
        raise InputError(f"{source.folder}: two plates are named alike in source/batch/plate ({_twice(names)}); rename one")
    common = {
        "source": str(source.folder.resolve()),
        "marks": str((folder / plate_shards.MARKS).resolve()) if marks is not None else "",
        "steps": [{"method": kind.name, **settings.model_dump(mode="json")} for kind, settings in steps]
        or [_method(corrector) for corrector in fitted],
        "new": bool(fitted),
        "seed": seed,
    }
    builder = Builder(source, common, inputs, names)
    for number, (kind, settings) in enumerate(steps):
        builder.add_step(number, kind, settings)
    for number, corrector in enumerate(fitted):
        kept.save(folder / "given" / f"{number:02d}", [corrector])
        builder.add_fitted(number, corrector, digest=records.content(folder / "given" / f"{number:02d}"))
    builder.add_plates()
    return Plan(folder, tuple(builder.phases)), [_method(corrector) for corrector in fitted]


def _twice(names: Sequence[str]) -> str:
    return next(name for place, name in enumerate(names) if name in names[:place])


def _put_together(source: Dataset, plan: Plan, out: Path, *, methods: Sequence[Mapping[str, Any]], fitted: str) -> None:
    """The dataset of the corrected plates: those of the plan, and never those that happen to lie in a folder."""
    from impasto.scale.plan import quarantined, receipt_of

    phase = next(phase for phase in plan.phases if phase.unit == "plate")
    features = border.parquet(plan.folder / plate_shards.FEATURES)
    bad = plan.bad_plates()
    with runs.atomic(out) as temporary:
        rows = []
        for shard in phase.shards:
            said = receipt_of(plan.folder, shard.name)
            gone = quarantined(plan.folder, shard.name, key=plan.key(shard))
            if gone is not None or said is None:
                bad.setdefault(shard.arguments["name"], gone["reason"] if gone else "was not corrected")
                continue
            facts = dataset.Facts(*said["facts"]["member"])
            dataset.link(plan.folder / shard.output / plate_shards.MEMBER, temporary / dataset.file_of(facts.key))
            rows.append(row_of(temporary, facts, fitted=fitted))
        named = [{"plate": name, "reason": reason} for name, reason in sorted(bad.items())]
        made = identity.Identity.read(source.uns.get(identity.KEY))
        steps = (*made.steps, *map(dict, methods))
        record = identity.Identity(made.encoder, steps, made.run).record()
        commit(temporary, rows, features, uns={**source.uns, identity.KEY: record}, quarantined=[*source.quarantined, *named])


def marked(source: Dataset, obs: pd.DataFrame, /) -> pd.DataFrame | None:
    """The columns that say which wells are spared or held out, where they are not those of the dataset.

    Parameters
    ----------
    source
        The plates.
    obs
        Their annotation, with what was decided now.

    Returns
    -------
    pd.DataFrame | None
        None where nothing was decided.

    """
    words = [word for word in wells.USES if word in obs and (word not in source.obs or not obs[word].equals(source.obs[word]))]
    return obs[words].reset_index(drop=True) if words else None
