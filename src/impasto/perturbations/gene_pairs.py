"""Pairs of genes: symbols written one way, each pair once, joined to the genes of a table.

A pair has no direction and never joins a gene to itself. Pairs are sorted, with gene1 < gene2.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

COLUMNS = ("gene1", "gene2")


_NO_SYMBOL = frozenset(("", "NAN", "NA", "<NA>", "NONE", "-"))


def normal_symbol(text: object) -> str:
    """A gene symbol as relations write it: upper case, no space.

    Parameters
    ----------
    text
        As a table writes it.

    Returns
    -------
    str
        The symbol; `""` where there is none.

    """
    if not isinstance(text, str):
        return ""
    symbol = text.strip().upper().replace(" ", "")
    return "" if symbol in _NO_SYMBOL else symbol


def normal_pairs(first: Iterable[object], second: Iterable[object], /) -> pd.DataFrame:
    """Pairs of symbols, each once, without self pairs and without unnamed partners.

    Both columns are categorical, over the same symbols in order: what follows looks up each symbol once.

    Parameters
    ----------
    first, second
        The partners of each pair.

    Returns
    -------
    pd.DataFrame
        Columns gene1, gene2.

    """
    sides = [side.to_numpy(dtype=object) if isinstance(side, pd.Series) else np.array(list(side), dtype=object) for side in (first, second)]
    codes, names = pd.factorize(np.concatenate(sides))
    return coded_pairs(codes, names)


def coded_pairs(codes: npt.NDArray[np.integer], names: Iterable[object]) -> pd.DataFrame:
    """The pairs of `normal_pairs` from numbers instead of names.

    Parameters
    ----------
    codes
        The first partners, then the second ones, as numbers into `names`; -1 has no name.
    names
        Symbols, in any writing.

    Returns
    -------
    pd.DataFrame
        Columns gene1, gene2.

    """
    symbols, keys, _ = _keys(codes, names)
    # Sorted in place and compared with their neighbours: several times as fast as np.unique, which hashes.
    both = np.sort(keys)
    return _unfolded(both[np.append(True, both[1:] > both[:-1])[: len(both)]], symbols)


def coded_scores(
    codes: npt.NDArray[np.integer], names: Iterable[object], scores: npt.NDArray[np.floating], *, best: float = 1.0
) -> pd.DataFrame:
    """The pairs with a score, from numbers instead of names: the highest where a pair comes several times.

    Parameters
    ----------
    codes
        The first partners, then the second ones, as numbers into `names`; -1 has no name.
    names
        Symbols, in any writing.
    scores
        (n,) of each pair.
    best
        What the scores are divided by.

    Returns
    -------
    pd.DataFrame
        Columns gene1, gene2 (categorical), score.

    """
    symbols, keys, valid = _keys(codes, names)
    order = np.argsort(keys, kind="stable")
    keys, in_order = keys[order], scores[valid][order]
    del order, scores, valid  # each as long as the file
    first = np.flatnonzero(np.append(True, keys[1:] > keys[:-1])[: len(keys)])
    highest = np.maximum.reduceat(in_order, first) if len(first) else in_order
    return _unfolded(keys[first], symbols).assign(score=highest.astype(np.float64) / best)


def _keys(
    codes: npt.NDArray[np.integer], names: Iterable[object]
) -> tuple[npt.NDArray[np.object_], npt.NDArray[Any], npt.NDArray[np.bool_]]:
    """The distinct symbols in order, one number for each pair of two of them, and which of the pairs these are."""
    # Each name is written normally once and numbered in order of its symbol; a missing one takes the last place.
    symbols, number = np.unique(np.array([*map(normal_symbol, names), ""], dtype=object), return_inverse=True)
    # In the smallest types that hold them: STRING has ten million pairs.
    one, other = np.split(number.astype(np.min_scalar_type(len(symbols)))[codes], 2)
    low, high = np.minimum(one, other), np.maximum(one, other)
    valid = (low != high) & (low > 0)  # the empty symbol is the first
    keys = low[valid].astype(np.min_scalar_type(len(symbols) ** 2))
    keys *= len(symbols)
    keys += high[valid]
    return symbols, keys, valid


def _unfolded(keys: npt.NDArray[Any], symbols: npt.NDArray[np.object_]) -> pd.DataFrame:
    genes = pd.CategoricalDtype(pd.Index(symbols, dtype=object), ordered=False)
    sides = np.divmod(keys, len(symbols))
    return pd.DataFrame({c: pd.Categorical.from_codes(side, dtype=genes) for c, side in zip(COLUMNS, sides, strict=True)})


@dataclass(frozen=True)
class Joined:
    """Pairs whose genes are both among those measured, and how much of either side was left over.

    Attributes
    ----------
    genes_seen
        How many of the genes measured a relation names.

    """

    pairs: pd.DataFrame
    """Columns first, second: indices into the genes."""
    genes_seen: int
    unknown: list[str]
    """Genes measured that no relation names."""


def join(pairs: pd.DataFrame, genes: list[str], /) -> Joined:
    """The relations among some genes.

    Parameters
    ----------
    pairs
        Columns gene1, gene2.
    genes
        Normalised symbols, each once.

    Returns
    -------
    Joined
        The pairs as numbers of genes, and the genes that no relation names.

    """
    index = pd.Index(genes, dtype=object)
    one, other = (pairs[column].astype("category").cat for column in COLUMNS)
    place = np.append(index.get_indexer(one.categories), -1)
    same = other.categories is one.categories or other.categories.equals(one.categories)
    first = place[one.codes]
    second = (place if same else np.append(index.get_indexer(other.categories), -1))[other.codes]
    inside = (first >= 0) & (second >= 0)
    named = np.zeros(len(genes) + 1, dtype=bool)
    named[first] = named[second] = True
    unknown = [gene for gene, is_named in zip(genes, named[:-1], strict=True) if not is_named]
    return Joined(pd.DataFrame({"first": first[inside], "second": second[inside]}), len(genes) - len(unknown), unknown)
