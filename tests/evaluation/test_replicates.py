"""Replicate detection: the definition, copairs, calibration of the p-value, and the traps."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from tests.evaluation.naive import deleted, permuted
from tests.evaluation.rows import rows, rows_and_details

from impasto import profiles as tables
from impasto import ranking
from impasto.evaluation import layout, permutation, replicate_scores, replicates
from impasto.evaluation.tidy import Score
from impasto.schema import InputError
from impasto.statistics import jackknife


def plates(
    *,
    compounds: int = 12,
    plates: int = 3,
    controls: int | list[int] = 8,
    width: int = 10,
    signal: float = 0.0,
    seed: int = 0,
    fixed: bool = True,
) -> anndata.AnnData:
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(compounds, width))
    rows, values = [], []
    for plate in range(plates):
        many = controls if isinstance(controls, int) else controls[plate]
        places = np.arange(compounds) if fixed else rng.permutation(compounds)
        for c in range(compounds):
            rows.append(
                {
                    "plate": f"P{plate}",
                    "batch": f"B{plate % 2}",
                    "well": f"{chr(65 + places[c] // 12)}{places[c] % 12 + 1:02d}",
                    "perturbation": f"c{c}",
                    "control_type": "trt",
                }
            )
            values.append(signal * centres[c] + rng.normal(size=width))
        for k in range(many):
            rows.append(
                {
                    "plate": f"P{plate}",
                    "batch": f"B{plate % 2}",
                    "well": f"H{k % 12 + 1:02d}",
                    "perturbation": "DMSO",
                    "control_type": "negcon",
                }
            )
            values.append(rng.normal(size=width))
    return anndata.AnnData(X=np.array(values, dtype=np.float32), obs=pd.DataFrame(rows).rename(index=str))


def naive(data: anndata.AnnData, *, level: str = "any") -> dict[str, float]:
    """Mean AP of each perturbation against its plate's controls, one pair at a time in float64."""
    x = data.X.astype(np.float64)
    x = x / np.sqrt((x**2).sum(axis=1))[:, None]
    obs = data.obs.reset_index(drop=True)
    per: dict[str, list[float]] = {}
    for i, row in obs.iterrows():
        if row.control_type == "negcon":
            continue
        different = {"any": None, "batch": "batch", "position": "well"}[level]
        positives = [
            j
            for j, o in obs.iterrows()
            if j != i and o.perturbation == row.perturbation and (different is None or o[different] != row[different])
        ]
        negatives = [j for j, o in obs.iterrows() if o.control_type == "negcon" and o.plate == row.plate]
        if not positives:
            continue
        ranked = sorted([(float(x[i] @ x[j]), 1) for j in positives] + [(float(x[i] @ x[j]), 0) for j in negatives], reverse=True)
        hits, total = 0, 0.0
        for place, (_, good) in enumerate(ranked, start=1):
            if good:
                hits += 1
                total += hits / place
        per.setdefault(row.perturbation, []).append(total / len(positives))
    return {name: float(np.mean(v)) for name, v in per.items()}


@pytest.mark.parametrize("level", ["any", "batch", "position"])
def test_it_is_the_naive_loop(level: str) -> None:
    data = plates(signal=0.7, fixed=level != "position")
    detail = replicates.evaluate(data, level=level, draws=20).details()
    found = detail["per_group"].set_index("perturbation")["mean_average_precision"].to_dict()
    expected = naive(data, level=level)
    assert found.keys() == expected.keys()
    for name, score in expected.items():
        assert found[name] == pytest.approx(score, abs=1e-6)


