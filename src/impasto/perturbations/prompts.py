"""Text prompts: any perturbation, of any type, in one sentence that a language model reads.

Templates of Lu et al., CellCLIP, section 3.2 and appendix B. Parts that a row does not have are left out, so that every
perturbation can be written: no empty "SMILES: ." ever reaches the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anndata
import pandas as pd

from impasto import schema, wells
from impasto.schema import one_of

_HEAD: dict[str, str] = {
    "painting": "A cell painting image of {cells} treated with {treatment}",
    "plain": "{cells} treated with {treatment}",
}
"""The two heads the paper names: section 3.2 (`painting`) and appendix B (`plain`)."""

_GENETIC = {
    schema.CRISPR: "CRISPR, targeting genes: {gene}",
    schema.ORF: "ORF over-expression of genes: {gene}",
    schema.SIRNA: "siRNA, targeting genes: {gene}",
}


def prompt(row: Mapping[str, Any], /, *, template: str = "painting", details: tuple[str, ...] = (schema.SMILES,)) -> str:
    """The prompt of one perturbation.

    Parameters
    ----------
    row
        Word of the schema -> value; a missing value may be absent, None or NaN.
    template
        `painting` or `plain`.
    details
        Which of smiles, gene, targets, moa, concentration and time_h follow the name of a compound.

    Returns
    -------
    str
        One sentence.

    """
    text = {word: str(value) for word, value in row.items() if pd.notna(value) and str(value)}
    cells = f"{text[schema.CELL_LINE]} cells" if schema.CELL_LINE in text else "Cells" if template == "plain" else "cells"
    head = _HEAD[one_of(template, _HEAD, what="prompt template")].format(cells=cells, treatment=_treatment(text))
    parts = [f"{_DETAIL[d]}: {text[d]}" for d in details if d in text and not _said(d, text)]
    return ", ".join([head, *parts]) + "."


_DETAIL = {
    schema.SMILES: "SMILES",
    schema.GENE: "target gene",
    schema.TARGETS: "target genes",
    schema.MOA: "mechanism",
    schema.CONCENTRATION: "concentration",
    schema.TIME_H: "hours",
}


def _treatment(text: Mapping[str, str]) -> str:
    kind = text.get(schema.PERTURBATION_TYPE)
    if wells.is_negative(text.get(schema.CONTROL_TYPE)):
        return f"{text.get(schema.PERTURBATION_NAME, text.get(schema.PERTURBATION, 'vehicle'))}, a negative control"
    if kind in _GENETIC:
        return _GENETIC[kind].format(gene=text.get(schema.GENE, text.get(schema.PERTURBATION, "unknown")))
    return text.get(schema.PERTURBATION_NAME, text.get(schema.PERTURBATION, "an unknown perturbation"))


def _said(detail: str, text: Mapping[str, str]) -> bool:
    """Whether the treatment itself names this detail already (the gene of a gene edit)."""
    return detail == schema.GENE and text.get(schema.PERTURBATION_TYPE) in _GENETIC


def prompts(profiles: anndata.AnnData, /, *, template: str, details: tuple[str, ...]) -> list[str]:
    """The prompt of every row of Profiles.

    Parameters
    ----------
    profiles
        n rows.
    template, details
        As of `prompt`.

    Returns
    -------
    list[str]
        n sentences.

    """
    return [prompt(row, template=template, details=details) for row in profiles.obs.to_dict(orient="records")]
