"""Text prompts: any perturbation, of any type, in one sentence that a language model reads.

    painting       A cell painting image of U2OS cells treated with X, SMILES: CCO.              section 3.2
    with           A U2OS cell treated with X, with SMILES: CCO.                                 appendix B
    painting_with  A cell painting image of U2OS cells treated with X, with SMILES: CCO.         appendix B
    figure         U2OS cells treated with compound: X, SMILES: CCO                              Fig. S.2
    plain          U2OS cells treated with X, SMILES: CCO.

Templates of Lu et al., CellCLIP. A template of your own names parts in braces. What stands in square brackets is left out of a sentence
where one of its parts is missing: `"{cells} after {treatment}[ at {concentration} uM][: {details}]"`. No empty "SMILES: ." ever reaches the
model, and SMILES are canonical.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import anndata
import pandas as pd

from impasto import schema, wells
from impasto.perturbations.smiles import in_a_text
from impasto.schema import InputError, one_of

_TEMPLATES: dict[str, str] = {
    "painting": "A cell painting image of {cells} treated with {treatment}[, {details}].",
    "with": "A {cell} treated with {treatment}[, with {details}].",
    "painting_with": "A cell painting image of {cells} treated with {treatment}[, with {details}].",
    "figure": "{Cells} treated with {tagged}[, {details}]",
    "plain": "{Cells} treated with {treatment}[, {details}].",
}
_FIELD = re.compile(r"\{(\w*)\}")
_OPTIONAL = re.compile(r"\[([^\[\]]*)\]")
_WORDS = (
    *(schema.CELL_LINE, schema.PERTURBATION, schema.PERTURBATION_NAME, schema.PERTURBATION_TYPE, schema.GENE, schema.TARGETS),
    *(schema.SMILES, schema.MOA, schema.CONCENTRATION, schema.TIME_H),
)
_PARTS = ("cells", "Cells", "cell", "treatment", "tagged", "details", *_WORDS)
"""What a template may name: parts of a sentence, and words of the schema as they are."""

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
        The name of a template above, or one of your own.
    details
        Which of smiles, gene, targets, moa, concentration and time_h follow the name of a compound.

    Returns
    -------
    str
        One sentence.

    Raises
    ------
    InputError
        Where there is no such template, it names what it may not, or a row lacks what it names outside brackets.

    """
    text = {word: str(value) for word, value in row.items() if pd.notna(value) and str(value)}
    if schema.SMILES in text:
        text[schema.SMILES] = in_a_text(text[schema.SMILES])
    listed = ", ".join(f"{_DETAIL[d]}: {text[d]}" for d in details if d in text and not _said(d, text))
    line = text.get(schema.CELL_LINE)
    parts = {word: text[word] for word in _WORDS if word in text} | {
        "cells": f"{line} cells" if line else "cells",
        "Cells": f"{line} cells" if line else "Cells",
        "cell": f"{line} cell" if line else "cell",
        "treatment": _treatment(text),
        "tagged": _tagged(text),
        **({"details": listed} if listed else {}),
    }
    return _filled(_template(template), parts)


def _template(template: str) -> str:
    """A template by name, or as it is written, with nothing in braces that no sentence has."""
    if "{" not in template:
        return _TEMPLATES[one_of(template, _TEMPLATES, what="prompt template")]
    for field in _FIELD.findall(template):
        one_of(field, _PARTS, what="part of a prompt template")
    return template


def _filled(template: str, parts: Mapping[str, str]) -> str:
    """The template with its parts. Values are never read as templates: SMILES have brackets of their own."""
    pieces = _OPTIONAL.split(template)  # what stands in brackets is every second piece
    filled = []
    for number, piece in enumerate(pieces):
        missing = [field for field in _FIELD.findall(piece) if field not in parts]
        if not missing:
            filled.append(_FIELD.sub(lambda field: parts[field[1]], piece))
        elif number % 2 == 0:
            raise InputError(
                f"the prompt template names {{{missing[0]}}}, and a perturbation has none; write it in brackets, to leave it out "
                f"there: [ ... {{{missing[0]}}} ... ]"
            )
    return "".join(filled)


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


def _tagged(text: Mapping[str, str]) -> str:
    """The treatment after its type, as Fig. S.2 writes it."""
    kind = text.get(schema.PERTURBATION_TYPE, schema.COMPOUND)
    if wells.is_negative(text.get(schema.CONTROL_TYPE)):
        return f"{kind}: control"
    if kind in _GENETIC:
        verb = "over-expressing" if kind == schema.ORF else "targeting"
        return f"{kind}, {verb} genes {text.get(schema.GENE, text.get(schema.PERTURBATION, 'unknown'))}"
    return f"{kind}: {_treatment(text)}"


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
