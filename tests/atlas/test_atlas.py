"""The atlas: exact search, the query never in its own ranking, the explorer's answers."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest

from impasto.atlas import engines, index, layout, search
from impasto.schema import InputError


def profiles(*, compounds: int = 12, plates: int = 3) -> anndata.AnnData:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(compounds, 8))
    rows = [
        {
            "plate": f"P{p}",
            "well": f"A{c + 1:02d}",
            "perturbation": f"c{c}",
            "perturbation_name": f"compound {c}",
            "gene": f"G{c // 2}",
            "smiles": "C" * (c + 1),
        }
        for p in range(plates)
        for c in range(compounds)
    ]
    values = np.array([centres[c] + 0.3 * rng.normal(size=8) for _ in range(plates) for c in range(compounds)], dtype=np.float32)
    return anndata.AnnData(X=values, obs=pd.DataFrame(rows).rename(index=str))


@pytest.fixture
def opened(tmp_path: Path) -> index.Index:
    index.build(profiles(), tmp_path / "index")
    return index.open_index(tmp_path / "index")


def test_search_by_well_is_a_plain_ranking_without_the_query(opened: index.Index) -> None:
    found, how = search.search(opened, kind="well", query="P1:a5", top=5, rank="wells")
    assert "P1:A05" in how
    vectors, rows = np.asarray(opened.vectors), opened.rows
    me = int(np.flatnonzero((rows["plate"] == "P1") & (rows["well"] == "A05"))[0])
    others = [i for i in np.flatnonzero(rows["level"] == "well") if i != me]
    expected = sorted(others, key=lambda i: -float(vectors[i] @ vectors[me]))[:5]
    assert found["row"].tolist() == expected
    perturbations, _ = search.search(opened, kind="well", query="P1:A05", top=11)
    assert "c4" not in set(perturbations["perturbation"])  # its consensus holds the query


def test_a_gene_that_nothing_perturbs_is_found_through_its_relatives_and_says_so(opened: index.Index, tmp_path: Path) -> None:
    (tmp_path / "stringdb_pairs.csv").write_text("gene1,gene2\nG0,TP53\nG1,TP53\nG3,NOBODY\n")
    (tmp_path / "reactome_pairs.csv").write_text("gene1,gene2\nG1,TP53\n")
    through = [tmp_path / "stringdb_pairs.csv", tmp_path / "reactome_pairs.csv"]
    found, how = search.search(opened, kind="gene", query="tp53", top=20, through=through)
    assert how == ("nothing here perturbs TP53: expanded through reactome, stringdb to the profiles nearest to its relatives G1, G0")
    assert set(found["expanded"]) == {how}
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


def test_without_a_run_genes_and_molecules_find_what_is_annotated(opened: index.Index) -> None:
    found, how = search.search(opened, kind="gene", query="g3", top=3)
    assert "annotated with gene g3" in how
    assert not {"c6", "c7"} & set(found["perturbation"])
    with pytest.raises(InputError, match=r"has gene 'G33' \(did you mean"):
        search.search(opened, kind="gene", query="G33")
    with pytest.raises(InputError, match="has no trained run, so it cannot read text"):
        search.search(opened, kind="text", query="kinase")


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("A05", "write PLATE:WELL"),
        ("PX:A05", "there is no plate 'PX'"),
        ("P1:H12", "well H12 is not on plate P1"),
        ("P1:zzz", "is not a well"),
    ],
)
def test_wells_that_are_not_there_are_sentences(opened: index.Index, query: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        search.search(opened, kind="well", query=query)


def test_blocks_change_nothing(opened: index.Index, monkeypatch: pytest.MonkeyPatch) -> None:
    before = search.search(opened, kind="well", query="P0:A01", rank="wells")[0]
    monkeypatch.setattr(engines.Exact, "BLOCK", 5)
    pd.testing.assert_frame_equal(search.search(opened, kind="well", query="P0:A01", rank="wells")[0], before)


@pytest.mark.parametrize("engine", ["faiss", "lance"])
def test_other_engines_agree_with_the_exact_one(tmp_path: Path, engine: str) -> None:
    pytest.importorskip({"lance": "lancedb"}.get(engine, engine))
    index.build(profiles(), tmp_path / "exact")
    index.build(profiles(), tmp_path / engine, engine=engine)
    one, other = (search.search(index.open_index(tmp_path / e), kind="well", query="P0:A01", rank="wells")[0] for e in ("exact", engine))
    assert one["row"].tolist() == other["row"].tolist()


def test_broken_profiles_and_folders_are_sentences(tmp_path: Path) -> None:
    data = profiles()
    data.X[0, 0] = np.nan
    with pytest.raises(InputError, match="1 of 36 profiles hold missing"):
        index.build(data, tmp_path / "index")
    assert not (tmp_path / "index").exists()
    with pytest.raises(InputError, match="is not an index; make one with"):
        index.open_index(tmp_path)


def test_an_index_of_one_row_has_a_map_too() -> None:
    places, how = layout.flatten(np.ones((1, 3), np.float32), seed=0)
    assert how == "pca"
    np.testing.assert_array_equal(places, np.zeros((1, 2)))


def test_the_explorer_answers(opened: index.Index) -> None:
    pytest.importorskip("fastapi")
    from fastapi.testclient import TestClient

    from impasto.atlas.server import application

    client = TestClient(application(opened))
    assert "impasto atlas" in client.get("/").text
    shown = client.get("/api/map").json()
    assert shown["n"] == len(shown["x"]) == len(opened.rows)
    answer = client.get("/api/search", params={"kind": "well", "query": "P1:A05", "top": 3}).json()
    assert len(answer["rows"]) == 3
    refused = client.get("/api/search", params={"kind": "well", "query": "nothing"})
    assert refused.status_code == 422
    assert "write PLATE:WELL" in refused.json()["detail"]


def test_the_page_asks_no_other_host() -> None:
    import importlib.resources

    html = importlib.resources.files("impasto.atlas").joinpath("page.html").read_text()
    assert "http://" not in html
    assert "https://" not in html
