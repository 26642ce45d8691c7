"""Prompts are the paper's sentences, for every kind of perturbation, and never hold an empty part."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impasto.perturbations.prompts import prompt
from impasto.schema import InputError


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (
            {"cell_line": "U2OS", "perturbation_name": "butyric acid", "smiles": "CCCC(O)=O", "perturbation_type": "compound"},
            "A cell painting image of U2OS cells treated with butyric acid, SMILES: CCCC(=O)O.",
        ),
        (
            {"cell_line": "U2OS", "gene": "AP2S1", "perturbation_type": "crispr"},
            "A cell painting image of U2OS cells treated with CRISPR, targeting genes: AP2S1.",
        ),
        ({"gene": "TP53", "perturbation_type": "orf"}, "A cell painting image of cells treated with ORF over-expression of genes: TP53."),
        (
            {"perturbation": "DMSO", "control_type": "negcon", "smiles": None},
            "A cell painting image of cells treated with DMSO, a negative control.",
        ),
    ],
)
def test_the_papers_sentences(row: dict[str, object], expected: str) -> None:
    assert prompt(row) == expected


def test_the_other_template() -> None:
    assert prompt({"cell_line": "A549", "perturbation_name": "x"}, template="plain") == "A549 cells treated with x."
    with pytest.raises(InputError, match="unknown prompt template"):
        prompt({}, template="plane")


BUTYRIC = {"cell_line": "U2OS", "perturbation_name": "butyric acid", "smiles": "CCCC(O)=O", "perturbation_type": "compound"}
CRISPR = {"cell_line": "HUVEC", "gene": "RPL27A", "perturbation_type": "crispr"}
CONTROL = {"cell_line": "HUVEC", "perturbation": "DMSO", "perturbation_type": "compound", "control_type": "negcon"}


@pytest.mark.parametrize(
    ("template", "row", "expected"),
    [
        ("with", BUTYRIC, "A U2OS cell treated with butyric acid, with SMILES: CCCC(=O)O."),
        ("painting_with", BUTYRIC, "A cell painting image of U2OS cells treated with butyric acid, with SMILES: CCCC(=O)O."),
        ("with", {}, "A cell treated with an unknown perturbation."),
        ("figure", BUTYRIC, "U2OS cells treated with compound: butyric acid, SMILES: CCCC(=O)O"),
        ("figure", CONTROL, "HUVEC cells treated with compound: control"),
        ("figure", CRISPR, "HUVEC cells treated with crispr, targeting genes RPL27A"),
        ("figure", {**CRISPR, "perturbation_type": "orf"}, "HUVEC cells treated with orf, over-expressing genes RPL27A"),
        (
            "{cell_line}: {treatment}[ at {concentration} uM][ ({smiles})]",
            {**BUTYRIC, "smiles": "[Na+].[Cl-]"},
            "U2OS: butyric acid ([Cl-].[Na+])",
        ),
        ("{treatment}[ at {concentration} uM]", {**BUTYRIC, "concentration": 2.5}, "butyric acid at 2.5 uM"),
        ("[{moa}]{cells}", BUTYRIC, "U2OS cells"),
    ],
)
def test_the_papers_other_sentences_and_templates_of_ones_own(template: str, row: dict[str, object], expected: str) -> None:
    assert prompt(row, template=template) == expected


def test_a_template_that_cannot_be_filled_is_a_sentence() -> None:
    with pytest.raises(InputError, match=r"unknown part of a prompt template 'cels' \(did you mean 'cells'\?\)"):
        prompt({}, template="{cels}")
    with pytest.raises(InputError, match=r"names \{moa\}, and a perturbation has none; write it in brackets"):
        prompt(BUTYRIC, template="{treatment} {moa}")


@given(
    st.dictionaries(
        st.sampled_from(["cell_line", "perturbation_name", "perturbation", "smiles", "gene", "moa", "concentration"]),
        st.sampled_from(["x", "", None, float("nan"), 3.0]),
    )
)
def test_nothing_absent_is_ever_written(row: dict[str, object]) -> None:
    found = prompt(row, details=("smiles", "gene", "moa", "concentration"))
    assert found.endswith(".")
    assert "nan" not in found
    assert "None" not in found
    assert ": ." not in found
    assert ": ," not in found