def test_it_agrees_with_copairs() -> None:
    from copairs.map import average_precision

    data = plates(signal=0.7, compounds=20)
    meta = data.obs.reset_index(drop=True).assign(negcon=(data.obs["control_type"] == "negcon").to_numpy())
    meta["reference"] = np.where(meta["negcon"], meta.index, -1)
    theirs = average_precision(
        meta,
        data.X,
        pos_sameby=["perturbation", "reference"],
        pos_diffby=[],
        neg_sameby=["plate"],
        neg_diffby=["perturbation", "reference"],
    )
    where = replicates.layout(data.obs, level="any")
    mine = replicates.average_precisions(replicates.ranking.unit(data.X), where, protocol="plate-controls")
    theirs = theirs[~theirs["negcon"]]
    # copairs ranks against every other perturbation of the plate with this call; ours is named plate-others plus controls.
    assert len(theirs) == len(mine)
    only_controls = average_precision(
        meta.assign(kind=np.where(meta["negcon"], "control", "treated")),
        data.X,
        pos_sameby=["perturbation", "reference"],
        pos_diffby=[],
        neg_sameby=["plate"],
        neg_diffby=["kind"],
    )
    only_controls = only_controls[~only_controls["negcon"]]
    np.testing.assert_allclose(mine["average_precision"].to_numpy(), only_controls["average_precision"].to_numpy(), atol=1e-6)


@pytest.mark.parametrize("protocol", ["plate-others", "all-others"])
def test_other_perturbations_as_negatives_agree_with_copairs(protocol: str) -> None:
    from copairs.map import average_precision

    data = plates(signal=0.7, compounds=20, plates=4)
    data = data[(data.obs["control_type"] == "trt").to_numpy()].copy()
    same = ["plate"] if protocol == "plate-others" else []
    rules = {"pos_sameby": ["perturbation"], "pos_diffby": [], "neg_sameby": same, "neg_diffby": ["perturbation"]}
    theirs = average_precision(data.obs.reset_index(drop=True), data.X, **rules, progress_bar=False)
    mine = replicates.average_precisions(ranking.unit(data.X), layout.layout(data.obs, level="any"), protocol=protocol)
    np.testing.assert_allclose(mine["average_precision"], theirs["average_precision"], atol=1e-9)
    np.testing.assert_array_equal(mine["positives"] + mine["negatives"], theirs["n_total_pairs"])


def test_pairs_in_parts_are_the_same_pairs() -> None:
    data = plates(compounds=7, plates=5)
    where, vectors = layout.layout(data.obs, level="any"), ranking.unit(data.X)
    (whole,) = layout.together(vectors, where)
    parts = list(layout.together(vectors, where, limit=8))
    assert len(parts) > 10
    for name in ("query", "partner"):
        np.testing.assert_array_equal(np.concatenate([getattr(p, name) for p in parts]), getattr(whole, name))
    np.testing.assert_allclose(np.concatenate([p.similarity for p in parts]), whole.similarity, atol=1e-6)
    expected = np.einsum("ij,ij->i", vectors[whole.query], vectors[whole.partner])
    np.testing.assert_allclose(whole.similarity, expected, atol=1e-6)
    assert len(whole.query) == 7 * 5 * 5


def test_profiles_that_are_all_the_same_score_as_chance() -> None:
    data = plates(compounds=30, plates=4, controls=30)
    data.X[:] = np.random.default_rng(0).normal(size=10)
    detail = replicates.average_precisions(ranking.unit(data.X), layout.layout(data.obs, level="any"), protocol="plate-controls")
    assert detail["average_precision"].to_numpy() == pytest.approx(np.mean([k / (k + 15) for k in (1, 2, 3)]))


def test_a_query_is_never_in_its_own_ranking() -> None:
    """On pure noise the score is chance; counting the query itself would lift it far above."""
    data = plates(compounds=60, plates=2, controls=16, seed=3)
    scores = rows(replicates.evaluate(data, draws=20, with_baselines=False))
    found = scores[0]
    assert found.low is not None
    assert found.high is not None
    assert found.chance is not None
    assert found.low - 0.05 < found.chance < found.high + 0.05


def test_signal_beats_shuffled_labels_and_position_is_perfect_where_wells_are_kept() -> None:
    scores = rows(replicates.evaluate(plates(signal=1.5, compounds=24), draws=20))
    by_group = {s.group: s.value for s in scores if s.metric == "mAP"}
    assert by_group["profiles"] > by_group["shuffled labels"] + 0.2
    assert by_group["position only"] == pytest.approx(1.0)
    assert "cell count only" not in by_group  # there is none in this table


