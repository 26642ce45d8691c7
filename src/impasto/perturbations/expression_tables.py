"""Tables of expression as they come: lines in rows or genes in rows, CSV, TSV or Parquet; and how names of cell lines are compared."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

from impasto import border, schema
from impasto.schema import InputError

_GENE_COLUMNS = ("gene", "genes", "gene_symbol", "symbol", "ensembl_gene", "gene_id", "gene_name")


def normal_line(name: object) -> str:
    """A cell line's name as it is compared: letters and digits, upper case (`SK-N-AS` and `SKNAS` are one).

    Parameters
    ----------
    name
        As a table writes it.

    Returns
    -------
    str
        The name to compare.

    """
    return re.sub(r"[^A-Z0-9]", "", str(name).upper())


def read_table(path: Path, /) -> pd.DataFrame:
    """Expression by name. Genes that stand there twice are averaged.

    Parameters
    ----------
    path
        CSV, TSV or Parquet: lines in rows (a column `cell_line`) or genes in rows (a column `gene`).

    Returns
    -------
    pd.DataFrame
        (lines, genes), genes sorted.

    Raises
    ------
    InputError
        Where it has neither form, or where values are missing or not numbers.

    """
    if not path.exists():
        raise InputError(f"{path} does not exist; give a table of expression, one row a cell line or one row a gene")
    border.refuse_odd(path)
    bare = path.name.removesuffix(".gz")
    try:
        is_parquet, tab = bare.endswith(".parquet"), bare.endswith(".tsv")
        table = border.parquet(path, "table of expression") if is_parquet else pd.read_csv(path, sep="\t" if tab else ",")
    except InputError:
        raise
    except (OSError, ValueError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError(f"{path} cannot be read as a table of expression ({str(error).splitlines()[0]})") from error
    lower = {str(c).lower().removeprefix("metadata_"): c for c in table.columns}
    lines = next((lower[w] for w in schema.ALIASES[schema.CELL_LINE] if w in lower), None)
    genes = next((lower[w] for w in _GENE_COLUMNS if w in lower), None)
    if lines is not None:
        genes_of_table = [c for c in table.columns if c != lines and not str(c).startswith("Metadata_")]
        by_line = table.set_index(table[lines].astype(str))[genes_of_table]
    elif genes is not None:
        by_line = table.set_index(table[genes].astype(str)).drop(columns=genes).T
    else:
        raise InputError(f"{path} has neither a column cell_line (one row a line) nor a column gene (one row a gene)")
    text = [c for c in by_line.columns if not pd.api.types.is_numeric_dtype(by_line[c])]
    if text and lines is not None:
        raise InputError(f"{path}: the gene {text[0]!r} is not numeric (first value {by_line[text[0]].iloc[0]!r})")
    values = by_line.astype(np.float64)
    if values.isna().to_numpy().any():
        raise InputError(f"{path}: {int(values.isna().to_numpy().sum())} values are missing; fill them, or leave out the gene or the line")
    repeated = values.index[values.index.map(normal_line).duplicated()]
    if len(repeated):
        raise InputError(f"{path}: the cell line {repeated[0]!r} stands there twice; give each line one row")
    if values.columns.duplicated().any():
        values = values.T.groupby(level=0).mean().T
    return values[sorted(values.columns)]
