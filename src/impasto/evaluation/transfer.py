"""Transfer: from a few wells of each perturbation in a new setting (a cell line, a plate, a batch), can the other wells be named?

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
from typing import Annotated, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from impasto import ranking, schema, wells
from impasto.evaluation import baselines, inputs, protocols, shuffled_wells, tidy, units
from impasto.evaluation.inputs import SameAs, Table
from impasto.evaluation.naming import Answers, Naming
from impasto.evaluation.result import OWN, Result
from impasto.evaluation.tidy import Score
from impasto.evaluation.units import Units
from impasto.schema import InputError, one_of
from impasto.statistics.shuffles import MOST_SHUFFLES

TASK = "transfer"
Protocol = protocols.Transfer
PROTOCOLS = get_args(Protocol)
KS = (1, 5)
Floats = npt.NDArray[np.float32]
Codes = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Split:
    """Rows shown, and rows to be named, of perturbations that have both.

    Attributes
    ----------
    shown
        Rows shown, in order.
    asked
        Rows to be named, in order.

    """

    shown: Codes
    asked: Codes


def split(codes: Codes, batches: Codes, /, *, shots: int, protocol: str, rng: np.random.Generator) -> Split:
    """Draw some rows of each perturbation to be shown; its others are to be named. A perturbation without enough rows is left out.

    Within a batch: one batch of each perturbation is drawn, some of its rows are shown, its others asked. Over batches: rows of one drawn
    batch are asked, and the shown ones come from the others.

    Parameters
    ----------
    codes
        (n,) the perturbation of each row, -1 for none.
    batches
        (n,) the batch of each row.
    shots
        Rows shown of each perturbation.
    protocol
        `within-batch`, or over batches.
    rng
        Draws the split.

    Returns
    -------
    Split
        The rows of perturbations that have both.

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


def answers(values: Floats, codes: Codes, drawn: Split, /) -> Answers:
    """The cosine of each row asked with the mean of the rows shown of each perturbation.

    Parameters
    ----------
    values
        (n, width) of all rows.
    codes
        (n,) the perturbation of each row.
    drawn
        The rows shown and those asked.

    Returns
    -------
    Answers
        The scores of the rows asked.

    Raises
    ------
    InputError
        Where a row is both shown and asked.

    """
    if np.intersect1d(drawn.shown, drawn.asked).size:
        raise InputError("a well is both shown and asked; that is leakage")
    names, place = np.unique(codes[drawn.shown], return_inverse=True)
    centres = ranking.unit(inputs.consensus(ranking.unit(values[drawn.shown]), place.ravel().astype(np.intp), statistic="mean"))
    return Answers(ranking.unit(values[drawn.asked]) @ centres.T, names, codes[drawn.asked])


def hits(values: Floats, codes: Codes, drawn: Split, /, *, k: int) -> npt.NDArray[np.float64]:
    """Whether the perturbation of each row asked is among the k nearest means of the rows shown (ties by their middle rank).

    Parameters
    ----------
    values
        (n, width) of all rows.
    codes
        (n,) the perturbation of each row.
    drawn
        The rows shown and those asked.
    k
        How many answers a row may have.

    Returns
    -------
    npt.NDArray[np.float64]
        (rows asked,) 1 or 0.

    """
    asked = answers(values, codes, drawn)
    return np.asarray(1 + asked.above(np.zeros(len(codes), dtype=np.intp), 1)[0] <= k, dtype=np.float64)