def test_position_says_nothing_at_the_level_of_other_positions() -> None:
    data = plates(signal=1.5, compounds=60, plates=4, fixed=False)
    scores = rows(replicates.evaluate(data, protocol="plate-others", level="position"))
    by_group = {s.group: s for s in scores if s.metric == "mAP"}
    assert by_group["position only"].value < by_group["position only"].chance + 0.1  # type: ignore[operator]
    assert by_group["profiles"].value > 0.5


def test_permuting_rows_changes_nothing() -> None:
    data = plates(signal=0.7)
    order = np.random.default_rng(0).permutation(data.n_obs)
    one = replicates.evaluate(data, draws=20).per_group["mean_average_precision"]
    other = replicates.evaluate(data[order].copy(), draws=20).per_group["mean_average_precision"]
    np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("level", ["any", "batch"])
@pytest.mark.parametrize("controls", [8, [4, 16, 8]], ids=["equal", "unequal"])
def test_the_p_value_is_calibrated_on_noise(controls: int | list[int], level: str) -> None:
    """At each level the share of noise perturbations called is within the binomial error of that level, whatever the layout."""
    p = np.array(
        [
            replicates.evaluate(
                plates(compounds=20, controls=controls, seed=s), level=level, draws=199, seed=s, with_baselines=False
            ).per_group["p_value"]
            for s in range(60)
        ]
    )
    for size in (0.01, 0.05, 0.1):
        # Perturbations of one table share their controls, so tables are what is independent.
        share = (p <= size).mean(axis=1)
        assert abs(share.mean() - size) < 3 * share.std(ddof=1) / np.sqrt(len(share)), size


def test_the_same_seed_gives_the_same_p_values_and_another_seed_others() -> None:
    p = [replicates.evaluate(plates(), draws=50, seed=s, with_baselines=False).per_group["p_value"].to_numpy() for s in (1, 1, 2)]
    np.testing.assert_array_equal(p[0], p[1])
    assert (p[0] != p[2]).any()


def test_the_p_value_has_power() -> None:
    found = replicates.evaluate(plates(signal=2.0, controls=16), draws=199, with_baselines=False).per_group
    assert (found["p_value"] < 0.05).mean() > 0.8


def test_spared_controls_are_the_only_negatives() -> None:
    data = plates(controls=8)
    data.obs["spared"] = (data.obs["control_type"] == "negcon") & data.obs["well"].isin(["H01", "H02", "H03"])
    detail = replicates.evaluate(data, draws=20).per_group
    assert (detail["negatives"] == 3).all()


def test_what_cannot_be_ranked_is_a_sentence() -> None:
    data = plates(plates=1)
    with pytest.raises(InputError, match="none of the 12 treated wells has both a replicate"):
        replicates.evaluate(data)
    with pytest.raises(InputError, match="need the column 'source'"):
        replicates.evaluate(data, level="source")
    broken = plates()
    broken.X[0, 0] = np.nan
    with pytest.raises(InputError, match="missing or infinite"):
        replicates.evaluate(broken)


def test_the_real_plates_give_the_known_figures(shared_data: Path) -> None:
    """copairs 0.5.5 on these plates, clipped at 10: .611 against DMSO of the plate (the folder's README)."""
    data = tables.read(shared_data / "profiles" / "cpjump1_u2os_compound.parquet")
    data.X = np.clip(data.X, -10, 10)
    scores = rows(replicates.evaluate(data, draws=99))
    by_group = {s.group: s.value for s in scores if s.metric == "mAP"}
    assert by_group["profiles"] == pytest.approx(0.611, abs=0.005)
    assert by_group["position only"] > 0.97
    assert by_group["shuffled labels"] < 0.2


def test_all_levels_at_once_are_the_levels_one_by_one_and_what_cannot_be_ranked_is_told() -> None:
    data = _two_positions()
    scores, tables = rows_and_details(replicates.evaluate(data, level="all", draws=20))
    apart = [rows(replicates.evaluate(data, level=level, draws=20)) for level in ("any", "position")]
    assert scores == [score for found in apart for score in found]
    assert set(tables["levels_not_ranked"]["level"]) == {"batch", "source"}
    per = tables["per_group"]
    assert set(per["protocol"]) == {"plate-controls, level=any", "plate-controls, level=position"}
    # The baseline of shuffled labels is scored over the same perturbations as the profiles.
    counts = {s.n for s in scores if s.protocol.endswith("level=position") and s.group in ("profiles", "shuffled labels")}
    assert len(counts) == 1


