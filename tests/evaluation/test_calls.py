"""Which test is made, what is called and kept, and when a run is not calibrated."""

from __future__ import annotations

import anndata
import numpy as np
import pytest
from tests.evaluation.screens import screen

from impasto import identity
from impasto.evaluation import calls, distance, noise, positions, reproduction
from impasto.evaluation.calls import Calls
from impasto.evaluation.design import design
from impasto.schema import InputError
from impasto.statistics import discovery


def called(data: anndata.AnnData, *, test: calls.Test = "auto", by_batch: bool = False, rate: float = 0.05) -> Calls:
    where = design(data, pool_doses=False, by_batch=by_batch, seed=0)
    which = positions.played(where, seed=0)
    return calls.call(data.X, where, which, test=test, components=5, draws=3000, rate=rate, seed=0)


def test_the_table_is_put_together_by_hand() -> None:
    data = screen(perturbations=22, active=6, controls=28, spared=14)
    made = called(data)
    where = design(data, pool_doses=False, by_batch=False, seed=0)
    which = positions.played(where, seed=0)
    x = noise.centred(data.X, where, np.arange(data.n_obs))
    test = reproduction.reproduction(x, where, [*where.members, *which.sets], draws=3000, seed=0)
    judged = positions.judge(test, 22, which)
    per = made.per
    assert per["perturbation"].tolist() == where.names
    assert set(per["test"]) == {"reproduction"}
    np.testing.assert_allclose(per["T"], judged.statistic)
    np.testing.assert_allclose(per["p1"], judged.p1)
    np.testing.assert_allclose(per["p2"], judged.p2)
    np.testing.assert_allclose(per["p"], np.maximum(judged.p1, judged.p2))
    np.testing.assert_allclose(per["q"], discovery.corrected(per["p"].to_numpy()))
    assert per["called"].tolist() == (per["q"] < 0.05).tolist()
    assert per["floor"].unique().tolist() == [1 / 3001]
    assert (per["wells"].unique().tolist(), per["plates"].unique().tolist()) == ([3], [3])
    assert made.spared.tolist() == positions.called(test, 22, which).tolist()
    assert made.calibrated


def test_the_null_is_large_enough_for_the_number_of_perturbations() -> None:
    assert called(screen(perturbations=80, active=0), rate=0.04).per["floor"].iloc[0] == pytest.approx(1 / 4001)


def test_a_perturbation_of_one_well_is_compared_with_controls() -> None:
    data = screen(perturbations=22, active=6)
    alone = (data.obs["perturbation"] == "p04") & (data.obs["plate"] != "P1")
    data = data[~alone.to_numpy()].copy()
    made = called(data)
    row = made.per.set_index("perturbation").loc["p04"]
    where = design(data, pool_doses=False, by_batch=False, seed=0)
    own = distance.compare_with_controls(distance.scores_of_components(data.X, 5), [where.members[4]], where, rate=0.05, tested=22, seed=0)[
        0
    ]
    assert (row["test"], row["distance"], row["p"], row["floor"]) == ("distance", own.statistic, own.p, 1 / 15)
    assert np.isnan(row[["T", "p1", "p2"]].astype(float)).all()
    assert made.tested == [j for j in range(22) if j != 4]


def test_fewer_than_twenty_perturbations_are_compared_with_controls() -> None:
    made = called(screen(perturbations=19, active=6))
    assert set(made.per["test"]) == {"distance"}
    assert made.per["T"].isna().all()
    assert len(made.spared) == 14
    with pytest.raises(InputError, match="needs 20 perturbations with two wells, and 19 have them"):
        called(screen(perturbations=19), test="reproduction")
    assert set(called(screen(perturbations=24), test="distance").per["test"]) == {"distance"}


def test_a_hit_is_kept_by_the_share_of_its_plates_that_can_be_left_out() -> None:
    data = screen(perturbations=30, active=10, effect=1.0, controls=30, spared=15, width=20)
    made = called(data)
    where = design(data, pool_doses=False, by_batch=False, seed=0)
    which = positions.played(where, seed=0)
    test = reproduction.reproduction(
        noise.centred(data.X, where, np.arange(data.n_obs)), where, [*where.members, *which.sets], draws=3000, seed=0
    )
    stays = np.array([discovery.corrected(positions.judge(test, 30, which, without=[plate] * 30).p) < 0.05 for plate in range(3)])
    expected = np.where(made.per["called"], stays.mean(axis=0), np.nan)
    np.testing.assert_allclose(made.per["kept"], expected)
    assert 0 < np.nanmean(expected) < 1
    assert called(screen(perturbations=30, active=10, plates=2)).per["kept"].isna().all()


def test_of_many_plates_the_first_six_are_left_out() -> None:
    data = screen(perturbations=24, active=12, effect=0.5, plates=7, width=8)
    made = called(data)
    where = design(data, pool_doses=False, by_batch=False, seed=0)
    which = positions.played(where, seed=0)
    centred = noise.centred(data.X, where, np.arange(data.n_obs))
    test = reproduction.reproduction(centred, where, [*where.members, *which.sets], draws=3000, seed=0)
    stays = np.array([discovery.corrected(positions.judge(test, 24, which, without=[plate] * 24).p) < 0.05 for plate in range(7)])
    assert (stays[:6].mean(axis=0) != stays.mean(axis=0))[made.per["called"]].any()
    np.testing.assert_allclose(made.per["kept"], np.where(made.per["called"], stays[:6].mean(axis=0), np.nan))


def test_batches_are_families_where_asked() -> None:
    first, second = (screen(seed=s, perturbations=20, active=8, plates=2) for s in (0, 1))
    second.obs["plate"], second.obs["batch"] = second.obs["plate"].replace({"P0": "Q0", "P1": "Q1"}), "Y"
    second.obs["perturbation"] = second.obs["perturbation"].str.replace("p", "q")
    both = anndata.concat([first, second], index_unique="-")
    per = called(both, by_batch=True).per
    for batch, letter in (("batch X", "p"), ("batch Y", "q")):
        own = per["perturbation"].str.startswith(letter)
        assert set(per.loc[own, "family"]) == {batch}
        np.testing.assert_allclose(per.loc[own, "q"], discovery.corrected(per.loc[own, "p"].to_numpy()))


def test_controls_that_a_correction_learned_from_calibrate_nothing() -> None:
    data = screen(perturbations=22, active=6, whole=True)
    assert called(data).calibrated
    identity.record_step(data, {"method": "sphering"})
    assert not called(data).calibrated


def test_a_run_that_calls_its_spared_positions_is_not_calibrated() -> None:
    made = called(screen(perturbations=24, controls=20, spared=10, position=2.0))
    assert made.spared.mean() > 0.5
    assert not made.calibrated
    by_distance = called(screen(perturbations=10, controls=30, spared=15, position=3.0))
    assert by_distance.calibrated == (by_distance.spared.mean() <= 0.1)


def test_a_plate_whose_controls_are_all_spared_has_no_centre_and_is_left_out() -> None:
    data = screen(perturbations=22, active=6, controls=28, spared=14)
    data.obs.loc[(data.obs["plate"] == "P2") & (data.obs["control_type"] == "negcon"), "spared"] = True
    made = called(data)
    assert set(made.per["plates"]) == {2}
    assert np.isfinite(made.per["p"]).all()
    assert len(made.spared) == 14
