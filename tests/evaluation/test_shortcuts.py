"""The audit flags a planted shortcut and stays quiet on a true effect."""

import anndata
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from tests.evaluation.rows import rows
from tests.evaluation.small import plates

from impasto.evaluation import replicates, shortcuts
from impasto.evaluation.shortcuts import evaluate
from impasto.profiles import describe_features
from impasto.statistics import jackknife


def _plates(seed: int, *, effect: float, count_effect: float, position_effect: float = 0.0, fixed: bool = False) -> anndata.AnnData:
    """Four plates of 24 compounds and 8 controls; features follow the compound, the count of cells, or the well."""
    rng = np.random.default_rng(seed)
    direction, killing, of_count = rng.normal(size=(24, 30)), rng.normal(size=24), rng.normal(size=30)
    of_place = rng.normal(size=(2, 30))
    rows, values = [], []
    places = rng.permutation(32)
    for plate in range(4):
        places = places if fixed else rng.permutation(32)
        for number in range(32):
            compound = number if number < 24 else None
            row, column = divmod(int(places[number]), 8)
            log_count = rng.normal(scale=0.2) + (count_effect * killing[compound] if compound is not None else 0)
            value = 2 * log_count * of_count + rng.normal(size=30) + position_effect * (row * of_place[0] + column * of_place[1])
            value += effect * direction[compound] if compound is not None else 0
            name = "DMSO" if compound is None else f"C{compound:02d}"
            rows.append(
                (f"P{plate}", f"{'ABCD'[row]}{column + 1:02d}", name, "negcon" if compound is None else "trt", 500 * np.exp(log_count))
            )
            values.append(value)
    obs = pd.DataFrame(rows, columns=["plate", "well", "perturbation", "control_type", "cell_count"]).rename(index=str)
    var = describe_features([f"Cells_Texture_Contrast_DNA_{i}" for i in range(30)])
    return anndata.AnnData(X=np.array(values, dtype=np.float32), obs=obs, var=var)


def _flags(profiles: anndata.AnnData) -> set[str]:
    scores = rows(evaluate(profiles, draws=200))
    return {s.group for s in scores if s.metric == "flagged" and s.value == 1}


@pytest.mark.parametrize("seed", range(3))
def test_a_label_that_only_kills_cells_is_flagged(seed: int) -> None:
    assert _flags(_plates(seed, effect=0, count_effect=1.0)) == {"cell count"}


@pytest.mark.parametrize("seed", range(3))
def test_a_true_effect_is_not_flagged(seed: int) -> None:
    assert not _flags(_plates(seed, effect=1.0, count_effect=0))


@pytest.mark.parametrize("seed", range(3))
def test_noise_is_not_flagged(seed: int) -> None:
    assert not _flags(_plates(seed, effect=0, count_effect=0))


def test_a_fixed_layout_with_a_position_effect_is_flagged() -> None:
    assert "position" in _flags(_plates(0, effect=0, count_effect=0, position_effect=1.0, fixed=True))
    assert "position" not in _flags(_plates(0, effect=1.0, count_effect=0, position_effect=1.0, fixed=False))


def test_explained_is_the_analysis_of_variance_by_hand() -> None:
    rng = np.random.default_rng(0)
    columns, labels = rng.normal(size=(30, 2)), rng.integers(0, 4, 30)
    total = within = 0.0
    for column in columns.T:
        total += sum((v - column.mean()) ** 2 for v in column)
        within += sum((v - column[labels == label].mean()) ** 2 for v, label in zip(column, labels, strict=True))
    assert shortcuts.explained(columns, labels) == pytest.approx(1 - within / total)


def test_without_is_the_residual_of_least_squares_even_when_columns_repeat() -> None:
    rng = np.random.default_rng(1)
    values, columns = rng.normal(size=(40, 5)).astype(np.float32), rng.normal(size=(40, 2))
    columns = np.concatenate([columns, columns[:, :1]], axis=1)
    theirs = values - LinearRegression().fit(columns[:, :2], values).predict(columns[:, :2])
    np.testing.assert_allclose(shortcuts.without(values, columns), theirs, atol=1e-5)


def test_edge_wells_lie_on_all_four_sides() -> None:
    """Rows A to D and columns 1 to 6 in use: the edge is A, D, 01 and 06."""
    data = plates()
    edge = next(s for s in shortcuts.shortcuts(data) if s.name == "edge").columns[:, 1] == 1
    for well, on_edge in zip(data.obs["well"], edge, strict=True):
        assert on_edge == (well[0] in "AC" or well[1:] in ("01", "06")), well