def _two_positions() -> anndata.AnnData:
    """Two plates; each of four compounds in two wells of each plate."""
    rng = np.random.default_rng(0)
    rows = []
    for plate in ("P", "Q"):
        for well in range(20):
            control = well >= 8
            kind = {"control_type": "negcon" if control else "trt", "perturbation": "DMSO" if control else f"c{well % 4}"}
            rows.append({"plate": plate, "well": f"A{well + 1:02d}", **kind})
    obs = pd.DataFrame(rows).rename(index=str)
    return anndata.AnnData(X=rng.normal(size=(40, 5)).astype(np.float32), obs=obs)


def test_two_names_of_one_compound_stay_two_perturbations_and_are_never_negatives_of_each_other() -> None:
    data = _two_positions()
    keys = {"c0": "AAAA", "c1": "AAAA", "c2": "BBBB", "c3": "CCCC"}
    data.obs["inchikey"] = [keys.get(str(p)) for p in data.obs["perturbation"]]
    result = replicates.evaluate(data, protocol="plate-others", draws=20)
    per = result.per_group.set_index("perturbation")
    assert per.index.tolist() == ["c0", "c1", "c2", "c3"]
    # Eight treated wells a plate, two a compound: c0 has the four wells of c2 and c3 as negatives, c2 the six of c0, c1 and c3.
    assert per["negatives"].to_dict() == {"c0": 4, "c1": 4, "c2": 6, "c3": 6}
    assert (per["positives"] == 3).all()


def test_merging_by_inchikey_is_a_choice_and_says_which_names_it_merged() -> None:
    data = _two_positions()
    keys = {"c0": "AAAA", "c1": "AAAA", "c2": "BBBB", "c3": "CCCC"}
    named_twice, merged = data.copy(), data.copy()
    named_twice.obs["inchikey"] = [keys.get(str(p)) for p in data.obs["perturbation"]]
    merged.obs["perturbation"] = data.obs["perturbation"].astype(str).replace({"c1": "c0"})
    for protocol in ("plate-controls", "plate-others"):
        one = replicates.evaluate(named_twice, protocol=protocol, same_as="inchikey", draws=20)
        assert rows(one) == rows(replicates.evaluate(merged, protocol=protocol, draws=20))
        assert one.tables["merged"].to_dict("records") == [{"perturbation": "c0", "names": "c0, c1"}]
    with pytest.raises(InputError, match="needs the column 'inchikey'"):
        replicates.evaluate(data, same_as="inchikey")


def test_retrieved_are_those_whose_corrected_p_lies_below_a_twentieth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Corrected by four tests: .01 is .04, .02 and .03 are .04, .06 stays .06; then .06 for the other way round."""
    for p, expected in (([0.01, 0.02, 0.03, 0.06], 0.75), ([0.02, 0.03, 0.045, 0.06], 0.0)):
        monkeypatch.setattr(permutation, "p_values", lambda *_, p=p, **__: np.array(p))
        result = replicates.evaluate(_two_positions(), with_baselines=False)
        fraction = result.scores[result.scores["metric"] == "fraction retrieved"].iloc[0]
        assert (fraction["value"], fraction["n"]) == (expected, 4)


def test_between_positions_there_is_no_p_value() -> None:
    """A control that takes a treated well's place stands at a position of its own: the permutation has no meaning there."""
    found = replicates.evaluate(_two_positions(), level="position", draws=9)
    assert "p_value" not in found.per_group
    assert set(found.scores["metric"]) == {"mAP"}
    assert "p_value" not in replicates.evaluate(_two_positions(), protocol="plate-others", draws=9).per_group


