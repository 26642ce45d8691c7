"""Which chromosome arm a gene lies on: a table `gene, arm` that the user gives, with a column `expressed` if it has one."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from impasto import tables
from impasto.perturbations.gene_pairs import normal_symbol
from impasto.schema import InputError, listed, nearest

GENE, ARM, EXPRESSED = "gene", "arm", "expressed"
_NO, _YES = frozenset({"no", "false", "0", "0.0", "n"}), frozenset({"yes", "true", "1", "1.0", "y"})


def read(path: Path, /) -> pd.DataFrame:
    """The arms of genes.

    Parameters
    ----------
    path
        A table with the columns `gene` and `arm` (`7q`), and perhaps `expressed` (yes or no).

    Returns
    -------
    DataFrame
        One row a gene: `gene` (in normal spelling, sorted), `arm`, and `expressed` (True, False, or missing) where the table has it.

    Raises
    ------
    InputError
        A column is missing, a gene has two arms, or a word in `expressed` is neither yes nor no.

    """
    table, _ = tables.read(path)
    table = table.rename(columns={column: str(column).strip().lower() for column in table.columns})
    for word in (GENE, ARM):
        if word not in table:
            raise InputError(f"{path}: no column {word!r}{nearest(word, list(table.columns))}; it has {listed(table.columns)}")
    arms = pd.DataFrame({GENE: table[GENE].map(normal_symbol), ARM: table[ARM].astype("string").str.strip()})
    if EXPRESSED in table:
        arms[EXPRESSED] = _flags(table[EXPRESSED], path)
    arms = arms[(arms[GENE] != "") & arms[ARM].notna() & (arms[ARM] != "")].drop_duplicates()
    twice = arms.loc[arms[GENE].duplicated(), GENE]
    if len(twice):
        own = arms[arms[GENE] == twice.iloc[0]]
        raise InputError(f"{path}: the gene {twice.iloc[0]} stands on {len(own)} lines that differ ({', '.join(own[ARM])}); keep one")
    if arms.empty:
        raise InputError(f"{path}: no line has both a gene and an arm; write lines such as EGFR,7p")
    return arms.sort_values(GENE, ignore_index=True)


def _flags(words: pd.Series, path: Path) -> pd.Series:
    text = words.astype("string").str.strip().str.lower()
    strange = text[text.notna() & ~text.isin(_NO | _YES)]
    if len(strange):
        raise InputError(f"{path}: the column {EXPRESSED!r} holds {strange.iloc[0]!r}; write yes or no")
    return text.isin(_YES).astype("boolean").mask(text.isna())