def test_numbers_are_ranks_within_their_plate_and_categories_are_one_hot() -> None:
    plates_of = np.array([0, 0, 0, 1, 1, 1])
    number = shortcuts._number("count", np.array([5.0, 7.0, 6.0, 1.0, 30.0, 2.0]), plates_of)
    rank = np.array([1, 3, 2, 1, 3, 2]) / 3 - 0.5
    np.testing.assert_allclose(number.columns, np.stack([rank, rank**2], axis=1))
    np.testing.assert_allclose(np.linalg.norm(number.alone, axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(number.alone[:, 0], np.cos((rank + 0.5) * np.pi / 2), rtol=1e-6)
    assert shortcuts._category("row", np.array([0, 2, 2])).columns.tolist() == [[1, 0], [0, 1], [0, 1]]


@pytest.mark.parametrize(
    ("p", "left", "alone", "flagged"),
    [
        (0.009, 0.9, 0.8, True),  # as good alone
        (0.009, 0.44, 0.3, True),  # less than half of the score above chance is left: .2 + .3 = .5
        (0.009, 0.51, 0.3, False),
        (0.009, 0.9, 0.79, False),
        (0.011, 0.3, 0.9, False),
    ],
)
def test_a_flag_needs_an_association_that_accounts_for_the_score(p: float, left: float, alone: float, flagged: bool) -> None:
    assert shortcuts.is_flagged(p=p, score=0.8, chance=0.2, left=left, alone=alone) == flagged
    assert not shortcuts.is_flagged(p=0.001, score=0.2, chance=0.2, left=0.0, alone=1.0)


def test_the_audit_is_written_out_by_hand() -> None:
    data = plates(signal=2.0)
    result = evaluate(data, draws=39)
    treated = (data.obs["control_type"] == "trt").to_numpy()
    codes = pd.factorize(data.obs.loc[treated, "perturbation"], sort=True)[0]
    row = data.obs["well"].str[0].map("ABCD".index).to_numpy()
    columns = np.eye(4)[row][:, : row.max() + 1]
    per = result.per_group.set_index("shortcut")
    assert per.loc["row", "explained"] == pytest.approx(shortcuts.explained(columns[treated], codes))
    assert per.loc["row", "chance"] == pytest.approx((4 - 1) / (24 - 1))
    left = replicates.evaluate(
        anndata.AnnData(X=shortcuts.without(data.X, columns), obs=data.obs, var=data.var), protocol="plate-others", with_baselines=False
    )
    assert per.loc["row", "mAP_left"] == pytest.approx(left.scores["value"].iloc[0])
    own = replicates.evaluate(data, protocol="plate-others", with_baselines=False).scores.iloc[0]
    assert (per["mAP"] == own["value"]).all()
    assert (per["mAP_chance"] == own["chance"]).all()
    assert result.scores.loc[result.scores["metric"] == "explained by label", "n"].unique().tolist() == [24]


def test_labels_are_shuffled_within_plates_and_over_all_wells_for_the_plate_itself() -> None:
    """Each label in one plate: within plates no shuffle says anything, over all wells the plate is told beyond doubt."""
    labels, plate = np.repeat([0, 1, 2], 6), np.repeat(["P", "Q", "R"], 6)
    columns = np.eye(3)[np.repeat([0, 1, 2], 6)]
    assert shortcuts._association(columns, labels, plate, draws=50, seed=0)[1] == 1.0
    assert shortcuts._association(columns, labels, np.full(18, ""), draws=50, seed=0)[1] == pytest.approx(1 / 51)


def test_the_intervals_of_the_audit_are_over_perturbations() -> None:
    """Each perturbation leaves with all of its wells: of what a shortcut explains, and of the score it leaves."""
    table = _plates(2, effect=1.0, count_effect=0.3)
    table = table[table.obs["perturbation"].isin(["DMSO", *(f"C{c:02d}" for c in range(9))])].copy()
    unit = [None if name == "DMSO" else name for name in table.obs["perturbation"]]
    treated = np.array([name is not None for name in unit])
    columns = next(s for s in shortcuts.shortcuts(table) if s.name == "cell count").columns
    group = jackknife.deal(9, seed=0)
    of_row = np.array([group[int(name[1:])] for name in table.obs["perturbation"][treated]])
    codes = table.obs["perturbation"][treated].str[1:].astype(int).to_numpy()
    single = [shortcuts.explained(columns[treated][of_row != g], np.unique(codes[of_row != g], return_inverse=True)[1]) for g in range(9)]
    found = {(s.group, s.metric): s for s in rows(evaluate(table, draws=20))}
    explained = found["cell count", "explained by label"]
    expected = jackknife.of_score(jackknife.LeftOut(explained.value, np.array(single), None, 9), unit="perturbation")
    assert (explained.low, explained.high) == (pytest.approx(expected.low), pytest.approx(expected.high))
    own = found["profiles", "mAP"]
    assert (own.unit, own.clusters, own.interval, own.about) == ("perturbation", 9, "jackknife", "other perturbations")
    assert found["without cell count", "mAP left"].chance == own.chance


def test_labels_leave_their_plate_only_where_the_plate_is_the_shortcut() -> None:
    """Each compound stands on one plate, so the plate says all: no shuffle over both plates does so again, and one within plates always."""
    rng = np.random.default_rng(0)
    obs = pd.DataFrame(
        [(f"P{plate}", f"c{plate}{compound}", "trt") for plate in range(2) for compound in range(5) for _ in range(3)],
        columns=["plate", "perturbation", "control_type"],
    ).rename(index=str)
    obs["cell_count"] = np.where(obs["plate"] == "P0", 100, 900) + rng.integers(0, 50, len(obs))
    data = anndata.AnnData(X=rng.normal(size=(len(obs), 4)).astype(np.float32), obs=obs)
    per = evaluate(data, draws=49).per_group.set_index("shortcut")
    assert per.loc["plate", "explained"] == pytest.approx(1)
    assert per.loc["plate", "p_value"] == 1 / 50
    # Counts differ by plate alone, and they are ranked within it.
    assert per.loc["cell count", "p_value"] > 0.05