def evaluate(
    profiles: Table,
    /,
    *,
    protocol: Protocol = "within-batch",
    cell_line: str | None = None,
    batch: str = "auto",
    pool_doses: bool = False,
    same_as: SameAs = "name",
    shots: int | Sequence[int] = (1, 3, 5),
    splits: int = 5,
    shuffles: Annotated[int, Field(ge=0)] = MOST_SHUFFLES,
    seed: int = 0,
) -> Result:
    """Top-1 and top-5 at each number of shots, of every cell line (or one), beside the baselines and shuffled labels.

    Parameters
    ----------
    profiles
        One row a well.
    protocol
        Whether the wells shown are of the batch of those asked, or of other batches.
    cell_line
        The one line to score; every line by default.
    batch
        The column of batches; `auto` takes the widest of source, batch, plate with several values.
    pool_doses
        Whether all doses of a perturbation are one.
    same_as
        Whether perturbations are the same by `name`, or by `inchikey` where they have one.
    shots
        Wells shown of each perturbation.
    splits
        Random splits.
    shuffles
        How often wells are shuffled within their plates at most, to ask whether the score is above chance; 0 for never.
    seed
        Of splits, shuffles and groups of perturbations.

    Returns
    -------
    Result
        The scores. `per_group`: one row a split. `tables`: `merged`.

    Raises
    ------
    InputError
        Where no perturbation has enough wells.

    """
    one_of(protocol, PROTOCOLS, what="protocol of transfer")
    profiles, merged = inputs.named(profiles, same_as, task="transfer")
    # Splits are drawn row by row: in the order of their places, whatever the order of the table.
    profiles = profiles[np.argsort(wells.row_names(profiles.obs), kind="stable")]
    obs = profiles.obs
    batches = _batches(obs, batch, protocol)
    plates = wells.groups(obs, schema.PLATE)[0] if schema.PLATE in obs else np.zeros(len(obs), dtype=np.intp)
    names = wells.replicates(obs, pool_doses=pool_doses).where(wells.treated(obs))
    doses = inputs.dose_words(obs, pool_doses=pool_doses)
    views = [(OWN, wells.finite(profiles, task="transfer")), *baselines.stand_ins(profiles)]
    views.append((baselines.SHUFFLED, views[0][1]))
    counts = [shots] if isinstance(shots, int) else list(shots)
    scores: list[Score] = []
    details: list[dict[str, object]] = []
    for line, rows in _lines(obs, cell_line).items():
        codes, known = inputs.groups(names.where(rows))
        perturbations = _units(obs, codes, known)
        for many in counts:
            drawn = [split(codes, batches, shots=many, protocol=protocol, rng=np.random.default_rng([seed, s])) for s in range(splits)]
            if not all(len(d.asked) for d in drawn):
                continue
            # The splits are the same for all views: only what the wells are called, or hold, differs.
            for name, values in views:
                called = [_shuffled(codes, d, seed=seed) if name == baselines.SHUFFLED else codes for d in drawn]
                asked = [answers(values, c, d) for c, d in zip(called, drawn, strict=True)]
                naming = Naming(asked, perturbations, seed)
                shuffled = shuffled_wells.of(values, codes, [(d.shown, d.asked) for d in drawn], plates, ks=KS) if name == OWN else None
                for k in KS:
                    right = [hits(values, c, d, k=k) for c, d in zip(called, drawn, strict=True)]
                    title = f"{protocol}, {line}, {many} shots, {splits} splits{doses}"
                    p = None if shuffled is None else shuffled.p_chance(k, seed=seed, most=shuffles)
                    scores.append(_score(right, naming, title, name, k=k, p_chance=p))
                    where = {"shots": many, "metric": f"top-{k}", "cell_line": line, "profiles": name}
                    details += [{"split": i, "value": float(r.mean()), **where} for i, r in enumerate(right)]
    if not scores:
        raise InputError(
            f"{protocol}: no perturbation has {min(counts)} wells to show and another to ask; lower --set shots=, or change --protocol"
        )
    return Result.of(scores, per_group=pd.DataFrame(details).assign(protocol=protocol), tables={"merged": merged})


def _lines(obs: pd.DataFrame, cell_line: str | None) -> dict[str, npt.NDArray[np.bool_]]:
    """Each cell line, or the one asked for, and its rows. Wells without a line belong to none."""
    if schema.CELL_LINE not in obs or obs[schema.CELL_LINE].isna().all():
        return {"all wells": np.ones(len(obs), dtype=bool)}
    names = obs[schema.CELL_LINE].astype("string")
    known = sorted(set(names.dropna()))
    chosen = known if cell_line is None else [one_of(cell_line, known, what="cell line")]
    return {name: (names == name).fillna(False).to_numpy(dtype=bool) for name in chosen}


def _batches(obs: pd.DataFrame, batch: str, protocol: Protocol) -> Codes:
    try:
        return wells.groups(obs, inputs.batch_word(obs, among=batch))[0]
    except InputError:
        if protocol == "over-batches" or batch != "auto":
            raise
        return np.zeros(len(obs), dtype=np.intp)


def _shuffled(codes: Codes, drawn: Split, *, seed: int) -> Codes:
    """The names of the rows asked, shuffled among them."""
    mixed = codes.copy()
    mixed[drawn.asked] = codes[np.random.default_rng(seed).permutation(drawn.asked)]
    return mixed


def _units(obs: pd.DataFrame, codes: Codes, names: list[str]) -> Units:
    """The unit of each perturbation by its code: the compound, with all of its doses and names."""
    compounds = pd.Series(wells.compounds(obs).astype(str).to_numpy()[codes >= 0]).groupby(codes[codes >= 0]).first()
    return units.of_codes(pd.factorize(compounds)[0].astype(np.intp), np.array(names, dtype=str), word=units.kind_of(obs[codes >= 0]))


def _score(right: list[npt.NDArray[np.float64]], naming: Naming, title: str, group: str, *, k: int, p_chance: float | None) -> Score:
    """The mean over splits of each split's mean; its interval over perturbations."""
    classes = np.array([len(asked.classes) for asked in naming.splits])
    interval, parts = naming.interval(k, right)
    row = (TASK, title, group, f"top-{k}", float(np.mean([r.mean() for r in right])), interval)
    chance = float(np.minimum(1, k / classes).mean())
    return tidy.score(*row, chance=chance, n=int(classes.max()), p_chance=p_chance, parts=parts, units=naming.perturbations.digest)
