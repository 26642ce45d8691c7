"""A gene that nothing in an index perturbs, looked up through genes that are known to be related to it.

The query is the mean of the consensus profiles of its relatives' perturbations, each counted as often as databases relate the two genes.
The relatives themselves are left out of the ranking, as they are the query; the answer says that it was expanded, and through whom.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from impasto import schema
from impasto.atlas.consensus import PROFILE
from impasto.atlas.index import Index
from impasto.perturbations import relations
from impasto.perturbations.gene_pairs import normal_symbol
from impasto.schema import InputError

Question = tuple[npt.NDArray[np.float32], npt.NDArray[np.intp], str]


def perturbed(index: Index, gene: str, /) -> bool:
    """Whether a perturbation of the index has this gene.

    Parameters
    ----------
    index
        An open index.
    gene
        A gene symbol.

    Returns
    -------
    bool
        False for a gene that only its relatives could answer for.

    Raises
    ------
    InputError
        The index has no genes.

    """
    return bool((_genes(index) == normal_symbol(gene)).any())


def query(index: Index, gene: str, /, *, through: Sequence[Path]) -> Question:
    """A question for a gene that nothing perturbs, made of its relatives.

    Parameters
    ----------
    index
        An open index.
    gene
        A gene symbol.
    through
        Files of relations between genes.

    Returns
    -------
    vector : npt.NDArray[np.float32]
        (width,) the weighted mean of the relatives' consensus profiles.
    rows : npt.NDArray[np.intp]
        The rows that it is made of.
    sentence : str
        Through whom the question was expanded.

    Raises
    ------
    InputError
        No relative of the gene is perturbed either, or the index has no genes.

    """
    symbol = normal_symbol(gene)
    weight: dict[str, int] = {}
    databases = relations.read_all(through)
    for pairs in databases.values():
        near = {*pairs.loc[pairs["gene1"] == symbol, "gene2"], *pairs.loc[pairs["gene2"] == symbol, "gene1"]}
        for relative in near:
            weight[relative] = weight.get(relative, 0) + 1
    genes = _genes(index)
    at = np.flatnonzero(np.isin(genes, sorted(weight)))
    if not len(at):
        reason = (
            f"{', '.join(sorted(databases))} relate it to {len(weight)} genes, none of which is"
            if weight
            else "none of the databases relates it"
        )
        raise InputError(
            f"no perturbation of this index has gene {symbol!r}, and {reason} perturbed here; give other relations, or another gene"
        )
    weights = np.array([weight[genes[i]] for i in at], dtype=np.float32)
    vector = (weights[:, None] * index.vectors[at]).sum(axis=0) / weights.sum()
    names = sorted({str(genes[i]) for i in at}, key=lambda g: (-weight[g], g))
    some = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    sentence = (
        f"nothing here perturbs {symbol}: expanded through {', '.join(sorted(databases))} to the profiles nearest to its relatives {some}"
    )
    return np.asarray(vector, dtype=np.float32), at, sentence


def _genes(index: Index) -> npt.NDArray[np.object_]:
    """The gene of each consensus profile of a perturbation, `""` for all other rows."""
    rows = index.rows
    if schema.GENE not in rows:
        raise InputError(f"{index.folder} has no column 'gene', so a gene cannot be looked up in it")
    consensus = (rows["level"] == "perturbation") & (rows["modality"] == PROFILE)
    return rows[schema.GENE].map(normal_symbol).where(consensus, "").to_numpy(dtype=object)
