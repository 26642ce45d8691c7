"""Queries about nothing in an index: whole prompts, phrases, molecules and genes, kept beside its vectors as a null.

They come from `strangers.csv`: 750 compounds of the Drug Repurposing Hub (Corsello et al. 2017; CC0), chosen so that genes differ and
mechanisms repeat little. What the index holds (by name, gene, mechanism or SMILES) is left out. A query is compared with those of its
own form: short phrases lie elsewhere in a space of texts than whole prompts do.
"""

from __future__ import annotations

import importlib.resources
import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import border, schema
from impasto.atlas.folder import REMEDY, array
from impasto.perturbations.prompts import prompt
from impasto.perturbations.smiles import in_a_text

if TYPE_CHECKING:
    from impasto.joint.space import Space

Vectors = npt.NDArray[np.float32]
PROMPT, PHRASE, SMILES, GENE = "prompt", "phrase", "smiles", "gene"
POOL = 300
"""So many queries of each form, where as many name nothing in the index."""
VECTORS, LISTED = "strangers.npy", "strangers.parquet"
"""The files: vectors (queries, width), and one row a query with `form`, `query`."""
_SEPARATORS = r"\s*[|;,]\s*"


def table() -> pd.DataFrame:
    """Perturbation name, gene, mechanism and SMILES of 750 compounds.

    Returns
    -------
    pandas.DataFrame
        One row a compound, with the columns `perturbation_name`, `gene`, `moa` and `smiles`.

    """
    with importlib.resources.files("impasto.atlas").joinpath("strangers.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file, dtype="string")


def unknown_to(rows: pd.DataFrame, word: str, /) -> list[str]:
    """The values of one word that no row of an index has.

    Parameters
    ----------
    rows
        Of the index, with the annotation that there is.
    word
        `gene`, `moa`, `smiles` or `perturbation_name`.

    Returns
    -------
    list[str]
        Values of `table`, each once and in its order. Names of the index match in either case, and one by one where a cell lists several.
        Molecules match in any spelling.

    """
    values = table()[word].drop_duplicates()
    if word == schema.SMILES:
        there = {in_a_text(smiles) for smiles in rows[word].dropna().astype(str).unique()} if word in rows else set()
        return [str(smiles) for smiles in values if in_a_text(str(smiles)) not in there]
    held: set[str] = set()
    for column in {
        schema.PERTURBATION_NAME: (schema.PERTURBATION_NAME, schema.PERTURBATION),
        schema.GENE: (schema.GENE, schema.TARGETS),
    }.get(word, (word,)):
        if column in rows:
            named = rows[column].dropna().astype("string")
            held |= set(named.str.casefold().unique())
            held |= set(named.str.casefold().str.split(_SEPARATORS, regex=True).explode().unique())
    return [str(value) for value in values[~values.str.casefold().isin(held)]]


def queries(space: Space, rows: pd.DataFrame, /) -> dict[str, list[str]]:
    """The queries of each form that a run can read, from those that name nothing in an index.

    Parameters
    ----------
    space
        Of the run. It says whether the run reads molecules or texts.
    rows
        Of the index.

    Returns
    -------
    dict[str, list[str]]
        At most `POOL` queries of each form. Molecules are left out where RDKit is not installed.

    """
    if space.reads == "molecule":
        return {SMILES: unknown_to(rows, schema.SMILES)[:POOL]} if importlib.util.find_spec("rdkit") else {}
    whole = table()
    for word in (schema.PERTURBATION_NAME, schema.SMILES):
        whole = whole[whole[word].isin(unknown_to(rows, word))]
    asked = {schema.CELL_LINE: space.facts["cell_line"], schema.PERTURBATION_TYPE: schema.COMPOUND}
    described = [{**asked, **row, schema.TARGETS: row[schema.GENE]} for row in whole.head(POOL).to_dict(orient="records")]
    half = POOL // 2
    phrases = unknown_to(rows, schema.MOA)[:half]
    pools: dict[str, list[str]] = {
        PROMPT: [prompt(row, template=space.settings.template, details=tuple(space.settings.details)) for row in described],
        PHRASE: phrases + unknown_to(rows, schema.PERTURBATION_NAME)[: POOL - len(phrases)],
        GENE: unknown_to(rows, schema.GENE)[:POOL],
    }
    if importlib.util.find_spec("rdkit"):
        pools[SMILES] = unknown_to(rows, schema.SMILES)[:POOL]
    return pools


def embedded(space: Space, rows: pd.DataFrame, /) -> tuple[Vectors, pd.DataFrame]:
    """The vectors of all these queries, and one row for each with its form and what was asked.

    Parameters
    ----------
    space
        Of the run that reads them.
    rows
        Of the index.

    Returns
    -------
    tuple[Vectors, pandas.DataFrame]
        Unit vectors (queries, width) and their list.

    """
    read: dict[str, Callable[[Sequence[str]], Vectors]] = {
        PROMPT: space.texts,
        PHRASE: space.texts,
        SMILES: space.molecules,
        GENE: space.genes,
    }
    pools = {form: pool for form, pool in queries(space, rows).items() if pool}
    none = np.zeros((0, space.settings.out), dtype=np.float32)
    listed = [(form, query) for form, pool in pools.items() for query in pool]
    vectors = np.concatenate([none, *(read[form](pool) for form, pool in pools.items())])
    return vectors.astype(np.float32), pd.DataFrame(listed, columns=["form", "query"])


def write(folder: Path, vectors: Vectors, listed: pd.DataFrame, /) -> None:
    """Put both files into the folder of an index that is being made.

    Parameters
    ----------
    folder
        Of the index.
    vectors, listed
        What `embedded` returned: vectors (queries, width), and their list.

    """
    np.save(folder / VECTORS, vectors, allow_pickle=False)
    listed.to_parquet(folder / LISTED, index=False)


def read(folder: Path, form: str, /) -> tuple[Vectors, list[str]] | None:
    """The vectors of one form and what was asked.

    Parameters
    ----------
    folder
        Of the index.
    form
        `prompt`, `phrase`, `smiles` or `gene`.

    Returns
    -------
    tuple[Vectors, list[str]] | None
        Vectors (queries, width) and the text of each; None where the index keeps none of that form.

    """
    if not (folder / VECTORS).exists() or not (folder / LISTED).exists():
        return None
    listed = border.parquet(folder / LISTED, remedy=REMEDY)
    chosen = (listed["form"] == form).to_numpy()
    if not chosen.any():
        return None
    vectors = array(folder, VECTORS, axes=2, mapped=True)
    return np.asarray(vectors[np.flatnonzero(chosen)]), [str(query) for query in listed["query"][chosen]]


def form_of_text(folder: Path, query: str, /) -> str:
    """Whether a text is a whole prompt or a phrase.

    Parameters
    ----------
    folder
        Of the index.
    query
        The text.

    Returns
    -------
    str
        `prompt` where the text begins with the three words that the prompts of the index begin with; else `phrase`.

    """
    pool = read(folder, PROMPT)
    if pool is None:
        return PHRASE
    start = " ".join(pool[1][0].split()[:3]).casefold()
    return PROMPT if " ".join(query.split()).casefold().startswith(start) else PHRASE
