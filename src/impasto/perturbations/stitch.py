"""STITCH: links of compounds with proteins, or with other compounds."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from impasto.perturbations.gene_pairs import scored_pairs
from impasto.perturbations.relation_tables import partners, read_table
from impasto.schema import InputError


def read_stitch(path: Path, *, threshold: float = 200) -> pd.DataFrame:
    """Links of compounds with proteins, as STITCH names them.

    Parameters
    ----------
    path
        `protein_chemical.links`.
    threshold
        Of the combined score, out of 1,000.

    Returns
    -------
    pd.DataFrame
        Columns chemical, protein, score (0 to 1).

    Raises
    ------
    InputError
        Where the file is no table of links.

    """
    table = read_table(path, sep="\t")
    a, b = partners(table, path, ("chemical", "protein"))
    score = table["combined_score"].astype(float)
    strong = pd.DataFrame({"chemical": table[a], "protein": table[b], "score": score / 1000})[score >= threshold]
    return strong.drop_duplicates(["chemical", "protein"]).sort_values(["chemical", "protein"], ignore_index=True)


def read_stitch_chemicals(path: Path, *, inchikeys: Path | None = None, threshold: float = 200) -> pd.DataFrame:
    """Links of compounds with compounds, each pair once.

    Parameters
    ----------
    path
        `chemical_chemical.links`.
    inchikeys
        STITCH's chemicals.inchikeys. With it compounds are named by InChIKey, and pairs that it does not name are left out.
    threshold
        Of the combined score, out of 1,000.

    Returns
    -------
    pd.DataFrame
        Columns compound1, compound2, score (0 to 1).

    Raises
    ------
    InputError
        Where a file is no table of links or names.

    """
    table = read_table(path, sep="\t")
    a, b = partners(table, path, ("chemical1", "chemical2"))
    # The short form of the file has one score, named after its channel; the detailed form ends in the combined one.
    score = table["combined_score" if "combined_score" in table else table.columns[-1]].astype(float)
    strong = table[score >= threshold]
    first, second = strong[a], strong[b]
    if inchikeys is not None:
        names = read_table(inchikeys, sep="\t")
        flat, stereo, key = (next((c for c in names if w in str(c).lower()), None) for w in ("flat", "stereo", "inchikey"))
        if key is None or (flat is None and stereo is None):
            raise InputError(
                f"{inchikeys} has the columns {', '.join(map(str, names))}; STITCH's chemicals.inchikeys has inchikey and chemical ids"
            )
        known = {str(i): str(k) for c in (flat, stereo) if c is not None for i, k in zip(names[c], names[key], strict=True)}
        first, second = first.map(known), second.map(known)
    scored = scored_pairs(first, second, score[strong.index] / 1000)
    return scored.rename(columns={"gene1": "compound1", "gene2": "compound2"})
