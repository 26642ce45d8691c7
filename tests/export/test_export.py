"""Export: what other programs are given comes back whole, and those programs run on it."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from tests.peers import peer

from impasto import identity, profiles, recipe, schema
from impasto.export import copairs, mantispy, pycytominer
from impasto.schema import InputError
from impasto.stages.export import ExportSettings

WORDS = [schema.SOURCE, schema.BATCH, schema.PLATE, schema.WELL, schema.PERTURBATION, schema.CONTROL_TYPE, schema.CELL_COUNT, "gene", "moa"]


def table(*, embedding: bool = False, plates: int = 2) -> anndata.AnnData:
    """Two plates of 12 wells: four perturbations twice, and four controls."""
    rng = np.random.default_rng(0)
    names = (
        [f"emb_{channel}_{n:04d}" for channel in ("DNA", "Mito") for n in range(3)]
        if embedding
        else ["Cells_Texture_Contrast_Mito_3_00_256", "Nuclei_AreaShape_Area", "Cells_Correlation_K_AGP_DNA", "Image_Intensity_mean_ER"]
    )
    rows = [
        {
            "source": "S1",
            "batch": "B1",
            "plate": f"00{plate}",
            "well": f"{'AB'[k // 6]}{k % 6 + 1:02d}",
            "perturbation": f"c{k % 4}" if k < 8 else "DMSO",
            "control_type": "trt" if k < 8 else "negcon",
            "cell_count": int(100 + k),
            "gene": f"G{k % 4}" if k < 8 else None,
            "moa": "a; b",
            "spared": k == 11,
        }
        for plate in range(plates)
        for k in range(12)
    ]
    shift = np.array([hash_free(r["perturbation"]) for r in rows])[:, None]
    values = rng.normal(size=(len(rows), len(names))) * 0.3 + shift * np.linspace(-1, 1, len(names))
    obs = pd.DataFrame(rows).rename(index=str)
    uns = {"impasto": {"encoder": {"name": "efficientnet_lite0", "sha256": "ab"}}, "quarantine": [{"site": "s", "reason": "r"}]}
    return anndata.AnnData(values.astype(np.float32), obs=obs, var=profiles.describe_features(names), uns=uns)


def hash_free(name: str) -> float:
    return {"c0": -2.0, "c1": -1.0, "c2": 1.0, "c3": 2.0}.get(name, 0.0)


def export(data: anndata.AnnData, to: str, file: str, folder: Path, **more: str) -> Path:
    profiles.write(data, folder / "in.h5ad")
    settings = ExportSettings.read({"profiles": folder / "in.h5ad", "to": to, **more}, where="test")
    recipe.execute("export", settings, out=folder / file)
    return folder / file


def assert_same(found: anndata.AnnData, data: anndata.AnnData, *, prefix: str = "") -> None:
    """The same rows, annotation, features, values, in the same order."""
    for word in WORDS:
        mine, theirs = (one.obs[word].astype("string").fillna("").tolist() for one in (found, data))
        assert mine == theirs, word
    assert found.obs["spared"].astype(str).tolist() == data.obs["spared"].astype(str).tolist()
    known = list(data.var_names)
    order = [prefix + n if n.startswith("emb_") else n for n in known]
    assert set(found.var_names) == set(order)
    np.testing.assert_array_equal(profiles.dense(found[:, order]), profiles.dense(data))
    assert found.var.loc[order, "channel"].tolist() == data.var["channel"].tolist()
    assert found.var.loc[order, "group"].tolist() == data.var["group"].tolist()


@pytest.mark.parametrize("embedding", [False, True], ids=["measured", "embedded"])
@pytest.mark.parametrize(
    ("to", "file"),
    [
        ("pycytominer", "o.parquet"),
        ("pycytominer", "o.csv.gz"),
        ("pycytominer", "o.h5ad"),
        ("pycytominer", "o.zarr"),
        ("copairs", "o.parquet"),
        ("mantispy", "o.h5ad"),
        ("mantispy", "o.zarr"),
        ("cellprofiler", "o"),
    ],
)
def test_what_is_exported_is_read_back_whole(to: str, file: str, tmp_path: Path, *, embedding: bool) -> None:
    data = table(embedding=embedding)
    prefix = "Cells_net_" if to == "pycytominer" else ""
    found = profiles.read(export(data, to, file, tmp_path, **({"feature_prefix": prefix} if prefix else {})))
    assert_same(found, data, prefix=prefix)
    assert found.obs_names.tolist() == [str(n) for n in range(len(data))]


def test_metadata_comes_first_and_the_file_says_how_it_was_made(tmp_path: Path) -> None:
    path = export(table(embedding=True), "pycytominer", "o.parquet", tmp_path)
    columns = list(pd.read_parquet(path).columns)
    first = next(i for i, c in enumerate(columns) if not c.startswith("Metadata_"))
    assert first > 0
    assert not [c for c in columns[first:] if c.startswith("Metadata_")]
    assert {"Metadata_Plate", "Metadata_Well", "Metadata_Count_Cells", "Metadata_control_type"} <= set(columns)
    found = profiles.read(path)
    assert identity.of(found).encoder == {"name": "efficientnet_lite0", "sha256": "ab"}
    assert found.uns["quarantine"] == [{"site": "s", "reason": "r"}]


@pytest.mark.parametrize("prefix", ["net_", "Cells_net", "Image_net_"])
def test_a_prefix_that_infers_nothing_is_refused(prefix: str) -> None:
    with pytest.raises(InputError, match="makes pycytominer infer nothing"):
        pycytominer.spelled(table(), feature_prefix=prefix)


def test_two_columns_of_one_name_are_refused() -> None:
    data = table()
    data.obs["Plate"] = "x"
    with pytest.raises(InputError, match="both be named 'Metadata_Plate'"):
        pycytominer.spelled(data)


# ---------------------------------------------------------------- the programs themselves
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("file", ["o.parquet", "o.csv.gz", "o.h5ad"])
def test_pycytominer_aggregates_and_normalizes_what_it_is_given(file: str, tmp_path: Path) -> None:
    theirs = peer("pycytominer")
    data = table(embedding=True)
    path = str(export(data, "pycytominer", file, tmp_path, feature_prefix="Cells_net_"))
    normalized = theirs.normalize(path, samples="Metadata_control_type == 'negcon'", method="standardize")
    names = [c for c in normalized if c.startswith("Cells_net_emb_")]
    assert len(names) == data.n_vars
    controls = normalized[names][(normalized["Metadata_control_type"] == "negcon").to_numpy()]
    np.testing.assert_allclose(controls.mean(), 0, atol=1e-5)
    np.testing.assert_allclose(controls.std(ddof=0), 1, atol=1e-5)
    if file.endswith(".parquet"):
        wells = theirs.aggregate(theirs.load_profiles(path) if hasattr(theirs, "load_profiles") else pd.read_parquet(path))
        ours = profiles.aggregate(profiles.read(path), by=["plate", "well"])
        np.testing.assert_allclose(wells[names].to_numpy(), profiles.dense(ours[:, names]), rtol=1e-6)


@pytest.mark.filterwarnings("default")
def test_copairs_ranks_what_it_is_given_and_takes_our_scores_for_its_own(tmp_path: Path) -> None:
    theirs = peer("copairs.map")
    data = table()
    del data.obs["spared"]  # where it is there, our scores rank against spared controls only
    given = pd.read_parquet(export(data, "copairs", "o.parquet", tmp_path))
    metadata = [c for c in given if c.startswith("Metadata_")]
    meta = given[metadata].assign(reference=np.where(given["Metadata_control_type"] == "negcon", given.index, -1))
    rules = {"pos_sameby": ["Metadata_perturbation", "reference"], "pos_diffby": []}
    negative = {"neg_sameby": ["Metadata_Plate"], "neg_diffby": ["Metadata_control_type"]}
    scored = theirs.average_precision(meta, given.drop(columns=metadata).to_numpy(), **rules, **negative, progress_bar=False)
    own = theirs.mean_average_precision(
        scored[scored["Metadata_control_type"] == "trt"], ["Metadata_perturbation"], 500, 0.05, 0, progress_bar=False
    )

    scores = recipe.STAGES["evaluate"].settings.read(
        {"task": "replicates", "profiles": [str(tmp_path / "in.h5ad")], "protocol": "copairs", "options": {"with_baselines": False}},
        where="t",
    )
    recipe.execute("evaluate", scores, out=tmp_path / "scores")
    outs = {}
    for name in ("per_well", "per_group"):
        settings = ExportSettings.read({"profiles": tmp_path / "scores" / f"{name}.parquet", "to": "copairs"}, where="t")
        recipe.execute("export", settings, out=tmp_path / f"{name}.parquet")
        outs[name] = pd.read_parquet(tmp_path / f"{name}.parquet")
    again = theirs.mean_average_precision(outs["per_well"], ["Metadata_perturbation"], 500, 0.05, 0, progress_bar=False)
    columns = ["mean_average_precision", "mean_normalized_average_precision", "p_value"]
    np.testing.assert_allclose(again[columns].to_numpy(), own[columns].to_numpy(), rtol=1e-6)
    np.testing.assert_allclose(outs["per_group"]["mean_average_precision"], own["mean_average_precision"], rtol=1e-6)
    assert {"p_value", "corrected_p_value", "below_corrected_p"} <= set(outs["per_group"])


def test_copairs_is_not_given_missing_values() -> None:
    data = table()
    data.X[3, 1] = np.nan
    with pytest.raises(InputError, match=r"1 features hold missing .* \(most in Nuclei_AreaShape_Area\)"):
        copairs.spelled(data)


# ---------------------------------------------------------------- mantispy's schema 2.0, by its structure
def test_mantispy_finds_its_schema(tmp_path: Path) -> None:
    path = export(table(), "mantispy", "o.h5ad", tmp_path)
    found = anndata.read_h5ad(path)
    assert found.X.dtype == np.float32
    stamp = found.uns["mantispy"]
    assert (stamp["schema_version"], stamp["resolution"]) == ("2.0", "well")
    assert list(stamp["grouped_by"]) == ["Metadata_Plate", "Metadata_Well"]
    assert stamp["perturbation"] == {"column": "Metadata_Perturbation", "control_column": "Metadata_Control_Type"}
    assert {"Metadata_CellCount", "Metadata_MOA", "Metadata_Source", "spared"} <= set(found.obs)
    assert set(found.obs["Metadata_Control_Type"]) == {"treatment", "negcon"}
    assert (found.obs["Metadata_Control"] == (found.obs["Metadata_Control_Type"] != "treatment")).all()
    assert found.obs["Metadata_Gene"].isna().sum() == 8, "a control has no gene, not the gene ''"
    required = ["object", "feature_group", "feature", "channel", "scale", "angle", "gray_levels", "radial_bin", "params"]
    assert list(found.var.columns) == [*required, "is_feature", "feature_kind"]
    texture = found.var.loc["Cells_Texture_Contrast_Mito_3_00_256"]
    assert texture[required[:8]].tolist()[:7] == ["Cells", "Texture", "Contrast", "Mito", 3.0, 0.0, 256.0]
    assert texture["params"] == "3_00_256"
    assert found.var["feature_kind"].tolist() == ["measurement"] * 4
    assert found.var["is_feature"].all()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Cells_RadialDistribution_FracAtD_ER_2of4", {"feature": "FracAtD", "channel": "ER", "radial_bin": "2of4", "params": None}),
        ("Nuclei_Granularity_5_DNA", {"feature": "Granularity", "channel": "DNA", "scale": 5.0, "params": "5"}),
        ("Cells_AreaShape_Zernike_4_2", {"feature": "Zernike", "channel": None, "scale": 4.0, "params": "4_2"}),
        ("Cytoplasm_Correlation_RWC_AGP_DNA", {"object": "Cytoplasm", "feature": "RWC", "channel": "AGP|DNA"}),
        ("emb_Mito_0007", {"object": None, "channel": "Mito", "feature_kind": "embedding"}),
        ("kernel_3", {"object": None, "feature_group": None, "feature_kind": "derived"}),
    ],
)
def test_mantispy_is_told_what_a_feature_is(name: str, told: dict[str, object]) -> None:
    row = mantispy.features([name]).loc[name]
    found = {key: None if pd.isna(row[key]) else row[key] for key in told}
    assert found == told


def test_mantispy_wants_a_unit_and_rows_with_a_name() -> None:
    data = table()
    data.obs["concentration"] = ["1.5"] * len(data)
    with pytest.raises(InputError, match="--concentration-unit"):
        mantispy.stamped(data)
    given = mantispy.stamped(data, concentration_unit="uM").obs
    assert given["Metadata_Concentration"].tolist() == [1.5] * len(data)
    assert set(given["Metadata_ConcentrationUnit"]) == {"uM"}
    data.obs["concentration"] = ["high"] * len(data)
    with pytest.raises(InputError, match="not numbers"):
        mantispy.stamped(data, concentration_unit="uM")
    consensus = profiles.aggregate(table(), by=["perturbation"])
    assert mantispy.stamped(consensus).uns["mantispy"]["grouped_by"] == ["Metadata_Perturbation"]
    with pytest.raises(InputError, match="neither"):
        mantispy.stamped(anndata.AnnData(np.zeros((1, 1), np.float32), obs=pd.DataFrame({"gene": ["a"]}, index=["0"])))


# ---------------------------------------------------------------- the verb
def test_a_recipe_exports(tmp_path: Path) -> None:
    profiles.write(table(), tmp_path / "in.parquet")
    (tmp_path / "r.toml").write_text(
        '[[stage]]\nname = "given"\nverb = "export"\nprofiles = "in.parquet"\nto = "mantispy"\nfile = "wells.zarr"\n'
        '[[stage]]\nname = "sheets"\nverb = "export"\nprofiles = "@given/wells.zarr"\nto = "cellprofiler"\n'
    )
    plan = recipe.read(tmp_path / "r.toml")
    for stage in plan.stages:
        settings = recipe.settings_of(plan, stage, out=tmp_path / "out")
        assert recipe.execute(stage.verb, settings, out=recipe.result_of(tmp_path / "out", stage))
        assert not recipe.execute(stage.verb, settings, out=recipe.result_of(tmp_path / "out", stage)), "done is done"
    assert_same(profiles.read(tmp_path / "out" / "sheets"), table())


@pytest.mark.parametrize(
    ("more", "file", "said"),
    [
        ({"to": "copairs", "feature_prefix": "Cells_n_"}, "o.parquet", "--feature-prefix is of --to pycytominer"),
        ({"to": "mantispy"}, "o.parquet", "name the file .h5ad or .zarr"),
        ({"to": "cellprofiler"}, "o.csv", "writes a folder"),
    ],
)
def test_what_a_program_cannot_read_is_refused(more: dict[str, str], file: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said):
        export(table(), more["to"], file, tmp_path, **{k: v for k, v in more.items() if k != "to"})
    assert not (tmp_path / file).exists()


def test_scores_are_no_profiles(tmp_path: Path) -> None:
    scores = {"perturbation": ["a"], "mean_average_precision": [0.5], "chance": [0.1], "positives": [1.0], "negatives": [9.0]}
    pd.DataFrame(scores).to_parquet(tmp_path / "per_group.parquet")
    settings = ExportSettings.read({"profiles": tmp_path / "per_group.parquet", "to": "pycytominer"}, where="t")
    with pytest.raises(InputError, match="holds the scores of an evaluation"):
        recipe.execute("export", settings, out=tmp_path / "o.parquet")
