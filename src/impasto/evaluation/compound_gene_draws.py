"""Which genes a compound is ranked among: its targets, and random others that are drawn again for each seed.

EFAAR's benchmark of RxRx3-core draws max(2 x targets, 20) others without replacement from all genes of the truth. Its generator starts
again with the seed at every compound. Compounds with as many genes to draw from take the same places of the list, and so nearly the same
genes. A seed's macro mean then moves with its genes: in CWA-MSN's Table 2, sd of AP is .013 to .018 for its methods and .003 for random
scores.

Departures: genes are listed in alphabetical order. The benchmark lists them in the order of a Python set, which differs from run to run.
A gene without a profile cannot be drawn; the benchmark has profiles of all. Random scores are drawn for the compounds that have profiles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

NEGATIVES_EACH, FEWEST_NEGATIVES = 2, 20
"""So many random genes for each target, and at least so many."""
Places = npt.NDArray[np.intp]


def wanted(targets: int, /) -> int:
    """How many random genes a compound is to be ranked among.

    Parameters
    ----------
    targets
        How many targets the compound has.

    Returns
    -------
    int
        Two for each target, and at least 20.

    """
    return max(NEGATIVES_EACH * targets, FEWEST_NEGATIVES)


@dataclass(frozen=True)
class Drawn:
    """The genes of one compound, the same at each of its concentrations.

    Attributes
    ----------
    right
        (targets,) the places of its targets among the genes.
    order
        (seeds, others) the places of the genes that are no targets. The first `wanted` of a row are the random genes of that seed; the
        others follow in random order, and take the place of genes that are left out.
    all_drawn
        Whether a compound with too few random genes is left out, instead of taking those that there are.

    """

    right: Places
    order: npt.NDArray[np.unsignedinteger]
    all_drawn: bool

    def size(self, keep: npt.NDArray[np.bool_], /) -> tuple[int, int]:
        """How many targets and random genes there are among the genes that stay.

        Parameters
        ----------
        keep
            (genes,) which genes stay.

        Returns
        -------
        tuple[int, int]
            Targets and random genes; 0 and 0 where the compound cannot be scored.

        """
        targets, others = int(keep[self.right].sum()), int(keep[self.order[0]].sum())
        if not targets or not others or (self.all_drawn and others < wanted(targets)):
            return 0, 0
        return targets, min(others, wanted(targets))


def draw(genes: Sequence[str], positive: set[str], unknown: set[str], /, *, seeds: int, seed: int, all_drawn: bool) -> Drawn:
    """The targets of a compound, and the others in the order in which they are drawn.

    Parameters
    ----------
    genes
        Those that have profiles and stand in the truth, sorted.
    positive, unknown
        The compound's targets, and the genes of which nobody says whether they are.
    seeds, seed
        How many drawings, and the seed of the first.
    all_drawn
        As in `Drawn`.

    Returns
    -------
    Drawn
        The places of both kinds of genes.

    """
    targets = np.array([gene in positive for gene in genes], dtype=bool)
    others = np.flatnonzero(~targets & ~np.array([gene in unknown for gene in genes], dtype=bool))
    first = min(wanted(int(targets.sum())), len(others))
    order = np.stack([others[_order(len(others), first, number)] for number in range(seed, seed + seeds)])
    return Drawn(np.flatnonzero(targets), order.astype(np.min_scalar_type(len(genes))), all_drawn)


@lru_cache(maxsize=10_000)
def _order(many: int, first: int, seed: int, /) -> npt.NDArray[np.unsignedinteger]:
    """The places 0, 1, ..., many - 1: `first` of them as the benchmark draws them with a seed, then the rest in random order."""
    rng = np.random.default_rng(seed)
    chosen = rng.choice(many, first, replace=False)
    return np.concatenate([chosen, rng.permutation(np.delete(np.arange(many), chosen))]).astype(np.min_scalar_type(many))
