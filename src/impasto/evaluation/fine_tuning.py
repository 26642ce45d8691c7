"""The de novo cell line protocol: encoders of earlier runs, fine-tuned on a few wells of each perturbation of a line they never saw.

In every split, k wells a perturbation are shown (within one batch, or of other batches than those asked). A share of the others chooses
the weights, and the rest is named. Scores are top-1 and top-5 of wells, the mean over splits. Integrating Biological Knowledge for Robust
Microscopy Image Profiling on De Novo Cell Lines, sections 4.1.3, 4.3.2 and B.5.

Every split of every variant starts from the same weights. All variants see the same splits, so two of them are compared on the same wells.
Perturbations were sampled: they leave all splits, as what is asked and as an answer, and classifiers stay as they were trained (`naming`).
A line that a run was trained on is refused, and so is a well on two sides.

Departures: the public code splits by image, and a tenth of its test images are other sites of training wells. It lets one encoder drift
through the five splits. Here a well is whole, and each split begins from the weights of the run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import runs, schema, texts, wells
from impasto.evaluation import inputs, tidy, transfer, units
from impasto.evaluation.naming import Answers, Naming
from impasto.evaluation.tidy import Score
from impasto.pretrain.few_shot import Material
from impasto.schema import InputError, one_of
from impasto.statistics import jackknife
from impasto.statistics.shuffles import MOST_SHUFFLES
from impasto.training.loop import fit
from impasto.training.method import Method, Prepared
from impasto.training.settings import LoopSettings

TASK = "de-novo"
Rows = npt.NDArray[np.intp]
Add = Callable[[Prepared], Prepared]
Asked = Mapping[str, npt.NDArray[Any]]
"""The wells asked in one split: `top-1`, `top-5` and `truth` of each well, `classes`, and the `scores` of each well and class."""


@dataclass(frozen=True)
class Parts:
    """The rows (sites or wells) of one split.

    Attributes
    ----------
    shown
        Rows that the encoder is fine-tuned on.
    choosing
        Rows by which the weights of an epoch are chosen; none where nothing is held back.
    asked
        Rows that are named, and scored.

    """

    shown: Rows
    choosing: Rows
    asked: Rows


@dataclass(frozen=True)
class Protocol:
    """How splits are drawn.

    Attributes
    ----------
    cell_line
        The line that is new to the encoder.
    kind
        `within-batch` or `over-batches`: whether wells are shown of the batches of those asked, or of other batches.
    shots
        Wells of each perturbation that the run learns from.
    splits
        How many splits are drawn.
    validation
        The share of the other wells that chooses the weights, from 0 to 1.
    batch
        The column of batches; `auto` as in `inputs.batch_word`.
    seed
        Of the splits.

    """

    cell_line: str
    kind: str = "within-batch"
    shots: int = 1
    splits: int = 5
    validation: float = 0.2
    batch: str = "auto"
    seed: int = 0

    @property
    def words(self) -> str:
        """In words, for tables."""
        return f"{self.kind}, {self.cell_line}, {self.shots} shots, {self.splits} splits"


def wells_of(units: pd.DataFrame, /) -> Rows:
    """The number of each row's well.

    Parameters
    ----------
    units
        One row a site or well.

    Returns
    -------
    Rows
        (n,) numbers, from 0; one a row in a table without wells.

    """
    if schema.WELL not in units:
        return np.arange(len(units), dtype=np.intp)
    plate, _ = wells.plates(units)
    well = units[schema.WELL].astype("string").fillna("").to_numpy()
    return units.groupby([plate, well], sort=True).ngroup().to_numpy().astype(np.intp)


def rows_of_line(units: pd.DataFrame, cell_line: str, /) -> Rows:
    """The rows of a cell line.

    Parameters
    ----------
    units
        One row a site or well.
    cell_line
        The line.

    Returns
    -------
    Rows
        The rows, ascending.

    Raises
    ------
    InputError
        Where the data have no column `cell_line`, or no such line.

    """
    if schema.CELL_LINE not in units:
        raise InputError("the data have no column cell_line; the protocol needs a line that the encoder has not seen")
    names = units[schema.CELL_LINE].astype(str)
    return np.flatnonzero((names == one_of(cell_line, set(names), what="cell line")).to_numpy())


def draw(units: pd.DataFrame, names: npt.NDArray[np.object_], protocol: Protocol, /) -> list[Parts]:
    """The splits: whole wells of one line.

    Parameters
    ----------
    units
        One row a site or well.
    names
        (n,) the perturbation of each row; empty or None where it is not treated.
    protocol
        How splits are drawn.

    Returns
    -------
    list[Parts]
        The rows of each split.

    Raises
    ------
    InputError
        Where the line has no treated well, or no perturbation has wells to show and others to ask.

    """
    one_of(protocol.kind, transfer.PROTOCOLS, what="protocol")
    rows = rows_of_line(units, protocol.cell_line)
    rows = rows[np.array([bool(names[r]) for r in rows], dtype=bool)]
    if not len(rows):
        raise InputError(f"{protocol.cell_line} has no treated well")
    units_of_line = units.iloc[rows]
    well = wells_of(units)[rows]
    first = np.unique(well, return_index=True)[1]
    codes, _ = inputs.groups(pd.Series(names[rows][first], dtype="string"))
    try:
        batches = wells.groups(units_of_line.iloc[first], inputs.batch_word(units_of_line, among=protocol.batch))[0]
    except InputError:
        if protocol.kind == "over-batches":
            raise
        batches = np.zeros(len(first), dtype=np.intp)
    all_parts = []
    for number in range(protocol.splits):
        rng = np.random.default_rng([protocol.seed, number])
        drawn = transfer.split(codes, batches, shots=protocol.shots, protocol=protocol.kind, rng=rng)
        asked = rng.permutation(drawn.asked)
        held = round(protocol.validation * len(asked))
        sides = [drawn.shown, np.sort(asked[:held]), np.sort(asked[held:])]
        if not len(sides[0]) or not len(sides[2]):
            raise InputError(f"{protocol.words}: no perturbation has {protocol.shots} wells to show and others to ask; lower shots")
        parts = Parts(*(rows[np.isin(well, well[first][side])] for side in sides))
        refuse_leak(units, parts)
        all_parts.append(parts)
    return all_parts


def refuse_leak(units: pd.DataFrame, parts: Parts, /) -> None:
    """Refuse a split in which a well stands on two sides.

    Parameters
    ----------
    units
        One row a site or well.
    parts
        The rows of the split.

    Raises
    ------
    InputError
        Where a well stands on two sides.

    """
    well = wells_of(units)
    for a, b in (("shown", "choosing"), ("shown", "asked"), ("choosing", "asked")):
        both = np.intersect1d(well[getattr(parts, a)], well[getattr(parts, b)])
        if len(both):
            raise InputError(f"{len(both)} wells are both {a} and {b}; that is leakage")


def refuse_seen(cell_line: str, seen: Sequence[str], where: Path, /) -> None:
    """Refuse a run that was trained on the line that is called new.

    Parameters
    ----------
    cell_line
        The new line.
    seen
        The lines that the run was trained on.
    where
        The folder of the run, for the error.

    Raises
    ------
    InputError
        Where the line is among those.

    """
    if cell_line in seen:
        raise InputError(f"{where} was trained on {cell_line}, so it is not new to it; train on others: only = {{cell_line = [...]}}")


def hits(scores: npt.NDArray[np.float32], classes: Sequence[str], material: Material, rows: Rows, /, *, k: int) -> npt.NDArray[np.float64]:
    """Whether the class of a well is among the k best of its sites' mean scores, ties by their middle rank.

    Parameters
    ----------
    scores
        (rows, classes) the score of each class for each of these rows.
    classes
        The names of the classes, in the order of the scores.
    material
        The data of the protocol.
    rows
        The rows (sites or wells) that are named.
    k
        How many of the best classes count.

    Returns
    -------
    npt.NDArray[np.float64]
        (wells,) 1 for a hit, else 0.

    """
    return (_ranks(scores, classes, material, rows) <= k).astype(float)


def _ranks(scores: npt.NDArray[np.float32], classes: Sequence[str], material: Material, rows: Rows) -> npt.NDArray[np.float64]:
    means, truth = of_wells(scores, material, rows)
    place = {name: number for number, name in enumerate(classes)}
    asked = Answers(means, np.arange(len(classes)), np.array([place[name] for name in truth], dtype=np.intp))
    return np.asarray(1 + asked.above(np.zeros(len(classes), dtype=np.intp), 1)[0])


def of_wells(scores: npt.NDArray[np.float32], material: Material, rows: Rows, /) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.str_]]:
    """The mean scores of the sites of each well, and its class.

    Parameters
    ----------
    scores
        (rows, classes) the score of each class for each of these rows.
    material
        The data of the protocol.
    rows
        The rows (sites or wells) that are named.

    Returns
    -------
    tuple[npt.NDArray[np.float64], npt.NDArray[np.str_]]
        (wells, classes) mean scores, and (wells,) the class of each well.

    """
    _, first, place = np.unique(wells_of(material.units)[rows], return_index=True, return_inverse=True)
    means = np.zeros((len(first), scores.shape[1]))
    np.add.at(means, place, scores)
    return means / np.bincount(place)[:, None], material.names[rows][first].astype(str)


def one_split(material: Material, parts: Parts, /, *, add: Add, loop: LoopSettings, out: Path) -> Asked:
    """Fine-tune on what is shown, and name the wells asked.

    Parameters
    ----------
    material
        The data of the protocol, and the weights to begin with.
    parts
        The rows of the split.
    add
        Adds the parts of a variant to what is trained.
    loop
        Settings of the training loop.
    out
        The folder of the run.

    Returns
    -------
    Asked
        Of the wells asked: the hits at 1 and at 5, their class (`truth`), and the scores of all `classes`.

    """
    prepared = add(material.prepared(parts.shown, seed=loop.seed or 0))
    material.begin(prepared)
    classes: list[str] = prepared.facts["classes"]

    def validate(method: Method) -> dict[str, float]:
        ranks = _ranks(material.scores(method, parts.choosing), classes, material, parts.choosing)
        n = len(classes)
        return {"score": float((1 / ranks).mean()), "chance": sum(1 / k for k in range(1, n + 1)) / n, "top_1": float((ranks <= 1).mean())}

    fit(prepared.method, prepared.feed, settings=loop, out=out, validate=validate if len(parts.choosing) else None)
    _load_best(prepared.method, out)
    scores = material.scores(prepared.method, parts.asked)
    means, truth = of_wells(scores, material, parts.asked)
    named = {"classes": np.array(classes, dtype=str), "truth": truth, "scores": means}
    return {f"top-{k}": hits(scores, classes, material, parts.asked, k=k) for k in (1, 5)} | named


def _load_best(method: Method, out: Path) -> None:
    from safetensors.torch import load_file

    method.load_state_dict(load_file(out / "model.safetensors"))


def naming_of(splits: Sequence[Asked], /) -> Naming:
    """The wells asked in all splits, to be named by perturbation.

    Parameters
    ----------
    splits
        The wells asked in each split, as `one_split` gives them.

    Returns
    -------
    Naming
        The answers of every split over the classes of all, and the perturbations as units.

    """
    names = sorted({str(name) for split in splits for name in split["classes"]})
    code = {name: number for number, name in enumerate(names)}
    answers = []
    for split in splits:
        classes = np.array([code[str(name)] for name in split["classes"]], dtype=np.intp)
        order = np.argsort(classes)
        answers.append(Answers(split["scores"][:, order], classes[order], np.array([code[str(n)] for n in split["truth"]], dtype=np.intp)))
    return Naming(answers, units.named(names, word="perturbation"), seed=0)


def scored(splits: Sequence[Asked], protocol: Protocol, /, *, group: str) -> list[Score]:
    """Top-1 and top-5, the mean over splits.

    Parameters
    ----------
    splits
        The wells asked in each split, as `one_split` gives them.
    protocol
        How the splits were drawn.
    group
        What the scores are called in the column `group`.

    Returns
    -------
    list[Score]
        Both scores, with their intervals over perturbations.

    """
    naming = naming_of(splits)
    classes = np.array([len(split["classes"]) for split in splits])
    rows = []
    for k in (1, 5):
        hit = [np.asarray(split[f"top-{k}"], dtype=np.float64) for split in splits]
        interval, parts = naming.interval(k, hit)
        row = (TASK, protocol.words, group, f"top-{k}", float(np.mean([h.mean() for h in hit])), interval)
        chance, p = float(np.minimum(1, k / classes).mean()), naming.p_chance(k, MOST_SHUFFLES)
        digest = naming.perturbations.digest
        rows.append(tidy.score(*row, chance=chance, n=int(classes.max()), p_chance=p, parts=parts, units=digest))
    return rows


def gained(splits: Sequence[Asked], base: Sequence[Asked], protocol: Protocol, /, *, group: str, over: str) -> list[Score]:
    """How much more than another variant is named, on the same wells of the same splits.

    Parameters
    ----------
    splits
        The wells asked in each split, as `one_split` gives them.
    base
        The same of the other variant.
    protocol
        How the splits were drawn.
    group
        What the scores are called in the column `group`.
    over
        The name of the other variant.

    Returns
    -------
    list[Score]
        The gains at 1 and at 5; chance is 0, and the interval is paired.

    """
    own, other = naming_of(splits), naming_of(base)
    rows = []
    for k in (1, 5):
        each = [f[f"top-{k}"] - b[f"top-{k}"] for f, b in zip(splits, base, strict=True)]
        interval = jackknife.difference(own.left_out(k), other.left_out(k), unit="perturbation")
        value = float(np.mean([e.mean() for e in each]))
        rows.append(
            tidy.score(TASK, protocol.words, group, f"top-{k} gained over {over}", value, interval, chance=0.0, n=sum(map(len, each)))
        )
    return rows


def layout(per_split: pd.DataFrame, /) -> tuple[list[str], list[str], list[list[str]]]:
    """The papers' layout: a column for each column and metric, mean ± sd over splits in percent.

    Parameters
    ----------
    per_split
        One row a number: row, column, metric, value.

    Returns
    -------
    tuple[list[str], list[str], list[list[str]]]
        The level of each column, the header (the first of it empty), and the rows.

    """
    rows, columns, metrics = (list(dict.fromkeys(per_split[word])) for word in ("row", "column", "metric"))
    grouped = per_split.groupby(["row", "column", "metric"])["value"]
    means, spread = grouped.mean() * 100, grouped.std(ddof=1).fillna(0.0) * 100
    places = [(column, metric) for column in columns for metric in metrics]

    def cell(row: str, column: str, metric: str) -> str:
        key = (row, column, metric)
        return f"{means[key]:.1f} ± {spread[key]:.1f}" if key in means.index else ""

    lines = [[row, *(cell(row, *place) for place in places)] for row in rows]
    return [column for column, _ in places], ["", *(f"{metric}, %" for _, metric in places)], lines


def write_layout(out: Path, per_split: pd.DataFrame, /, *, title: str, note: str) -> None:
    """Write `table.md` and `table.json`, as `impasto table` writes them.

    Parameters
    ----------
    out
        The folder.
    per_split
        One row a number: row, column, metric, value.
    title
        Of the table.
    note
        The text below the table.

    """
    levels, header, rows = layout(per_split)
    several = len(set(levels)) > 1
    names = [header[0], *(f"{level}: {name}" if several else name for level, name in zip(levels, header[1:], strict=True))]
    lines = [names, ["---"] * len(names), *rows]
    text = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    with runs.atomic(out / "table.md") as temporary:
        texts.write(temporary, f"# {title}\n\n{text}\n\n{note}\n")
    record = {"title": title, "note": note, "levels": levels if several else [""] * len(levels), "header": header, "rows": rows}
    runs.write_json(out / "table.json", record)
