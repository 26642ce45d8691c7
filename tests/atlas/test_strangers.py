"""Queries about nothing: none of them names anything in the index, and each form is read by the run."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from impasto.atlas import strangers
from impasto.perturbations.smiles import in_a_text


def _space(reads: str = "text") -> SimpleNamespace:
    """What a run would be asked; its vectors count the letters of what it reads."""

    def counted(texts: list[str]) -> np.ndarray:
        return np.array([[len(text), 1.0] for text in texts], dtype=np.float32)

    settings = SimpleNamespace(template="painting", details=["smiles", "gene", "moa"], out=2)
    facts = {"cell_line": "U2OS", "perturbation_type": "compound"}
    return SimpleNamespace(reads=reads, settings=settings, facts=facts, texts=counted, molecules=counted, genes=counted)


def test_the_table_has_enough_of_everything() -> None:
    table = strangers.table()
    assert len(table) == 750
    assert table.notna().all(axis=None)
    assert table["perturbation_name"].is_unique
    assert table["gene"].nunique() >= 2 * strangers.POOL
    assert table["moa"].nunique() >= strangers.POOL


def test_what_the_index_holds_is_left_out() -> None:
    table = strangers.table()
    rows = pd.DataFrame(
        {
            "perturbation": ["x", table["perturbation_name"][3].upper()],
            "gene": [table["gene"][0].lower(), None],
            "targets": [None, f"TP53|{table['gene'][1]}"],
            "moa": [f"{table['moa'][0]}|something", None],
            "smiles": [table["smiles"][2], None],
        }
    )
    assert not {table["gene"][0], table["gene"][1]} & set(strangers.unknown_to(rows, "gene"))
    assert table["gene"][2] in strangers.unknown_to(rows, "gene")
    assert table["moa"][0] not in strangers.unknown_to(rows, "moa")
    assert table["smiles"][2] not in strangers.unknown_to(rows, "smiles")
    assert table["smiles"][3] in strangers.unknown_to(rows, "smiles")
    assert table["perturbation_name"][3] not in strangers.unknown_to(rows, "perturbation_name")
    pools = strangers.queries(_space(), rows)
    assert not any(in_a_text(table["smiles"][2]) in text or table["perturbation_name"][3] in text for text in pools["prompt"])


def test_a_molecule_is_known_in_any_spelling() -> None:
    chem = pytest.importorskip("rdkit.Chem")
    written = strangers.table()["smiles"][5]
    other = chem.MolToSmiles(chem.MolFromSmiles(written), doRandom=True, canonical=False)
    assert other != written
    assert written not in strangers.unknown_to(pd.DataFrame({"smiles": [other]}), "smiles")


def test_each_form_has_its_pool() -> None:
    pools = strangers.queries(_space(), pd.DataFrame({"perturbation": ["x"]}))
    table = strangers.table()
    first = table.iloc[0]
    assert pools["prompt"][0] == (
        f"A cell painting image of U2OS cells treated with {first['perturbation_name']}, SMILES: {in_a_text(first['smiles'])}, "
        f"target gene: {first['gene']}, mechanism: {first['moa']}."
    )
    assert pools["phrase"][:150] == table["moa"].drop_duplicates().tolist()[:150]
    assert pools["phrase"][150:] == table["perturbation_name"].tolist()[:150]
    assert pools["gene"] == table["gene"].drop_duplicates().tolist()[:300]
    assert {form: len(pool) for form, pool in pools.items() if form != "smiles"} == {"prompt": 300, "phrase": 300, "gene": 300}


def test_a_run_that_reads_molecules_has_molecules_only() -> None:
    pytest.importorskip("rdkit")
    pools = strangers.queries(_space("molecule"), pd.DataFrame({"perturbation": ["x"]}))
    assert {form: len(pool) for form, pool in pools.items()} == {"smiles": 300}


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    assert strangers.read(tmp_path, "gene") is None
    vectors, listed = strangers.embedded(_space(), pd.DataFrame({"perturbation": ["x"]}))
    strangers.write(tmp_path, vectors, listed)
    kept, asked = strangers.read(tmp_path, "gene") or (None, [])
    assert asked == strangers.table()["gene"].drop_duplicates().tolist()[:300]
    np.testing.assert_array_equal(kept, [[len(gene), 1.0] for gene in asked])
    assert pq.read_schema(tmp_path / strangers.LISTED).names == list(listed.columns)
    assert strangers.read(tmp_path, "image") is None


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("A cell painting image of U2OS cells treated with water.", "prompt"),
        ("a cell  painting of something", "prompt"),
        ("a tubulin inhibitor", "phrase"),
        ("asdf", "phrase"),
    ],
)
def test_a_text_is_compared_with_its_own_form(tmp_path: Path, text: str, form: str) -> None:
    assert strangers.form_of_text(tmp_path, text) == "phrase"  # nothing is kept here
    strangers.write(tmp_path, *strangers.embedded(_space(), pd.DataFrame({"perturbation": ["x"]})))
    assert strangers.form_of_text(tmp_path, text) == form
