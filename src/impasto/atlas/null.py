"""Does a query say more than one about nothing? Its null, by what the query is made of.

- Text, molecules and genes that a run reads: queries of the same form that name nothing in the index (`strangers`), kept in it.
- Profiles (a well, a perturbation, images): made-up queries of negative controls. Each is the unit mean of as many control wells as the
  query has, from the same plates; of spared controls where some were spared. All of them where there are at most 1,000, else 1,000 drawn.
  Where the query's own plates allow fewer than 19, control wells of all plates are drawn, and where these allow fewer too, fewer wells.

Every row gets z, p and q (Benjamini-Hochberg over all candidates), the query one p; see `statistics.pool`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import wells
from impasto.atlas import strangers
from impasto.atlas.index import Index
from impasto.atlas.stacked import Stacked
from impasto.ranking.blocks import unit
from impasto.statistics import discovery, pool
from impasto.statistics.pool import TIE, Standing

Vectors = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
MOST = 1000
FEWEST = 19
"""With fewer made-up queries p cannot reach .05."""
CALLED = 0.05
_BLOCK = 8192
_AGAIN = "make the index again to have one: impasto index PROFILES --out INDEX"
_IN_WORDS = {strangers.PROMPT: "whole prompts", strangers.PHRASE: "phrases", strangers.SMILES: "molecules", strangers.GENE: "genes"}


@dataclass(frozen=True)
class Null:
    """Queries about nothing.

    Attributes
    ----------
    vectors
        (m, width) of unit length; none where there is no null.
    what
        What they are, or why there are none.
    of_controls
        Whether they are made of control wells. Controls are then no candidates: such a query would find itself.

    """

    vectors: Vectors
    what: str
    of_controls: bool = False

    @property
    def there(self) -> bool:
        """Whether a query can be compared with them at all."""
        return len(self.vectors) > 1


def of_form(index: Index, form: str, /) -> Null:
    """The null of queries that a run reads.

    Parameters
    ----------
    index
        With its folder, which may hold queries that name nothing in it.
    form
        `prompt`, `phrase`, `smiles` or `gene`.

    Returns
    -------
    Null
        The queries of this form; none where the index was made without them.

    """
    listed = strangers.read(index.folder, form)
    if listed is None:
        return Null(np.zeros((0, index.vectors.shape[1]), dtype=np.float32), f"this index keeps no null of {_IN_WORDS[form]}; {_AGAIN}")
    vectors, _ = listed
    return Null(unit(vectors), f"{len(vectors)} {_IN_WORDS[form]} that name nothing in this index")


def of_wells(index: Index, rows: Rows, /, *, vectors: Stacked | None = None, seed: int = 0) -> Null:
    """The null of a profile.

    Parameters
    ----------
    index
        With its control wells.
    rows
        The wells that the query is made of; none for a profile of one well that is not in the index.
    vectors
        Of the rows of the index in another space; the index's own without.
    seed
        Of what is drawn.

    Returns
    -------
    Null
        Made-up queries of as many control wells; none where the index holds no control wells.

    """
    vectors = index.vectors if vectors is None else vectors
    judges = np.setdiff1d(index.judges, rows)
    if not len(judges):
        return Null(np.zeros((0, vectors.shape[1]), dtype=np.float32), "this index holds no control wells to compare with")
    plate = index.plate_of_row
    wanted = pd.Series(plate[rows]).value_counts().to_dict() if len(rows) else {}
    of_plate = {int(code): judges[plate[judges] == code] for code in wanted}
    ways = math.prod(math.comb(len(of_plate[int(code)]), int(count)) for code, count in wanted.items()) if wanted else 0
    spared = "spared control" if wells.spared(index.rows.iloc[judges]).any() else "control (none was spared)"
    if ways >= FEWEST:
        drawn = _draws([(of_plate[int(code)], int(count)) for code, count in wanted.items()], ways, seed=seed)
        where = "its plate" if len(wanted) == 1 else "its plates"
    else:
        size = _size(max(1, len(rows)), len(judges))
        drawn = _draws([(judges, size)], math.comb(len(judges), size), seed=seed)
        where = "all plates" + (f" (the query has {len(rows)})" if size < len(rows) else "")
    made = np.stack([vectors[np.sort(chosen)].mean(axis=0) for chosen in drawn])
    size = len(drawn[0])
    return Null(unit(made), f"{len(made)} queries of {size} {spared} {'well' if size == 1 else 'wells'} of {where}", of_controls=True)


def _size(wanted: int, controls: int) -> int:
    """How many controls a made-up query has: as many as the query, or fewer where these could be chosen in too few ways."""
    size = min(wanted, controls)
    while size > 1 and math.comb(controls, size) < FEWEST:
        size -= 1
    return size


def _draws(sides: list[tuple[Rows, int]], ways: int, *, seed: int) -> list[Rows]:
    """So many wells of each side: all choices where these are at most 1,000, else 1,000 draws."""
    if ways <= MOST:
        choices = [list(itertools.combinations(judges, count)) for judges, count in sides]
        return [np.array([row for part in parts for row in part], dtype=np.intp) for parts in itertools.product(*choices)]
    rng = np.random.default_rng(seed)
    return [np.concatenate([rng.choice(judges, count, replace=False) for judges, count in sides]) for _ in range(MOST)]


def p_values(scores: Numbers, null_scores: Numbers, /) -> Numbers:
    """The share of the null at or above every score, the score itself counted.

    Parameters
    ----------
    scores
        (k,) of candidates.
    null_scores
        (draws,) of the null.

    Returns
    -------
    Numbers
        (k,) never below 1 / (draws + 1).

    """
    ordered = np.sort(null_scores)
    return (1 + len(ordered) - np.searchsorted(ordered, scores - TIE, side="left")) / (len(ordered) + 1)


@dataclass(frozen=True)
class Judged:
    """What a null says of a query.

    Attributes
    ----------
    rows
        One row a candidate, by its row in the index: z, p, q. Negative controls have none beside a null of control wells.
    p
        Of the query; None without a null.
    sentence
        The same in words.

    """

    rows: pd.DataFrame
    p: float | None
    sentence: str


def judge(index: Index, query: Vectors, among: npt.NDArray[np.bool_], null: Null, /) -> Judged:
    """Compare a query with its null on the rows that it ranks.

    Parameters
    ----------
    index
        Its vectors and rows.
    query
        (width,) of any length above 0.
    among
        (rows of the index,) True for a candidate.
    null
        What the query is compared with.

    Returns
    -------
    Judged
        z, p and q of each candidate, p of the query, and a sentence. Without a null there are none, and the sentence says why.

    """
    candidates = np.flatnonzero(among & ~wells.negative(index.rows) if null.of_controls else among)
    if not null.there or not len(candidates):
        why = null.what if not null.there else "only negative controls are ranked"
        return Judged(pd.DataFrame(columns=["z", "p", "q"]), None, f"not compared with a random query: {why}")
    asked = np.concatenate([null.vectors, unit(query[None])])
    standing = pool.standing(_scores(index, asked, candidates))
    table = pd.DataFrame({"z": standing.z, "p": standing.p, "q": discovery.corrected(standing.p)}, index=candidates)
    return Judged(table, standing.query_p, _sentence(standing, null))


def _scores(index: Index, asked: Vectors, candidates: Rows) -> Iterator[Vectors]:
    for start in range(0, len(candidates), _BLOCK):
        yield asked @ np.asarray(index.vectors[candidates[start : start + _BLOCK]]).T


def _sentence(standing: Standing, null: Null) -> str:
    verdict = "distinguished" if standing.query_p <= CALLED else "not distinguished"
    floor = f"p >= {standing.smallest_p:.2g}" if standing.smallest_p <= CALLED else f"p cannot fall below {standing.smallest_p:.2g}"
    return f"{verdict} from a random query (p = {standing.query_p:.2g}; {null.what}, {floor})"
