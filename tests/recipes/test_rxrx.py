"""The recipe of RxRx1 on made-up images in RxRx1's own folders: from its files to the tables of both splits, no row missing."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from tests.conftest import REPOSITORY

from impasto import recipe as recipes
from impasto.recipe import run as run_stages

LINES = ("HUVEC", "RPE", "HEPG2", "U2OS")
GENES = ("s1", "s2", "s3")
SMALL = {"encoder": {"name": "vit", "readout": "mean", "patch": 8, "width": 12, "depth": 1, "heads": 3}, "minibatch": 4}
VIEWS = {"size": 16, "scale": [0.25, 0.25], "stretch": 1.0}


@pytest.fixture(scope="module")
def rxrx1(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four lines in two experiments of one plate: `images/HUVEC-01/Plate1/B02_s1_w1.png`, and the rows of metadata.csv."""
    folder, rows = tmp_path_factory.mktemp("rxrx1"), []
    rng = np.random.default_rng(0)
    for line in LINES:
        for number in (1, 2):
            for n, sirna in enumerate((*GENES, *GENES, "EMPTY")):
                well, experiment = f"B{n + 2:02d}", f"{line}-{number:02d}"
                place = folder / "images" / experiment / "Plate1"
                place.mkdir(parents=True, exist_ok=True)
                control = "negative_control" if sirna == "EMPTY" else "treatment"
                for site in (1, 2):
                    rows.append({"site_id": f"{experiment}_1_{well}_{site}", "well_id": f"{experiment}_1_{well}", "cell_type": line})
                    rows[-1] |= {"dataset": "train", "experiment": experiment, "plate": 1, "well": well, "site": site}
                    rows[-1] |= {"well_type": control, "sirna": sirna, "sirna_id": n}
                    for channel in range(1, 7):
                        written = io.BytesIO()
                        Image.fromarray(rng.integers(0, 255, (32, 32), dtype=np.uint8)).save(written, "png")
                        (place / f"{well}_s{site}_w{channel}.png").write_bytes(written.getvalue())
    pd.DataFrame(rows).to_csv(folder / "metadata.csv", index=False)
    (folder / "sirna_genes.csv").write_text("perturbation,gene\n" + "".join(f"{s},GENE{s[1:]}\n" for s in GENES))
    pairs = [("9606.E1", "9606.E2", 900), ("9606.E2", "9606.E3", 700), ("9606.E1", "9606.E3", 150)]
    links = "protein1 protein2 combined_score\n" + "".join(f"{a} {b} {score}\n" for a, b, score in pairs)
    (folder / "9606.protein.links.v12.0.txt").write_text(links)
    info = "#string_protein_id\tpreferred_name\tprotein_size\n" + "".join(f"9606.E{n}\tGENE{n}\t1\n" for n in (1, 2, 3))
    (folder / "9606.protein.info.v12.0.txt").write_text(info)
    table = pd.DataFrame(rng.poisson(20, (len(LINES), 30)), columns=[f"G{n}" for n in range(30)])
    table.insert(0, "cell_line", LINES)
    table.to_csv(folder / "expression.csv", index=False)
    return folder