def test_labels_are_shuffled_within_each_plate_and_compounds_go_with_them() -> None:
    data = plates(compounds=6, plates=3)
    data.obs["perturbation"] = data.obs["perturbation"].astype(str) + np.where(data.obs["control_type"] == "trt", data.obs["plate"], "")
    where = layout.layout(data.obs, level="any")
    mixed = replicates._shuffled(where, seed=0)
    assert (mixed.perturbation != where.perturbation).any()
    for plate in np.unique(where.plate):
        here = where.plate == plate
        assert sorted(mixed.perturbation[here]) == sorted(where.perturbation[here])
    assert (mixed.perturbation[~where.treated] == where.perturbation[~where.treated]).all()
    pairs = set(zip(where.perturbation, where.compound, strict=True))
    assert set(zip(mixed.perturbation, mixed.compound, strict=True)) == pairs


def test_shuffled_labels_are_scored_over_the_same_perturbations() -> None:
    """Two compounds change places on one plate; the others keep theirs, and have no well at another position."""
    data = plates(compounds=6, plates=3)
    moved = (data.obs["plate"] == "P1").to_numpy() & data.obs["perturbation"].isin(["c0", "c1"]).to_numpy()
    data.obs.loc[moved, "well"] = data.obs.loc[moved, "well"].to_numpy()[::-1]
    scores = rows(replicates.evaluate(data, level="position", draws=9))
    assert {s.group: s.n for s in scores if s.group != "position only"} == {"profiles": 2, "shuffled labels": 2}


def _wells(seed: int = 0, *, signal: float = 0.7, twice: bool = False) -> anndata.AnnData:
    """Two plates of eight perturbations, one at two doses and one in two wells a plate, beside nine and ten controls."""
    rng = np.random.default_rng(seed)
    rows, values = [], []
    for plate, many in (("P", 9), ("Q", 10)):
        names = [*"abcdefgh", "a", "b"]
        for well, name in enumerate([*names, *["DMSO"] * many]):
            dose = np.nan if name == "DMSO" else 10.0 if (name, well) == ("a", 8) else 1.0
            kind = "negcon" if name == "DMSO" else "trt"
            rows.append((plate, f"{'ABC'[well // 12]}{well % 12 + 1:02d}", name, dose, kind))
            values.append(rng.normal(size=5) + (0 if name == "DMSO" else signal * np.eye(8)["abcdefgh".index(name), :5]))
    obs = pd.DataFrame(rows, columns=["plate", "well", "perturbation", "concentration", "control_type"]).rename(index=str)
    x = np.array(values, dtype=np.float32)
    return anndata.AnnData(X=np.round(x) if twice else x, obs=obs)


def _own(data: anndata.AnnData, protocol: str, **settings: object) -> Score:
    given = {"draws": 5, "shuffles": 0, "with_baselines": False, **settings}
    return rows(replicates.evaluate(data, protocol=protocol, **given))[0]  # type: ignore[arg-type]


@pytest.mark.parametrize(("protocol", "ties"), [("plate-others", False), ("plate-others", True), ("all-others", False)])
def test_the_interval_is_that_of_deleted_perturbations(protocol: str, ties: bool) -> None:
    data = _wells(twice=ties)
    unit = [None if name == "DMSO" else name for name in data.obs["perturbation"]]
    expected = jackknife.of_score(deleted(lambda part: _own(part, protocol).value, data, unit), unit="perturbation")
    found = _own(data, protocol)
    assert (found.unit, found.clusters, found.df, found.about) == ("perturbation", 8, 7, "other perturbations")
    assert (found.low, found.high) == (pytest.approx(expected.low, abs=1e-6), pytest.approx(expected.high, abs=1e-6))


@pytest.mark.parametrize("ties", [False, True])
def test_against_controls_perturbations_and_control_wells_are_deleted(ties: bool) -> None:
    data = _wells(twice=ties)
    control = (data.obs["control_type"] == "negcon").to_numpy()

    def value(part: anndata.AnnData) -> float:
        return _own(part, "plate-controls").value

    unit = [None if is_control else str(name) for is_control, name in zip(control, data.obs["perturbation"], strict=True)]
    parts = [deleted(value, data, unit, pairs=False)]
    strata = []
    for plate in ("P", "Q"):
        names = [f"nan|nan|{w}" if c and p == plate else None for c, p, w in zip(control, data.obs["plate"], data.obs["well"], strict=True)]
        strata.append(deleted(value, data, names, pairs=False, most=8))
    expected = jackknife.of_score([*parts, strata], unit="perturbation and control well")
    found = _own(data, "plate-controls")
    assert (found.unit, found.clusters, found.df) == ("perturbation and control well", 8, 7)
    assert (found.low, found.high) == (pytest.approx(expected.low, abs=1e-6), pytest.approx(expected.high, abs=1e-6))
    assert jackknife.variance(strata[0]) > 0


