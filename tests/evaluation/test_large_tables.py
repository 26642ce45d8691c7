"""Tasks on a folder of plates give what they give in memory, and what is drawn of a large table is by hand what it says."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest

from impasto import dataset, mapped, progress, ranking
from impasto.evaluation import TASKS, aggregates, labelled, layout, mixing, neighbours, replicates, samples, sisters
from impasto.evaluation.sister_scores import SisterScore
from impasto.simulate.jump import Shape, World

NUMBERS = ["value", "low", "high", "chance"]


@pytest.fixture(scope="module")
def table() -> anndata.AnnData:
    """Four plates of 48 wells each: 8 controls, 8 wells of positive controls, and 32 of sixteen perturbations in two batches."""
    rng = np.random.default_rng(3)
    effects = rng.normal(size=(16, 12)) * 1.5
    rows, values = [], []
    for plate in range(4):
        for place in range(48):
            kind = "negcon" if place < 8 else "poscon" if place < 16 else "trt"
            number = (place - 16) % 16
            rows.append(
                {
                    "batch": f"B{plate // 2}",
                    "plate": f"P{plate}",
                    "well": f"{'ABCD'[place // 12]}{place % 12 + 1:02d}",
                    "perturbation": {"negcon": "DMSO", "poscon": "strong"}.get(kind, f"c{number:02d}"),
                    "control_type": kind,
                    "targets": None if kind != "trt" else f"T{number // 4}",
                    "gene": None if kind != "trt" else f"G{number}",
                    "perturbation_type": "crispr" if kind == "trt" and number % 2 else "compound",
                }
            )
            effect = (
                np.zeros(12) if kind == "negcon" else np.full(12, 2.0) if kind == "poscon" else effects[number] + effects[number // 4 * 4]
            )
            values.append(effect + rng.normal(size=12) + (plate // 2) * 0.5)
    return anndata.AnnData(X=np.array(values, dtype=np.float32), obs=pd.DataFrame(rows).rename(index=str))


@pytest.fixture(scope="module")
def plates(table: anndata.AnnData, tmp_path_factory: pytest.TempPathFactory) -> dataset.Dataset:
    folder = tmp_path_factory.mktemp("large") / "t.plates"
    dataset.write(table, folder)
    return dataset.open_dataset(folder)


@pytest.mark.parametrize(
    ("task", "settings"),
    [
        ("replicates", {"protocol": "plate-controls"}),
        ("replicates", {"protocol": "all-others", "draws": 50}),
        ("hits", {"test": "distance"}),
        ("hits", {}),
        ("sisters", {"protocol": "all", "shuffles": 20}),
        ("mixing", {}),
        ("conservation", {"k": 5}),
    ],
)
def test_a_folder_of_plates_scores_as_its_table(
    plates: dataset.Dataset, task: str, settings: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = TASKS[task](plates.to_anndata(), **settings).scores
    monkeypatch.setattr(mapped, "BLOCK_BYTES", 700)
    on_disk = TASKS[task](plates, **settings).scores
    assert on_disk[["protocol", "group", "metric"]].equals(whole[["protocol", "group", "metric"]])
    np.testing.assert_allclose(on_disk[NUMBERS].to_numpy(dtype=float), whole[NUMBERS].to_numpy(dtype=float), atol=1e-6)


def test_relations_of_a_folder_of_plates(plates: dataset.Dataset, tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.csv"
    pd.DataFrame({"gene1": ["G0", "G1", "G5"], "gene2": ["G1", "G3", "G7"]}).to_csv(pairs, index=False)
    one, other = (TASKS["relations"](t, pairs=str(pairs)).scores for t in (plates.to_anndata(), plates))
    pd.testing.assert_frame_equal(one, other)


def test_of_a_large_set_so_many_ask_and_answer_and_the_others_are_negatives_only(
    table: anndata.AnnData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samples, "MOST_REPLICATES", 10)
    where = layout.layout(table.obs, level="any", seed=0)
    assert where.drawn is not None
    strong = np.flatnonzero((table.obs["perturbation"] == "strong").to_numpy())
    asked = strong[where.asked[strong]]
    assert len(asked) == 10
    assert where.asked.sum() == 10 + 128
    x = ranking.unit(table.X)
    detail = replicates.average_precisions(x, where, protocol="plate-controls").set_index("row")
    assert set(detail.index[detail["perturbation"] == "strong"]) == set(asked)
    for row in asked:
        right = x[[r for r in asked if r != row]] @ x[row]
        wrong = x[where.controls[where.plate[row]]] @ x[row]
        above = [(wrong > s).sum() + 0.5 * (wrong == s).sum() for s in np.sort(right)[::-1]]
        assert detail.loc[row, "average_precision"] == pytest.approx(
            np.mean([(i + 1) / (i + 1 + a) for i, a in enumerate(above)]), abs=1e-6
        )
    others = replicates.average_precisions(x, where, protocol="plate-others").set_index("row")
    treated_of = np.flatnonzero((table.obs["perturbation"] == "c03").to_numpy())[0]
    assert others.loc[treated_of, "negatives"] == 40 - 2
    reversed_rows = layout.layout(table.obs[::-1], level="any", seed=0)
    np.testing.assert_array_equal(reversed_rows.asked[::-1], where.asked)


def test_nothing_is_drawn_where_all_are_few_or_exact(table: anndata.AnnData, monkeypatch: pytest.MonkeyPatch) -> None:
    assert layout.layout(table.obs, level="any").drawn is None
    monkeypatch.setattr(samples, "MOST_REPLICATES", 10)
    assert layout.layout(table.obs, level="any", exact=True).drawn is None
    said = replicates.evaluate(table, draws=20, with_baselines=False).scores["protocol"]
    assert said.str.endswith(", 10 wells drawn of a perturbation with more").all()
    assert not replicates.evaluate(table, draws=20, with_baselines=False, exact=True).scores["protocol"].str.contains("drawn").any()


def test_among_all_others_whole_perturbations_ask(table: anndata.AnnData, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "MOST_ROWS", 40)
    result = replicates.evaluate(table, protocol="all-others", with_baselines=False)
    drawn = result.per_group
    assert set(drawn.loc[drawn["perturbation"] != "strong", "queries"]) == {8}
    assert f", {int(drawn['queries'].sum())} of 160 queries drawn" in result.scores["protocol"].iloc[0]
    whole = replicates.evaluate(table, protocol="all-others", with_baselines=False, exact=True).per_group.set_index("perturbation")
    own = drawn.set_index("perturbation")["mean_average_precision"]
    np.testing.assert_allclose(own, whole.loc[own.index, "mean_average_precision"], atol=1e-6)


def test_the_connectivity_of_a_drawn_label_is_that_among_all_rows(table: anndata.AnnData, monkeypatch: pytest.MonkeyPatch) -> None:
    where = labelled.of(table, batch="auto", label="perturbation", pool_doses=False)
    values = table.X[where.rows]
    exact = neighbours.connectivity(neighbours.nearest(values, k=5), where.labels)
    monkeypatch.setattr(samples, "MOST_ROWS", 90)
    drawn = labelled.drawn(where, seed=0, exact=False, width=12)
    assert 60 < len(drawn.where.rows) < 192
    assert drawn.where.words.endswith(f", {len(drawn.where.rows)} of 192 rows drawn")
    labels = np.unique(where.labels[drawn.places][drawn.complete])
    assert len(labels) > 3
    assert not drawn.complete[drawn.where.control].any()
    scores = mixing.evaluate(table, k=5, with_baselines=False).scores.set_index("metric")["value"]
    assert scores["graph connectivity (scib)"] == pytest.approx(exact[labels].mean())
    exactly = mixing.evaluate(table, k=5, with_baselines=False, exact=True)
    assert exactly.scores.set_index("metric")["value"]["graph connectivity (scib)"] == pytest.approx(exact.mean())
    assert not exactly.scores["protocol"].str.contains("drawn").any()


def test_exact_says_its_price_first(table: anndata.AnnData, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "MOST_ROWS", 90)
    said: list[str] = []
    monkeypatch.setattr(progress, "say", said.append)
    mixing.evaluate(table, k=5, with_baselines=False, exact=True)
    assert said[0].startswith("exact: neighbours of all rows compares 192 rows with 192")


def test_conservation_of_a_drawn_table_ranks_all_and_clusters_some(table: anndata.AnnData, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = TASKS["conservation"](table, k=5, with_baselines=False).scores.set_index("metric")
    monkeypatch.setattr(samples, "MOST_ROWS", 90)
    drawn = TASKS["conservation"](table, k=5, with_baselines=False).scores.set_index("metric")
    rankings = [name for name in drawn.index if name.startswith("mAP")]
    assert len(rankings) == 2
    np.testing.assert_allclose(drawn.loc[rankings, "value"], whole.loc[rankings, "value"], atol=1e-6)
    assert drawn.loc[aggregates.NMI, "n"] < whole.loc[aggregates.NMI, "n"]
    assert drawn.loc[aggregates.NMI, "df"] == 3


def test_sisters_of_drawn_labels_are_compared_with_all(table: anndata.AnnData, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = sisters.evaluate(table, protocol="all", shuffles=0).per_group
    monkeypatch.setattr(samples, "MOST_ROWS", 5)
    monkeypatch.setattr(sisters, "MOST_QUERIES", 6)
    drawn = sisters.evaluate(table, protocol="all", shuffles=0)
    assert drawn.scores["protocol"].str.contains("8 of 17 perturbations drawn").all()
    key = ["profiles", "metric", "label"]
    within = drawn.per_group[drawn.per_group["protocol"].str.contains("within") & (drawn.per_group["profiles"] == "profiles")].set_index(
        key
    )
    of_all = whole[whole["protocol"].str.contains("within")].set_index(key)
    assert len(within) == 4
    np.testing.assert_allclose(within["average_precision"], of_all.loc[within.index, "average_precision"], atol=1e-6)
    assert not sisters.evaluate(table, protocol="all", shuffles=0, exact=True).scores["protocol"].str.contains("drawn").any()


def test_sister_scores_do_not_depend_on_their_blocks(table: anndata.AnnData, monkeypatch: pytest.MonkeyPatch) -> None:
    from impasto.ranking import blocks

    codes, made, _ = sisters._gather(table.obs, by="auto", pool_doses=False)
    vectors = ranking.unit(np.stack([table.X[codes == c].mean(axis=0) for c in range(codes.max() + 1)]))
    whole = SisterScore(vectors, made, across=True, absolute=True, seed=0).per_query
    real = blocks.similarity_blocks
    monkeypatch.setattr(ranking, "similarity_blocks", lambda a, b: real(a, b, block_bytes=4 * len(b) * 3))
    pd.testing.assert_frame_equal(SisterScore(vectors, made, across=True, absolute=True, seed=0).per_query, whole)


def test_the_simulated_groups_are_known() -> None:
    world = World(Shape(plates=8, features=60, maps=2, large=0))
    genes, pairs = world.genes(), world.pairs()
    guides = np.flatnonzero(world.guides)
    assert guides.min() == 320
    assert len(set(genes[guides])) == 320
    group = np.arange(640) % 80
    number = {gene: place for place, gene in zip(guides, genes[guides], strict=True)}
    assert all(group[number[a]] == group[number[b]] for a, b in pairs.to_numpy())
    assert all(world.active[number[a]] for a in pairs["gene1"])
    assert all(group[number[genes[c]]] == group[c] for c in range(320))
    obs = world.plate(1).obs
    assert (obs["perturbation_type"] == "crispr").sum() == 320
    assert world.plate(0).obs["targets"].notna().sum() == 320