def small(recipe: recipes.Recipe, folder: Path) -> recipes.Recipe:
    """The same stages and variants in a size for a test."""
    changes: dict[str, object] = {
        "sites.sources": [str(folder / "images")],
        "sites.platemap": [str(folder / "metadata.csv"), str(folder / "sirna_genes.csv")],
        "graph.string": str(folder / "9606.protein.links.v12.0.txt"),
        "graph.string_names": str(folder / "9606.protein.info.v12.0.txt"),
        "lines.table": str(folder / "expression.csv"),
        "lines.options": {"method": "pca", "width": 2, "genes": 20},
    }
    for stage in recipe.stages:
        if stage.verb in ("train", "finetune"):
            changes |= {f"{stage.name}.method.{key}": value for key, value in SMALL.items() if stage.verb == "train" or key == "minibatch"}
            changes |= {f"{stage.name}.method.views": VIEWS, f"{stage.name}.loop.epochs": 1}
            changes |= {f"{stage.name}.loop.optim": {"lr": 1e-3}}
        if stage.verb == "train":
            sizes = {"hidden": 8, "out": 4, "decoder_width": 12, "decoder_depth": 1, "decoder_heads": 3}
            changes |= {f"{stage.name}.method.{key}": value for key, value in sizes.items() if key in stage.values["method"]}
        if stage.verb == "finetune":
            variants = []
            for variant in stage.values["variant"]:
                method = dict(variant.get("method", {}))
                method |= {key: {"encoder": SMALL["encoder"], "views": VIEWS}[key] for key in ("encoder", "views") if key in method}
                variants.append({**variant, **({"method": method} if method else {})})
            changes |= {f"{stage.name}.variant": variants, f"{stage.name}.splits": 2, f"{stage.name}.loop.validate_every": 1}
    return recipe.changed(changes)


def test_both_splits_of_rxrx1_from_its_own_folders(rxrx1: Path, tmp_path: Path) -> None:
    full = recipes.read(REPOSITORY / "recipes" / "knowledge_rxrx1.toml")
    run_stages(small(full, rxrx1), tmp_path)
    for name, protocol in (("split1", "within-batch"), ("split2", "over-batches")):
        stage = next(stage for stage in full.stages if stage.name == name)
        rows = pd.read_csv(tmp_path / name / "results.csv")
        found = set(rows.loc[rows["metric"] == "top-1", "group"])
        assert found == {f"{v['row']}, {v['column']}" for v in stage.values["variant"]}
        assert {v["column"] for v in stage.values["variant"]} == {"WSL", "SimCLR", "BYOL", "MoCo v3", "MAE"}
        assert rows["protocol"].str.startswith(f"{protocol}, U2OS, 1 shots").all()


def test_the_recipe_names_rxrx1s_lines_and_stains(tmp_path: Path) -> None:
    recipe = recipes.read(REPOSITORY / "recipes" / "knowledge_rxrx1.toml")
    assert len(recipes.checked(recipe, out=tmp_path)) == len(recipe.stages)
    seen = [stage.values["method"]["only"]["cell_line"] for stage in recipe.stages if stage.verb == "train"]
    assert all(lines == ["HUVEC", "RPE", "HEPG2"] for lines in seen)
    assert len(seen) == 10


def test_rxrx1s_plates_wells_lines_and_controls_are_read(rxrx1: Path, tmp_path: Path) -> None:
    from impasto.plates.sites import Sites

    full = recipes.read(REPOSITORY / "recipes" / "knowledge_rxrx1.toml")
    run_stages(dataclasses.replace(small(full, rxrx1), stages=small(full, rxrx1).stages[:2]), tmp_path)
    table = Sites.read(tmp_path / "sites").table
    assert set(table["cell_line"]) == set(LINES)
    assert table["batch"].nunique() == 8
    graph = pd.read_parquet(tmp_path / "graph" / "graph.parquet")
    assert graph[["node1", "node2", "weight"]].to_numpy().tolist() == [["s1", "s2", 1.0], ["s2", "s3", pytest.approx(0.7 / 0.9)]]
    assert len(table) == 4 * 2 * 7 * 2
    assert (table.loc[table["perturbation"] == "EMPTY", "control_type"] == "negcon").all()


def test_the_recipe_of_rxrx19a_is_read_to_the_last_key_and_asks_both_lines_in_both_splits(tmp_path: Path) -> None:
    recipe = recipes.read(REPOSITORY / "recipes" / "knowledge_rxrx19a.toml")
    assert len(recipes.checked(recipe, out=tmp_path)) == len(recipe.stages)
    asked = [(s.values["cell_line"], s.values["protocol"]) for s in recipe.stages if s.verb == "finetune"]
    assert sorted(asked) == [(line, protocol) for line in ("HRCE", "VERO") for protocol in ("over-batches", "within-batch")]
