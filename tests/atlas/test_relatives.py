"""A gene that nothing perturbs is looked up through its relatives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from impasto.atlas import index, search
from impasto.schema import InputError


def test_a_gene_that_nothing_perturbs_is_found_through_its_relatives_and_says_so(opened: index.Index, tmp_path: Path) -> None:
    (tmp_path / "stringdb_pairs.csv").write_text("gene1,gene2\nG0,TP53\nG1,TP53\nG3,NOBODY\n")
    (tmp_path / "reactome_pairs.csv").write_text("gene1,gene2\nG1,TP53\n")
    through = [tmp_path / "stringdb_pairs.csv", tmp_path / "reactome_pairs.csv"]
    found, how = search.search(opened, kind="gene", query="tp53", top=20, through=through)
    expected = "nothing here perturbs TP53: expanded through reactome, stringdb to the profiles nearest to its relatives G1, G0"
    assert how.split("; ")[0] == expected
    assert set(found["expanded"]) == {how.split("; ")[0]}
    assert not {"c0", "c1", "c2", "c3"} & set(found["perturbation"])  # the relatives are the query
    rows, vectors = opened.rows, np.asarray(opened.vectors)
    level = rows["level"] == "perturbation"
    mine = {p: vectors[np.flatnonzero(level & (rows["perturbation"] == p))[0]] for p in ("c0", "c1", "c2", "c3", found["perturbation"][0])}
    mean = (mine["c0"] + mine["c1"] + 2 * mine["c2"] + 2 * mine["c3"]) / 6
    expected = mean @ mine[found["perturbation"][0]] / np.linalg.norm(mean)
    assert found["score"][0] == pytest.approx(float(expected), abs=1e-5)
    known, sentence = search.search(opened, kind="gene", query="G3", top=3, through=through)
    assert "expanded" not in known
    assert "annotated with gene G3" in sentence
    with pytest.raises(InputError, match="none of the databases relates it"):
        search.search(opened, kind="gene", query="XXX", through=through)
