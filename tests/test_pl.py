"""`im.pl`: each figure shows the numbers it was given, on new axes or on the reader's own."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

import impasto as im
from impasto import wells
from impasto.evaluation.result import Result
from impasto.schema import InputError
from impasto.simulate.plan import Plan
from impasto.simulate.profiles import simulate

mpl.use("Agg")


@pytest.fixture(autouse=True)
def _closed() -> object:
    from matplotlib import pyplot as plt

    yield
    plt.close("all")


@pytest.fixture(scope="module")
def ad() -> object:
    return simulate(Plan(sources=1, batches=2, plates=1, perturbations=8, mechanisms=4, controls=6), seed=0)[0]


def test_a_map_colours_rows_and_keeps_a_map_that_is_there(ad: object) -> None:
    mapped = ad.copy()
    mapped.obsm["X_umap"] = np.random.default_rng(0).normal(size=(mapped.n_obs, 2)).astype(np.float32)
    axes = im.pl.umap(mapped, color="plate")
    assert len(axes.collections[0].get_offsets()) == mapped.n_obs
    labels = {text.get_text() for text in axes.get_legend().get_texts()}
    assert labels == set(mapped.obs["plate"].astype(str).unique())
    with pytest.raises(InputError, match="drawing a map needs the column 'dye'"):
        im.pl.umap(mapped, color="dye")


def test_a_plate_shows_a_feature_of_the_plate_that_is_named(ad: object) -> None:
    feature = ad.var_names[0]
    with pytest.raises(InputError, match="no plate is named; say plate="):
        im.pl.plate(ad, value=feature)
    codes, names = wells.plates(ad.obs)
    axes = im.pl.plate(ad, value=feature, plate=names[0])
    assert len(axes.collections[0].get_paths()) == int((codes == 0).sum())
    assert axes.get_title(loc="left").startswith(f"{names[0]}: {feature}")
    with pytest.raises(InputError, match="neither a feature nor a column"):
        im.pl.plate(ad, value="Cells_Nothing", plate=names[0])


def test_a_training_curve_is_read_from_the_folder_of_a_run(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text("".join(json.dumps({"epoch": e, "loss": 3.0 - e}) + "\n" for e in range(3)))
    assert im.pl.curve(tmp_path).get_lines()[0].get_ydata().tolist() == [3.0, 2.0, 1.0]
    assert im.pl.curve([{"epoch": 0, "loss": 1.5}]).get_lines()[0].get_ydata().tolist() == [1.5]
    with pytest.raises(InputError, match=r"holds no log\.jsonl"):
        im.pl.curve(tmp_path / "nothing")


def test_a_receipt_is_drawn_as_it_was_made(ad: object) -> None:
    before = ad.copy()
    after = im.pp.standardize(before, copy=True)
    made = im.pp.receipt(before, after)
    axes = im.pl.receipt(made)
    widths = [bar.get_width() for bar in axes.patches]
    assert widths[: len(widths) // 2] == [max(0.0, v["before"]) for v in made["explained"].values()] + [made["signal"]["before"]]


def test_a_ranking_shows_the_best_perturbations_on_the_axes_given(ad: object) -> None:
    from matplotlib import pyplot as plt

    result = im.tl.replicates(ad, draws=20)
    ax = plt.subplots()[1]
    assert im.pl.ranking(result, most=3, ax=ax) is ax
    best = result.per_group.sort_values("mean_average_precision", ascending=False, kind="stable").head(3)
    assert [label.get_text() for label in ax.get_yticklabels()] == best["perturbation"].astype(str).tolist()
    with pytest.raises(InputError, match="no score of each perturbation"):
        im.pl.ranking(Result(pd.DataFrame()))


def test_a_dose_curve_is_the_fitted_one() -> None:
    compounds = pd.DataFrame(
        {
            "perturbation": ["AMG900", "water"],
            "curve": [True, False],
            "ec50_words": ["1 [0.5, 2]", None],
            "benchmark_concentration": [0.5, np.nan],
            "why": ["", "not distinguished from flat (q = 0.4)"],
        }
    )
    lines = pd.DataFrame({"perturbation": "AMG900", "concentration": [0.1, 10.0], "response": [1.0, 4.0], "low": [0.5, 3], "high": [2, 5]})
    wells = pd.DataFrame({"perturbation": ["AMG900", "water"], "plate": "P", "concentration": [1.0, 2.0], "response": [2.5, 0.1]})
    result = Result(pd.DataFrame(), tables={"dose_response": compounds, "dose_curves": lines, "dose_wells": wells})
    axes = im.pl.dose(result, "AMG900")
    drawn = [tuple(map(tuple, line.get_data())) for line in axes.get_lines()]
    assert ((1.0,), (2.5,)) in drawn
    assert ((0.1, 10.0), (1.0, 4.0)) in drawn
    assert axes.get_lines()[-1].get_xdata()[0] == 0.5
    band = axes.collections[0].get_paths()[0].vertices
    assert {tuple(point) for point in band} >= {(0.1, 0.5), (10.0, 3.0), (0.1, 2.0), (10.0, 5.0)}
    assert axes.get_title(loc="left") == "AMG900: EC50 1 [0.5, 2]"
    flat = im.pl.dose(result, "water")
    assert flat.get_title(loc="left") == "water: no curve: not distinguished from flat (q = 0.4)"
    assert not flat.collections
    with pytest.raises(InputError, match=r"no compound 'AMG90' stands at several doses \(did you mean 'AMG900'\?\)"):
        im.pl.dose(result, "AMG90")
