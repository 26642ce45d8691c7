"""The phases of a correction of a folder of plates, one step after the other (by_plate.py)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from impasto import dataset
from impasto.correction import group_names, plate_shards
from impasto.correction import receipt as receipts
from impasto.correction.base import Corrector
from impasto.correction.per_group import PerGroup
from impasto.correction.plate_shards import fitted_folder
from impasto.dataset import Dataset
from impasto.scale import sums
from impasto.scale.plan import Phase, Shard
from impasto.settings import Settings

Fitted = Corrector[Any]
_HERE = "impasto.correction.plate_shards"
_COLUMNS = "impasto.correction.column_shards"
_ROWS = "impasto.correction.matrix_shards"
_RECEIPT = "impasto.correction.receipt_shards"


class Builder:
    """The phases of a correction, one step after the other.

    Parameters
    ----------
    source
        The plates.
    common
        Arguments of all shards.
    inputs
        Digests of what the shards read from outside.
    names
        Of the plates.

    Attributes
    ----------
    phases
        In order.

    """

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
        """The phases that fit one step.

        Parameters
        ----------
        number
            Of the step, from 0.
        kind
            Its corrector.
        settings
            Of the corrector.

        """
        whole_sums = ""
        for place in range(kind.passes(settings)):
            whole_sums = self._add_pass(number, kind, place, before=whole_sums)
        arguments: dict[str, Any] = {"step": number, "whole": whole_sums}
        after: tuple[str, ...] = (whole_sums.removesuffix(".safetensors"),) if whole_sums else ()
        if kind.kind(settings) == "table":
            arguments |= self._of_all()
        if kind.kind(settings) == "matrix":
            chunks = self._chunks(f"rows-{number:02d}", f"{_ROWS}:scatter", range(len(self._names)), {"step": number})
            self.phases.append(Phase(f"{kind.name}: rows", tuple(chunks), unit="chunk"))
            arguments, after = {"step": number, **self._of_all()}, tuple(shard.name for shard in chunks)
        work = f"{_ROWS}:fit" if kind.kind(settings) == "matrix" else f"{_HERE}:share"
        self._add_shared(number, work, arguments, kind, settings, after=after)

    def _chunks(
        self,
        stem: str,
        work: str,
        numbers: Sequence[int],
        arguments: Mapping[str, Any],
        /,
        *,
        after: tuple[str, ...] = (),
        suffix: str = "",
    ) -> list[Shard]:
        """A shard for 64 plates each."""
        shards = []
        for place, start in enumerate(range(0, len(numbers), sums.CHUNK)):
            own, name = self._plates(numbers[start : start + sums.CHUNK]), f"{stem}-{place:04d}"
            shards.append(self._shard(name, work, f"{name}{suffix}", {**arguments, **own}, after=after, plates=tuple(own["plates"])))
        return shards

    def _add_pass(self, number: int, kind: type[Fitted], place: int, *, before: str) -> str:
        stem = f"sums-{number:02d}-{place}"
        earlier = (before.removesuffix(".safetensors"),) if before else ()
        work, arguments = f"{_HERE}:summarise", {"step": number, "before": before}
        chunks = self._chunks(stem, work, range(len(self._names)), arguments, after=earlier, suffix=".safetensors")
        self.phases.append(Phase(f"{kind.name}: sums, pass {place + 1}", tuple(chunks), unit="chunk"))
        merge = {**self._common, "step": number, "before": before, "chunks": [shard.name for shard in chunks]}
        after = (*earlier, *(shard.name for shard in chunks))
        merged = Shard(stem, f"{_HERE}:merge", merge, f"{stem}.safetensors", self._inputs, after)
        self.phases.append(Phase(f"{kind.name}: sums merged", (merged,)))
        return f"{stem}.safetensors"

    def _add_shared(
        self,
        number: int,
        work: str,
        arguments: Mapping[str, Any],
        kind: type[Fitted],
        settings: Settings,
        *,
        after: tuple[str, ...],
        known: Collection[str] = (),
    ) -> None:
        by = group_names.column_of_groups(settings) if issubclass(kind, PerGroup) else None
        by_columns = kind.kind(settings) == "columns"
        with_groups = by in ("batch", "source") or by_columns
        output = f"shared/{number:02d}" if with_groups else fitted_folder(number)
        name = f"shared-{number:02d}"
        plates = tuple(arguments.get("plates", ()))
        self.phases.append(
            Phase(f"{kind.name}: fitted", (self._shard(name, work, output, arguments, after=after, plates=plates),), unit="step")
        )
        if with_groups:
            name = self._add_groups(number, kind, by, {"step": number, "shared": output}, after=(name,), by_columns=by_columns, known=known)
        self._fitted.append(name)

    def _add_groups(
        self,
        number: int,
        kind: type[Fitted],
        by: str | None,
        arguments: Mapping[str, Any],
        *,
        after: tuple[str, ...],
        by_columns: bool,
        known: Collection[str],
    ) -> str:
        """The phases in which each batch or source is learned, or all rows as one; they are put together in the last."""
        chunks: list[Shard] = []
        shards = []
        for place, (group, numbers) in enumerate(self._groups(by).items()):
            name, own = f"group-{number:02d}-{place:04d}", {**arguments, "name": group, **self._plates(numbers)}
            work, behind = f"{_HERE}:group", after
            if by_columns and group not in known:
                scattered = self._chunks(
                    f"columns-{number:02d}-{place:04d}", f"{_COLUMNS}:scatter", numbers, {**own, "of": numbers}, after=after
                )
                chunks += scattered
                work, behind = f"{_COLUMNS}:learn", (*after, *(shard.name for shard in scattered))
            plates = tuple(own["plates"])
            shards.append(self._shard(name, work, f"groups/{name}", own, after=behind, plates=plates, may_fail=by is not None))
        if chunks:
            self.phases.append(Phase(f"{kind.name}: columns", tuple(chunks), unit="chunk"))
        self.phases.append(Phase(f"{kind.name}: each {by}" if by else f"{kind.name}: all rows", tuple(shards), unit=by or "step"))
        gathered = f"fitted-{number:02d}"
        parts = tuple(shard.name for shard in shards)
        together = Shard(gathered, f"{_HERE}:gather", {**self._common, **arguments}, fitted_folder(number), self._inputs, parts)
        self.phases.append(Phase(f"{kind.name}: together", (together,)))
        return gathered

    def _groups(self, by: str | None) -> dict[str, list[int]]:
        """The plates of each group; all plates are one where there is no such column."""
        columns = self._source.members[list(dataset.KEYS)]
        names = group_names.groups_of({word: columns[word].tolist() for word in columns}, by) if by else [""] * len(columns)
        groups: dict[str, list[int]] = {}
        for number, name in enumerate(names):
            groups.setdefault(name, []).append(number)
        return groups

    def add_fitted(self, number: int, corrector: Fitted, *, digest: str) -> None:
        """The phases of a step that was fitted on other plates.

        Parameters
        ----------
        number
            Of the step, from 0.
        corrector
            What was fitted.
        digest
            Of where it is kept.

        """
        self._inputs = (*self._inputs, digest)
        arguments, known = {"given": f"given/{number:02d}"}, corrector.seen_in_fit()
        self._add_shared(number, f"{_HERE}:given", arguments, type(corrector), corrector.settings, after=(), known=known)

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
