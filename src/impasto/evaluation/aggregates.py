"""Aggregates of mixing and conservation: which scores a published mean takes, and with which weights.

CellPainTR: the batch score (Eq. 21) is the mean of graph connectivity, silhouette batch, and 1 - F1 of a batch classifier with and without
controls. The biology score (Eq. 22) is the mean of NMI, ARI, silhouette label, mAP against controls and against other perturbations, and
F1 of a label classifier with and without controls. The overall score (Eq. 23) is half of each. The paper writes connectivity as the share
of neighbours kept (Eq. 14), by which doing nothing has 1. Its Table 1 gives doing nothing .86, so that the table is of another formula.
Hence two protocols: `cellpaintr-eq14`, and `cellpaintr-scib` with the largest component of scib, the library that the paper names.

Arevalo et al. 2024 (Nature Communications): ten scores of scib without classifiers, over 25 neighbours of treated wells by cosine. Their
replicates stand at another position. .4 batch + .6 biology. Departure: kBET is that of scib-metrics over all rows, not R's by label.

An aggregate of the profiles has an interval over halves of the perturbations, on which all of its terms are scored again (`halves`).
Of baselines, and of more than 6,000 rows, the ends of the terms' intervals are joined: no narrower than the true one.

An aggregate is formed alike in every row of a table. A score that a row lacks (no compound has two wells in a source, say) is left out of
all rows, and the aggregate says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

from impasto.evaluation import halves
from impasto.evaluation.halves import Terms
from impasto.evaluation.labelled import Labelled
from impasto.evaluation.protocols import Correction
from impasto.evaluation.silhouette import METRICS, Metric
from impasto.evaluation.tidy import Score
from impasto.schema import InputError, one_of
from impasto.statistics.interval import plural

CONNECTED = "graph connectivity (scib)"
STRONG = "graph connectivity (scib-metrics)"
NEIGHBOURS_KEPT = "graph connectivity (neighbours kept, Eq. 14)"
SILHOUETTE_BATCH, SILHOUETTE_LABEL = "silhouette batch", "silhouette label"
WITH, WITHOUT = "with controls", "without controls"
F1_BATCH, F1_LABEL = "1 - F1 batch", "F1 label"
KBET, LISI_BATCH, LISI_LABEL = "kBET acceptance", "LISI batch", "LISI label"
NMI, ARI = "clusters NMI", "clusters ARI"
MAP_CONTROL, MAP_OTHERS = "mAP control", "mAP non-replicate"
NEIGHBOURS = {"arevalo": 25}
"""Protocol -> the neighbours of a row; the others take `NEIGHBOURS_ELSE`."""
NEIGHBOURS_ELSE = 15
_SCIB = (NMI, ARI, SILHOUETTE_LABEL, MAP_CONTROL, MAP_OTHERS)
_CLASSIFIED = (f"{F1_BATCH} ({WITH})", f"{F1_BATCH} ({WITHOUT})")
_CELLPAINTR = (*_SCIB, f"{F1_LABEL} ({WITH})", f"{F1_LABEL} ({WITHOUT})")


@dataclass(frozen=True)
class Aggregate:
    """What a published aggregate is made of.

    Attributes
    ----------
    name
        As `--protocol` says it.
    batch, biology
        The scores whose means are the batch and the biology score.
    weight
        Of the batch score in the overall score; biology has the rest.

    """

    name: Correction
    batch: tuple[str, ...]
    biology: tuple[str, ...]
    weight: float


AGGREGATES = {
    one.name: one
    for one in (
        Aggregate("cellpaintr-scib", (CONNECTED, SILHOUETTE_BATCH, *_CLASSIFIED), _CELLPAINTR, 0.5),
        Aggregate("cellpaintr-eq14", (NEIGHBOURS_KEPT, SILHOUETTE_BATCH, *_CLASSIFIED), _CELLPAINTR, 0.5),
        Aggregate("arevalo", (CONNECTED, SILHOUETTE_BATCH, KBET, LISI_BATCH), (*_SCIB, LISI_LABEL), 0.4),
    )
}


@dataclass(frozen=True)
class Again:
    """The terms of the profiles scored again on halves of the perturbations.

    Attributes
    ----------
    group
        The name of the profiles in the column `group`.
    where
        Their rows.
    terms
        Of each half.

    """

    group: str
    where: Labelled
    terms: Sequence[Terms]


@dataclass(frozen=True)
class Chosen:
    """What a protocol of mixing and conservation comes to.

    Attributes
    ----------
    protocol
        Its name.
    metric, k
        Of neighbours.
    aggregates
        Those that it forms.

    """

    protocol: Correction
    metric: Metric
    k: int
    aggregates: list[Aggregate]

    @property
    def with_controls(self) -> bool:
        """Whether negative controls are among the rows that are compared with their neighbours."""
        return self.protocol != "arevalo"

    @property
    def prefix(self) -> str:
        """How the rows of a named protocol begin."""
        return "" if self.protocol == "cellpaintr" else f"{self.protocol}, "

    def takes(self, metric: str, /) -> bool:
        """Whether a score is one of this protocol.

        Parameters
        ----------
        metric
            The name of a score, such as `graph connectivity (scib)`.

        Returns
        -------
        bool
            True for every score under `cellpaintr`, and for the scores that an aggregate of another protocol holds.

        """
        return self.protocol == "cellpaintr" or self.needs(metric)

    def needs(self, metric: str, /) -> bool:
        """Whether an aggregate of this protocol holds a score.

        Parameters
        ----------
        metric
            The name of a score.

        Returns
        -------
        bool
            True for the scores of the protocol's means.

        """
        return any(metric in (*one.batch, *one.biology) for one in self.aggregates)


def settle(protocol: Correction, /, *, metric: Metric, k: int | None, before: str | Path | None) -> Chosen:
    """What a protocol and the options come to.

    Parameters
    ----------
    protocol, metric, k, before
        As `evaluate` takes them.

    Returns
    -------
    Chosen
        With the neighbours of the protocol where nobody gave a number.

    Raises
    ------
    InputError
        An unknown word, or no table of profiles before correction where the protocol compares with it.

    """
    one_of(protocol, get_args(Correction), what="protocol of mixing and conservation")
    one_of(metric, METRICS, what="metric")
    many = NEIGHBOURS.get(protocol, NEIGHBOURS_ELSE) if k is None else k
    if many < 1:
        raise InputError(f"k is {many}; a row needs one neighbour or more")
    if protocol == "cellpaintr-eq14" and before is None:
        raise InputError("cellpaintr-eq14 counts the neighbours kept from the profiles before correction; name them: --set before=TABLE")
    return Chosen(protocol, metric, many, _of_protocol(protocol, before=before is not None))


def _of_protocol(protocol: Correction, *, before: bool) -> list[Aggregate]:
    """The aggregates of a protocol; `before`: whether there are profiles before correction, which Eq. 14 asks for."""
    if protocol != "cellpaintr":
        return [AGGREGATES[protocol]]
    return [AGGREGATES[name] for name in ("cellpaintr-scib", "cellpaintr-eq14") if before or name != "cellpaintr-eq14"]


def batch_scores(rows: Sequence[Score], chosen: Sequence[Aggregate], /, *, again: Again | None = None) -> list[Score]:
    """The rows of mixing, each group followed by its batch scores.

    Parameters
    ----------
    rows
        The scores of all groups (profiles, baselines, shuffled labels), those of a group together.
    chosen
        The aggregates.
    again
        The terms of one group on halves; the others join the ends of their terms' intervals.

    Returns
    -------
    list[Score]
        The rows, and one more a group and aggregate.

    """
    groups = _by_group(rows)
    for aggregate in chosen:
        parts = _shared(groups, aggregate.batch)
        for group_rows in groups.values():
            mean = _mean(f"batch score ({aggregate.name})", group_rows, parts, of=aggregate.batch)
            group_rows.append(_surer(mean, _even(parts), again))
    return [row for group_rows in groups.values() for row in group_rows]


def overall_scores(
    rows: Sequence[Score], mixed: Sequence[Score], chosen: Sequence[Aggregate], /, *, again: Again | None = None
) -> list[Score]:
    """The rows of conservation, each group followed by its batch, biology and overall scores.

    Parameters
    ----------
    rows
        The scores of conservation of all groups, those of a group together.
    mixed
        The scores of mixing of the same groups, with their batch scores.
    chosen
        The aggregates.
    again
        The terms of one group on halves, those of mixing too; the others join the ends of their terms' intervals.

    Returns
    -------
    list[Score]
        The rows, and for each group and aggregate three more. Aggregates of the same biology share that score.

    """
    groups = _by_group(rows)
    batch = {(row.group, row.metric): row for row in mixed}
    for aggregate in chosen:
        parts, of_batch = _shared(groups, aggregate.biology), _shared(_by_group(mixed), aggregate.batch)
        word = "arevalo" if aggregate.name == "arevalo" else "Eq. 22"
        for group, group_rows in groups.items():
            biology = _surer(_mean(f"biology score ({word})", group_rows, parts, of=aggregate.biology), _even(parts), again)
            mixing = replace(batch[group, f"batch score ({aggregate.name})"], task=biology.task, protocol=biology.protocol)
            overall = mean_score(f"overall ({aggregate.name})", [(mixing, aggregate.weight), (biology, 1 - aggregate.weight)])
            weights = {m: aggregate.weight * w for m, w in _even(of_batch).items()}
            weights |= {m: (1 - aggregate.weight) * w for m, w in _even(parts).items()}
            overall = _surer(overall, weights, again)
            group_rows += [row for row in (mixing, biology, overall) if row.metric not in {other.metric for other in group_rows}]
    return [row for group_rows in groups.values() for row in group_rows]


def mean_score(metric: str, parts: Sequence[tuple[Score, float]], /) -> Score:
    """A weighted sum of scores.

    Parameters
    ----------
    metric
        The name of the sum.
    parts
        The scores of one group, each with its weight. Task, protocol and group of the first name the sum.

    Returns
    -------
    Score
        The sum. Its interval joins the ends of theirs, as if they erred together: no narrower than the true one. It has none where a
        part has none.

    """
    first = parts[0][0]
    without = [s.metric for s, _ in parts if s.low is None or s.high is None]
    low, high = (None if without else float(sum(w * (getattr(s, end) or 0.0) for s, w in parts)) for end in ("low", "high"))
    about = f"{without[0]} has no interval" if without else "the ends of its parts' intervals joined: no narrower than the true one"
    value, n = sum(w * s.value for s, w in parts), max(s.n for s, _ in parts)
    return Score(first.task, first.protocol, first.group, metric, value, low, high, None, n, interval="ends joined", about=about)


def _even(parts: Sequence[str]) -> dict[str, float]:
    return {part: 1 / len(parts) for part in parts}


def _surer(score: Score, weights: Mapping[str, float], again: Again | None) -> Score:
    """The same mean with an interval over halves, where its terms were scored on them and it has one."""
    if again is None or score.group != again.group or not again.terms:
        return score
    made = halves.of_sum(score.value, weights, again.terms, again.where)
    if made.low is None:
        return score
    without = f"{score.about.partition('; ')[0]}; " if score.about.startswith("without ") else ""
    about = f"{without}other {plural(made.unit)}, every term scored again on halves of them"
    return replace(
        score, low=made.low, high=made.high, unit=made.unit, clusters=made.clusters, df=made.df, interval=made.method, about=about
    )


def _by_group(rows: Sequence[Score]) -> dict[str, list[Score]]:
    groups: dict[str, list[Score]] = {}
    for row in rows:
        groups.setdefault(row.group, []).append(row)
    return groups


def _shared(groups: dict[str, list[Score]], wanted: Sequence[str]) -> list[str]:
    """Those of the wanted scores that every group has."""
    there = set.intersection(*({row.metric for row in group_rows} for group_rows in groups.values()))
    return [metric for metric in wanted if metric in there]


def _mean(metric: str, rows: Sequence[Score], parts: Sequence[str], *, of: Sequence[str]) -> Score:
    """The mean of some scores of one group; it says which of those it should hold are not there."""
    by_metric = {row.metric: row for row in rows}
    mean = mean_score(metric, [(by_metric[part], 1 / len(parts)) for part in parts])
    absent = [part for part in of if part not in parts]
    return replace(mean, about=f"without {', '.join(absent)}; {mean.about}") if absent else mean
