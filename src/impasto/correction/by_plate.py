"""A folder of plates corrected in the memory of a few plates: the plan of its shards, and what they leave put together.

    for each step that learns from more than its own plate:
        sums     chunks of 64 plates -> merged, once a pass          what all plates share
        groups   one shard a batch or source                         what is a group's own
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

from impasto import dataset, identity, locks, records, runs, texts, wells, whole
from impasto.correction import kept, per_group, plate_shards
from impasto.correction import receipt as receipts
from impasto.correction.base import Corrector
from impasto.correction.per_group import PerGroup
from impasto.correction.plate_shards import fitted_folder
from impasto.dataset import Dataset
from impasto.dataset.commit import LOCK, commit, row_of
from impasto.scale import sums
from impasto.scale.plan import Phase, Plan, Shard
from impasto.scale.run import run_shards
from impasto.scale.where import Where
from impasto.schema import InputError
from impasto.settings import Settings

Fitted = Corrector[Any]
Chosen = tuple[type[Fitted], Settings]
_HERE = "impasto.correction.plate_shards"
_RECEIPT = "impasto.correction.receipt_shards"


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
    builder = _Builder(source, common, inputs, names)
    for number, (kind, settings) in enumerate(steps):
        builder.add_step(number, kind, settings)
    for number, corrector in enumerate(fitted):
        kept.save(folder / "given" / f"{number:02d}", [corrector])
        builder.add_fitted(number, corrector, digest=records.content(folder / "given" / f"{number:02d}"))
    builder.add_plates()
    return Plan(folder, tuple(builder.phases)), [_method(corrector) for corrector in fitted]


def _twice(names: Sequence[str]) -> str:
    return next(name for place, name in enumerate(names) if name in names[:place])


class _Builder:
    """The phases of a correction, one step after the other."""

    def __init__(self, source: Dataset, common: Mapping[str, Any], inputs: tuple[str, ...], names: Sequence[str]) -> None:
        self.phases: list[Phase] = []
        self._source, self._common, self._inputs, self._names = source, dict(common), inputs, list(names)
        self._fitted: list[str] = []
        """The shards that leave the fitted steps."""

    def _shard(self, name: str, work: str, output: str, arguments: Mapping[str, Any], /, **more: Any) -> Shard:
        after = (*self._fitted, *more.pop("after", ()))
        return Shard(name, work, {**self._common, **arguments}, output, inputs=self._inputs, after=after, **more)

    def _plates(self, numbers: Sequence[int]) -> dict[str, Any]:
        return {"numbers": list(numbers), "plates": [self._names[number] for number in numbers]}

    def _of_all(self) -> dict[str, Any]:
        return self._plates(range(len(self._names)))

    def add_step(self, number: int, kind: type[Fitted], settings: Settings) -> None:
        """The phases that fit one step."""
        whole_sums = ""
        for place in range(kind.passes(settings)):
            whole_sums = self._add_pass(number, kind, place, before=whole_sums)
        alone = kind.kind(settings) != "table"
        arguments = {"step": number, "whole": whole_sums, **({} if alone else self._of_all())}
        after = (f"{whole_sums.removesuffix('.safetensors')}",) if whole_sums else ()
        self._add_shared(number, f"{_HERE}:share", arguments, kind, settings, after=after)

    def _add_pass(self, number: int, kind: type[Fitted], place: int, *, before: str) -> str:
        stem = f"sums-{number:02d}-{place}"
        earlier = (before.removesuffix(".safetensors"),) if before else ()
        chunks = []
        for start in range(0, len(self._names), sums.CHUNK):
            of_chunk = self._plates(range(start, min(start + sums.CHUNK, len(self._names))))
            name = f"{stem}-{start // sums.CHUNK:04d}"
            arguments = {"step": number, "before": before, **of_chunk}
            chunks.append(
                self._shard(
                    name,
                    f"{_HERE}:summarise",
                    f"{name}.safetensors",
                    arguments,
                    after=earlier,
                    plates=tuple(of_chunk["plates"]),
                )
            )
        self.phases.append(Phase(f"{kind.name}: sums, pass {place + 1}", tuple(chunks), unit="chunk"))
        merge = {**self._common, "step": number, "before": before, "chunks": [shard.name for shard in chunks]}
        after = (*earlier, *(shard.name for shard in chunks))
        merged = Shard(stem, f"{_HERE}:merge", merge, f"{stem}.safetensors", self._inputs, after)
        self.phases.append(Phase(f"{kind.name}: sums merged", (merged,)))
        return f"{stem}.safetensors"

    def _add_shared(
        self, number: int, work: str, arguments: Mapping[str, Any], kind: type[Fitted], settings: Settings, *, after: tuple[str, ...]
    ) -> None:
        by = per_group.column_of_groups(settings) if issubclass(kind, PerGroup) else None
        with_groups = by in ("batch", "source") and kind.kind(settings) != "table"
        output = f"shared/{number:02d}" if with_groups else fitted_folder(number)
        name = f"shared-{number:02d}"
        plates = tuple(arguments.get("plates", ()))
        self.phases.append(
            Phase(f"{kind.name}: fitted", (self._shard(name, work, output, arguments, after=after, plates=plates),), unit="step")
        )
        if with_groups:
            assert by is not None
            name = self._add_groups(number, kind, by, shared=name, folder=output)
        self._fitted.append(name)

    def _add_groups(self, number: int, kind: type[Fitted], by: str, *, shared: str, folder: str) -> str:
        columns = self._source.members[list(dataset.KEYS)]
        groups = per_group.groups_of({word: columns[word].tolist() for word in columns}, by)
        shards = []
        for place, group in enumerate(dict.fromkeys(groups)):
            own = self._plates([n for n, name in enumerate(groups) if name == group])
            name = f"group-{number:02d}-{place:04d}"
            arguments = {"step": number, "name": group, "shared": folder, **own}
            shards.append(
                self._shard(
                    name, f"{_HERE}:group", f"groups/{name}", arguments, after=(shared,), plates=tuple(own["plates"]), may_fail=True
                )
            )
        self.phases.append(Phase(f"{kind.name}: each {by}", tuple(shards), unit=by))
        gathered = f"fitted-{number:02d}"
        after = tuple(shard.name for shard in shards)
        arguments = {"shared": folder}
        self.phases.append(
            Phase(
                f"{kind.name}: together",
                (Shard(gathered, f"{_HERE}:gather", {**self._common, **arguments}, fitted_folder(number), self._inputs, after),),
            )
        )
        return gathered

    def add_fitted(self, number: int, corrector: Fitted, *, digest: str) -> None:
        """The phases of a step that was fitted on other plates."""
        self._inputs = (*self._inputs, digest)
        arguments = {"given": f"given/{number:02d}"}
        self._add_shared(number, f"{_HERE}:given", arguments, type(corrector), corrector.settings, after=())

    def add_plates(self) -> None:
        """The phases that correct each plate, and make the receipt."""
        names, source = self._names, self._source
        drawn = receipts.drawn_a_plate(source.n_obs, len(names), receipts.ROWS_FOR_LIMITS)
        everything = tuple(names)
        self.phases.append(
            Phase(
                "features",
                (self._shard("features", f"{_HERE}:features", plate_shards.FEATURES, self._of_all(), plates=everything),),
            )
        )
        shards = [
            self._shard(
                f"plate-{number:05d}",
                f"{_HERE}:correct_plate",
                f"plates/{number:05d}",
                {"number": number, "name": name, "drawn": drawn},
                plates=(name,),
                may_fail=True,
            )
            for number, name in enumerate(names)
        ]
        self.phases.append(Phase("plates corrected", tuple(shards), unit="plate"))
        written = tuple(shard.name for shard in shards)
        limits = Shard("limits", f"{_RECEIPT}:limits", self._common, "limits.safetensors", self._inputs, written)
        self.phases.append(Phase("receipt: limits", (limits,)))
        chunks = [
            Shard(
                f"receipt-{start // sums.CHUNK:04d}",
                f"{_RECEIPT}:summarise",
                {**self._common, "limits": "limits.safetensors"},
                f"receipt-{start // sums.CHUNK:04d}.safetensors",
                self._inputs,
                ("limits", *written[start : start + sums.CHUNK]),
            )
            for start in range(0, len(written), sums.CHUNK)
        ]
        self.phases.append(Phase("receipt: sums", tuple(chunks), unit="chunk"))
        few = receipts.drawn_a_plate(source.n_obs, len(names), receipts.ROWS_FOR_SIGNAL)
        arguments = {**self._common, "signal": few, "chunks": [shard.name for shard in chunks]}
        last = Shard("receipt", f"{_RECEIPT}:write", arguments, "receipt.json", self._inputs, (*written, *(shard.name for shard in chunks)))
        self.phases.append(Phase("receipt", (last,)))


def _put_together(source: Dataset, plan: Plan, out: Path, *, methods: Sequence[Mapping[str, Any]], fitted: str) -> None:
    """The dataset of the corrected plates: those of the plan, and never those that happen to lie in a folder."""
    from impasto.scale.plan import quarantined, receipt_of

    phase = next(phase for phase in plan.phases if phase.unit == "plate")
    features = pd.read_parquet(plan.folder / plate_shards.FEATURES)
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
