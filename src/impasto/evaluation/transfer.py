"""Transfer: from a few wells of each perturbation in a new setting (a cell line, a plate, a batch), are the other wells told?

k wells a perturbation are shown, the rest is to be named: top-1 and top-5, mean over random splits (the biological-knowledge paper,
section 4.1.3). Splits are by well: profiles are well profiles, so two sites of a well never stand on both sides. Within one batch the
shown wells are of the batch of the rest; over batches they are of other batches. Each split starts from the same profiles: nothing is
carried over.

Departure: the encoder is not fine-tuned here, as profiles are what is scored: a perturbation is the mean of its shown wells, nearest by
cosine. Fine-tuning is a recipe that trains on the new line, then this task on its embeddings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import profiles as tables
from impasto import ranking, schema
from impasto.evaluation import baselines, inputs
from impasto.evaluation.tidy import Score, interval
from impasto.schema import InputError, one_of

TASK = "transfer"
PROTOCOLS = ("within-batch", "over-batches")
Floats = npt.NDArray[np.float32]
Codes = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Split:
    """Rows shown, and rows to be named, of perturbations that have both."""

    shown: Codes
    asked: Codes


def split(codes: Codes, batches: Codes, /, *, shots: int, protocol: str, rng: np.random.Generator) -> Split:
    """Draw `shots` rows of each perturbation (code; -1 for none). A perturbation without enough rows is left out.

    Within a batch: one batch of each perturbation is drawn, `shots` of its rows are shown, its others asked. Over batches: rows of one
    drawn batch are asked, and the shown ones come from the others.
    """
    shown, asked = [], []
    for code in range(codes.max() + 1):
        rows = rng.permutation(np.flatnonzero(codes == code))
        for batch in rng.permutation(np.unique(batches[rows])):
            inside, outside = rows[batches[rows] == batch], rows[batches[rows] != batch]
            teach, test = (inside[:shots], inside[shots:]) if protocol == "within-batch" else (outside[:shots], inside)
            if len(teach) == shots and len(test):
                shown.append(teach)
                asked.append(test)
                break
    empty = np.empty(0, dtype=np.intp)
    return Split(np.sort(np.concatenate([empty, *shown])), np.sort(np.concatenate([empty, *asked])))


def hits(values: Floats, codes: Codes, drawn: Split, /, *, k: int) -> npt.NDArray[np.float64]:
    """Of each row asked, 1 where its perturbation is among the k nearest means of the rows shown (ties by their middle rank)."""
    if np.intersect1d(drawn.shown, drawn.asked).size:
        raise InputError("a well is both shown and asked; that is leakage")
    names, place = np.unique(codes[drawn.shown], return_inverse=True)
    centres = ranking.unit(inputs.consensus(ranking.unit(values[drawn.shown]), place.astype(np.intp), statistic="mean"))
    asked, right = np.nonzero(codes[drawn.asked][:, None] == names[None])
    return (ranking.rank_of_match(ranking.unit(values[drawn.asked]), centres, (asked, right)) <= k).astype(float)


def evaluate(
    profiles: anndata.AnnData,
    /,
    *,
    protocol: str = "within-batch",
    cell_line: str | None = None,
    batch: str = "auto",
    shots: int | Sequence[int] = (1, 3, 5),
    splits: int = 5,
    seed: int = 0,
    group: str = "profiles",
) -> tuple[list[Score], dict[str, pd.DataFrame]]:
    """Top-1 and top-5 at each number of shots, of every cell line (or one). `per_group`: one row a split.

    Raises InputError where no perturbation has enough wells.
    """
    one_of(protocol, PROTOCOLS, what="protocol of transfer")
    tables.require(profiles, schema.PERTURBATION, task="transfer")
    lines = _lines(profiles.obs, cell_line)
    batches = _batches(profiles.obs, batch, protocol)
    names = tables.identity(profiles.obs)
    views = [(group, inputs.finite(profiles)), *baselines.stand_ins(profiles)]
    counts = [shots] if isinstance(shots, int) else list(shots)
    scores: list[Score] = []
    details: list[dict[str, object]] = []
    for line, rows in lines.items():
        codes, _ = inputs.groups(names.where(rows & inputs.is_treated(profiles.obs)))
        for many in counts:
            drawn = [split(codes, batches, shots=many, protocol=protocol, rng=np.random.default_rng([seed, s])) for s in range(splits)]
            if not all(len(d.asked) for d in drawn):
                continue
            told = f"{protocol}, {line}, {many} shots, {splits} splits"
            for name, values in [*views, ("shuffled labels", views[0][1])]:
                told_as = [_dealt(codes, d, seed=seed) if name == "shuffled labels" else codes for d in drawn]
                # The splits are the same for all views: only what the wells are called, or hold, differs.
                for k in (1, 5):
                    found = [hits(values, c, d, k=k) for c, d in zip(told_as, drawn, strict=True)]
                    scores.append(_score(found, drawn, codes, told, name, k=k, seed=seed))
                    details += [
                        {"split": i, "shots": many, "metric": f"top-{k}", "value": float(f.mean()), "cell_line": line, "profiles": name}
                        for i, f in enumerate(found)
                    ]
    if not scores:
        raise InputError(
            f"{protocol}: no perturbation has {min(counts)} wells to show and another to ask; lower --set shots=, or change --protocol"
        )
    return scores, {"per_group": pd.DataFrame(details).assign(protocol=protocol)}


def _lines(obs: pd.DataFrame, cell_line: str | None) -> dict[str, npt.NDArray[np.bool_]]:
    if schema.CELL_LINE not in obs:
        return {"all wells": np.ones(len(obs), dtype=bool)}
    names = obs[schema.CELL_LINE].astype(str)
    chosen = sorted(set(names)) if cell_line is None else [one_of(cell_line, set(names), what="cell line")]
    return {name: (names == name).to_numpy() for name in chosen}


def _batches(obs: pd.DataFrame, batch: str, protocol: str) -> Codes:
    try:
        word = inputs.batch_word(obs, among=batch)
    except InputError:
        if protocol == "over-batches" or batch != "auto":
            raise
        return np.zeros(len(obs), dtype=np.intp)
    return inputs.groups(obs[word].astype("string").fillna("unknown"))[0]


def _dealt(codes: Codes, drawn: Split, *, seed: int) -> Codes:
    """The names of the rows asked dealt anew among them."""
    mixed = codes.copy()
    mixed[drawn.asked] = codes[np.random.default_rng(seed).permutation(drawn.asked)]
    return mixed


def _score(found: list[npt.NDArray[np.float64]], drawn: list[Split], codes: Codes, told: str, group: str, *, k: int, seed: int) -> Score:
    every = np.concatenate(found)
    classes = np.array([len(np.unique(codes[d.shown])) for d in drawn])
    per_split = float(np.mean([f.mean() for f in found]))
    low, high = interval(every, seed=seed)
    return Score(TASK, told, group, f"top-{k}", per_split, low, high, float(np.minimum(1, k / classes).mean()), int(classes.max()))
