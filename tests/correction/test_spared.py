"""Spared controls: the same wells whatever the order, whole wells, the right share, and unseen by every fit."""

from __future__ import annotations

import hashlib

import anndata
import numpy as np
import pytest
from tests.correction.plated import control_rows, plates

from impasto.correction import spared
from impasto.correction.spared import spare_controls
from impasto.correction.standardize import Standardize
from impasto.schema import InputError


def places(marked: anndata.AnnData) -> set[tuple[str, ...]]:
    return {tuple(row) for row in marked.obs.loc[marked.obs["spared"], ["plate", "well"]].to_numpy()}


def test_spared_controls_are_the_same_wells_whatever_the_order_and_no_fit_sees_them() -> None:
    data = plates()
    marked = spare_controls(data, share=0.5, seed=0)
    assert places(marked) == places(spare_controls(data[::-1].copy(), share=0.5, seed=0))
    assert len(places(marked)) == 30
    changed = marked.copy()
    changed.X[marked.obs["spared"].to_numpy()] += 100
    one, two = (Standardize.fit(d) for d in (marked, changed))
    np.testing.assert_array_equal(one.learned["B0/P0"].centre, two.learned["B0/P0"].centre)


@pytest.mark.parametrize("share", [0.0, 0.25, 0.33, 1.0])
def test_each_plate_spares_its_share_and_a_seed_chooses_which(share: float) -> None:
    data = plates()
    marked = spare_controls(data, share=share, seed=0)
    spared = marked.obs["spared"].to_numpy()
    assert not (spared & ~control_rows(data)).any()
    assert [spared[(data.obs["plate"] == plate).to_numpy()].sum() for plate in ("P0", "P1", "P2")] == [round(20 * share)] * 3
    other = spare_controls(data, share=share, seed=1).obs["spared"].to_numpy()
    assert (spared == other).all() == (share in (0.0, 1.0))
    assert "spared" not in data.obs


def test_the_choice_is_the_order_of_sha256_of_seed_and_well() -> None:
    data = plates(plates=2)
    marked = spare_controls(data, share=0.3, seed=7)
    for plate in ("P0", "P1"):
        own = data.obs[control_rows(data, plate)]
        ordered = sorted(own["well"], key=lambda well: hashlib.sha256(f"7:{well}".encode()).digest())
        assert places(marked) & {(plate, w) for w in own["well"]} == {(plate, w) for w in ordered[:6]}


def test_plates_of_one_layout_spare_the_same_positions() -> None:
    marked = spare_controls(plates(plates=3), share=0.5, seed=3).obs
    of_plate = [set(marked.loc[marked["spared"] & (marked["plate"] == plate), "well"]) for plate in ("P0", "P1", "P2")]
    assert of_plate[0] == of_plate[1] == of_plate[2]
    assert len(of_plate[0]) == 10


def test_auto_spares_half_where_a_plate_has_sixteen_controls() -> None:
    data = plates(plates=2, controls=16)
    fewer = data[[i for i in range(data.n_obs) if i != 40]].copy()  # the first control of the second plate
    assert control_rows(fewer, "P1").sum() == 15
    marked = spare_controls(fewer, share="auto", seed=0).obs
    assert marked.groupby("plate")["spared"].sum().to_dict() == {"P0": 8, "P1": 0}


def test_auto_spares_nothing_without_wells_plates_or_controls() -> None:
    data = plates(controls=16)
    for lacking in (_without(data, "well"), _without(data, "plate"), _without(data, "control_type")):
        assert not spare_controls(lacking, share="auto", seed=0).obs["spared"].any()


def test_a_correction_says_what_it_spares_and_keeps_what_was_spared(capsys: pytest.CaptureFixture[str]) -> None:
    data = plates(plates=2, controls=16)
    chosen = spared.marked(data, share="auto", seed=0)
    assert "spared 16 of 32 negative controls" in capsys.readouterr().out
    assert chosen.obs["spared"].sum() == 16
    assert spared.marked(chosen, share="auto", seed=1) is chosen
    assert spared.marked(chosen, share=0, seed=1) is chosen
    assert spared.marked(chosen, share=0.25, seed=1).obs["spared"].sum() == 8
    assert spared.marked(data, share=0, seed=0) is data
    assert capsys.readouterr().out.startswith("spared 8 of 32 negative controls")  # of the quarter alone
    few = plates(plates=2, controls=15)
    assert spared.marked(few, share="auto", seed=0) is few
    assert "no negative control was spared: no plate has 16 of them" in capsys.readouterr().out
    nameless = _without(few, "control_type")
    assert spared.marked(nameless, share="auto", seed=0) is nameless
    assert capsys.readouterr().out == ""


def test_clipping_and_selecting_learn_nothing_of_a_control() -> None:
    assert not spared.controls_were_learned_from([{"method": "clip"}, {"method": "select"}])
    assert spared.controls_were_learned_from([{"method": "clip"}, {"method": "harmony"}])
    assert not spared.controls_were_learned_from([])
    # Nobody knows what a method learned whose package is not here.
    assert spared.controls_were_learned_from([{"method": "clip"}, {"method": "of another package"}])
    assert spared.controls_were_learned_from([{}])


def test_two_plates_of_one_name_spare_their_share_each_and_sites_of_a_well_stay_together() -> None:
    data = plates(plates=2, controls=10)
    data.obs["plate"] = "same barcode"  # in batches B0 and B1
    marked = spare_controls(data[20:].copy(), share=0.5, seed=0)  # the first batch keeps no controls at all
    assert marked.obs.groupby("batch")["spared"].sum().to_dict() == {"B0": 0, "B1": 5}
    sites = anndata.concat([data, data, data], index_unique="-")
    marked = spare_controls(sites, share=0.5, seed=0).obs
    assert set(marked.groupby(["batch", "well"], observed=True)["spared"].sum()) == {0, 3}
    assert marked["spared"].sum() == 3 * 10


def test_the_share_is_of_wells_whatever_number_of_sites_they_have() -> None:
    data = plates(plates=1, controls=10)
    once = spare_controls(data, share=0.5, seed=0)
    chosen = np.flatnonzero(once.obs["spared"])
    sites = anndata.concat([data, *([data[chosen[:1]]] * 6)], index_unique="-")
    again = spare_controls(sites, share=0.5, seed=0)
    assert places(again) == places(once)
    assert again.obs["spared"].sum() == 5 + 6


def test_shares_beyond_one_and_tables_without_controls_are_sentences() -> None:
    with pytest.raises(InputError, match=r"spare is 1.5; it is a share of the negative controls, from 0 to 1"):
        spare_controls(plates(), share=1.5, seed=0)
    data = plates()
    data.obs["control_type"] = "trt"
    with pytest.raises(InputError, match="sparing controls needs negative controls, and none is marked"):
        spare_controls(data, share=0.5, seed=0)
    with pytest.raises(InputError, match="sparing controls needs the column 'well'"):
        spare_controls(_without(data, "well"), share=0.5, seed=0)


def _without(data: anndata.AnnData, column: str) -> anndata.AnnData:
    return anndata.AnnData(X=data.X, obs=data.obs.drop(columns=column), var=data.var)