@pytest.mark.parametrize("level", ["any", "position"])
@pytest.mark.parametrize("protocol", ["plate-controls", "plate-others", "all-others"])
def test_shuffled_labels_are_scored_as_a_table_with_those_labels(protocol: str, level: str) -> None:
    data = _wells(seed=3)
    names = data.obs["perturbation"].astype(str).to_numpy()
    where = layout.layout(data.obs, level=level, pool_doses=True)  # type: ignore[arg-type]
    vectors = ranking.unit(data.X)
    detail = replicates.average_precisions(vectors, where, protocol=protocol)  # type: ignore[arg-type]
    scored = replicates.of_detail(detail, vectors, where, data.obs, protocol=protocol, seed=0)  # type: ignore[arg-type]
    shuffled = replicate_scores.Shuffled.of(scored)
    assert shuffled is not None
    treated = np.flatnonzero(where.treated)
    slots = treated[np.argsort(scored.where.order[treated], kind="stable")]
    assert shuffled.score(np.arange(len(slots))) == pytest.approx(scored.value, abs=1e-6)
    rng = np.random.default_rng(1)
    for _ in range(3):
        well = np.concatenate([rng.permutation(np.flatnonzero(shuffled.plate == plate)) for plate in (0, 1)])
        renamed = data.copy()
        new = names.copy()
        new[slots[well]] = names[slots]
        renamed.obs["perturbation"] = new
        again = replicates.evaluate(renamed, protocol=protocol, level=level, pool_doses=True, draws=5, shuffles=0)  # type: ignore[arg-type]
        # Between positions other perturbations may come in: the score stays one over those that were ranked.
        per = again.per_group[again.per_group["perturbation"].isin(scored.perturbations)]
        assert shuffled.score(well) == pytest.approx(per["mean_average_precision"].mean(), abs=1e-6)


def test_chance_among_other_perturbations_is_what_shuffles_score() -> None:
    data = plates(compounds=20, signal=0.0)
    found = _own(data, "plate-others", shuffles=200)
    random = replicates.evaluate(data, protocol="plate-others", draws=5, shuffles=0, with_baselines=False).scores["chance"][0]
    assert found.chance != random
    assert found.chance == pytest.approx(random, abs=0.04)
    assert found.p_chance is not None
    planted = _own(plates(compounds=20, signal=1.5), "plate-others", shuffles=99)
    assert planted.p_chance == pytest.approx(0.01)


def test_rows_in_another_order_give_the_same_replicate_scores() -> None:
    data = _wells(seed=5)
    for protocol in ("plate-controls", "plate-others"):
        first, second = (replicates.evaluate(table, protocol=protocol, draws=5, shuffles=30) for table in (data, permuted(data)))
        # The baseline of shuffled labels is one shuffle of the rows as they stand.
        kept = first.scores["group"] != "shuffled labels"
        pd.testing.assert_frame_equal(first.scores[kept], second.scores[kept])


def test_few_perturbations_or_controls_give_no_interval_and_the_reason() -> None:
    data = _wells()
    few = _own(data[data.obs["perturbation"].isin([*"abcde", "DMSO"])].copy(), "plate-others")
    assert (few.low, few.about) == (None, "5 units (perturbation); 6 are needed")
    alone = data[(data.obs["control_type"] == "trt") | data.obs["well"].isin(["A11"]) & (data.obs["plate"] == "P")].copy()
    one = _own(alone, "plate-controls")
    assert one.low is None
    assert "1 units (perturbation and control well)" in one.about


def test_a_large_table_gets_the_t_interval_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replicate_scores, "MOST_COMPARED", 0)
    monkeypatch.setattr(replicate_scores, "MOST_SHUFFLED", 0)
    found = _own(_wells(), "plate-others", shuffles=9)
    assert (found.interval, found.p_chance) == ("t over perturbations", None)
    assert found.low is not None
