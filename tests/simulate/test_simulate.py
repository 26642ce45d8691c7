"""Simulated plates: the same bytes for a seed, a truth that can be found again, laws that differ, links that can be cut."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest

from impasto import runs
from impasto.evaluation import replicates
from impasto.schema import InputError
from impasto.simulate import layout, lines, optics, paint, plates, profiles
from impasto.simulate import plan as plans
from impasto.simulate.plan import LAWS, Plan

SMALL = Plan(batches=1, plates=1, perturbations=8, mechanisms=4, controls=4, pixels=64, cells=6)


def test_a_seed_is_the_same_bytes_and_another_is_not(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        plates.write(SMALL, tmp_path / name, seed=seed)
    assert runs.digest(tmp_path / "a") == runs.digest(tmp_path / "b") != runs.digest(tmp_path / "c")
    assert "simulated" in (tmp_path / "a" / "README.txt").read_text()
    assert len(list((tmp_path / "a" / "images").rglob("*.tiff"))) == 12 * 5


def test_the_truth_can_be_found_again_and_shuffled_labels_cannot() -> None:
    found, truth = profiles.simulate(Plan(perturbations=24), seed=0)
    scores = replicates.evaluate(found, draws=20).scores
    by_group = {s.group: s.value for s in scores.itertuples() if s.metric == "mAP"}
    assert by_group["profiles"] > by_group["shuffled labels"] + 0.2
    assert by_group["position only"] < by_group["profiles"]
    assert truth["mechanism"].nunique() == 8


def test_without_strength_there_is_nothing_to_find() -> None:
    found, _ = profiles.simulate(Plan(perturbations=24, strength=0.0, count_effect=0.0), seed=0)
    scores = replicates.evaluate(found, draws=20).scores
    by_group = {s.group: s for s in scores.itertuples() if s.metric == "mAP"}
    assert abs(by_group["profiles"].value - by_group["shuffled labels"].value) < 0.1


def test_several_laws_are_drawn() -> None:
    drawn = {law for seed in range(6) for law in plans.truth(Plan(), seed=seed).perturbations["law"]}
    assert drawn == set(LAWS)
    assert all(law(0.0) == 0.0 for law in LAWS.values())


def test_scaffolds_follow_the_mechanism_unless_the_links_are_shuffled() -> None:
    from rdkit import Chem
    from rdkit.Chem.Scaffolds import MurckoScaffold

    def share(plan: Plan) -> float:
        rows = plans.truth(plan, seed=0).perturbations
        cores = rows["smiles"].map(lambda s: Chem.MolToSmiles(MurckoScaffold.GetScaffoldForMol(Chem.MolFromSmiles(s))))
        assert rows["smiles"].is_unique
        return float(rows.assign(core=cores).groupby("core")["mechanism"].nunique().eq(1).mean())

    assert share(Plan()) == 1.0
    assert share(Plan(links="shuffled")) < 0.5


def test_fixed_layouts_keep_wells_and_scrambled_ones_do_not() -> None:
    for kind, kept in (("fixed", 1), ("scrambled", 4)):
        where = layout.wells(Plan(layout=kind), plans.truth(Plan(), seed=0), seed=0)  # type: ignore[arg-type]
        assert where[where["number"] == 0]["well"].nunique() == kept


def test_plans_that_cannot_be_are_sentences() -> None:
    with pytest.raises(InputError, match="mechanisms is 99; allowed: 1 to 12"):
        plans.truth(Plan(mechanisms=99), seed=0)
    with pytest.raises(InputError, match="do not fit on 1,536"):
        layout.wells(Plan(perturbations=2000), plans.truth(Plan(), seed=0), seed=0)
    with pytest.raises(InputError, match=r"unknown key 'plats' \(did you mean 'plates'\?\)"):
        Plan.read({"plats": 2}, where="the plan")


def test_painted_cells_move_as_the_mechanism_says() -> None:
    lamp = np.ones((5, 96, 96), dtype=np.float32)

    def light(index: int, value: float, channel: int) -> float:
        properties = np.zeros(len(plans.PROPERTIES))
        properties[index] = value
        return float(
            np.mean([paint.site(properties, cells=8, pixels=96, lamp=lamp, rng=np.random.default_rng(s))[channel].mean() for s in range(4)])
        )

    for name, channel in (("nucleus size", 0), ("nucleus light", 0), ("ER light", 1), ("mito light", 4)):
        index = plans.PROPERTIES.index(name)
        assert light(index, 3.0, channel) > 1.05 * light(index, -3.0, channel)


LINES = Plan(cell_lines=3, batches=2, plates=1, perturbations=24, mechanisms=6, kind="crispr", own=0.5, noise=0.3)


def test_lines_stand_on_plates_of_their_own_and_look_and_answer_differently() -> None:
    found, _ = profiles.simulate(LINES, seed=0)
    obs = found.obs
    assert obs.groupby("plate", observed=True)["cell_line"].nunique().max() == 1
    assert obs.groupby("batch", observed=True)["cell_line"].nunique().tolist() == [3, 3]
    known = lines.lines(LINES, seed=0)
    assert known.rest.std() > 0.3
    assert known.answer.std() > 0.1
    one = lines.lines(Plan(), seed=0)
    assert not one.rest.any()
    assert (one.answer == 1).all()


def test_expression_says_how_a_line_looks_and_answers() -> None:
    """The planted link: lines whose log expression is alike are alike at rest, beyond lines dealt anew."""
    known = lines.lines(LINES.model_copy(update={"cell_lines": 40}), seed=0)
    counts = known.expression.drop(columns="cell_line").to_numpy(dtype=float)
    logged = np.log1p(counts / counts.sum(axis=1, keepdims=True) * 1e4)
    upper = np.triu_indices(40, 1)
    looks = np.corrcoef(known.rest)[upper]
    own = np.corrcoef(np.corrcoef(logged - logged.mean(axis=0))[upper], looks)[0, 1]
    dealt = np.corrcoef(np.corrcoef(logged - logged.mean(axis=0))[np.random.default_rng(0).permutation(40)][:, ::-1][upper], looks)[0, 1]
    assert own > 0.4 > dealt


def test_relations_hold_within_mechanisms_and_fall_with_shuffled_links(tmp_path: Path) -> None:
    plates.write(LINES, tmp_path / "a", seed=0, images=False)
    assert len(pd.read_csv(tmp_path / "a" / "expression.csv")) == 40

    def share(plan: Plan) -> float:
        known = plans.truth(plan, seed=0)
        mechanism = known.perturbations.set_index("gene")["mechanism"]
        pairs = lines.relations(known, seed=0)
        return float((pairs["gene1"].map(mechanism) == pairs["gene2"].map(mechanism)).mean())

    assert share(LINES) > 0.8
    assert share(LINES.model_copy(update={"links": "shuffled"})) < 0.4
    pairs = pd.read_csv(tmp_path / "a" / "relations_pairs.csv")
    assert (pairs["gene1"] < pairs["gene2"]).all()
    assert pairs["combined_score"].between(200, 999).all()


def test_a_perturbation_may_go_its_own_way() -> None:
    shared, own = (plans.truth(LINES.model_copy(update={"own": own}), seed=0) for own in (0.0, 0.5))
    assert np.allclose(shared.directions, own.directions)
    assert not shared.private.any()
    np.testing.assert_allclose(np.linalg.norm(own.private, axis=1), 1.5)


BENT = SMALL.model_copy(update={"batches": 3, "plates": 2, "batch_optics": 1.0, "plate_optics": 0.3, "well_optics": 0.1})


def test_optics_differ_most_between_batches_and_least_between_wells() -> None:
    where = layout.wells(BENT, plans.truth(BENT, seed=0), seed=0)
    found = optics.of_wells(BENT, where, stains=5, seed=0)
    assert found is not None
    logged = np.log([[*look.background, *look.response, look.grain] for look in found])
    frame = pd.DataFrame(logged / logged.std(axis=0)).assign(batch=where["batch"], plate=where["plate"])
    columns = list(range(logged.shape[1]))
    between_batches = frame.groupby("batch")[columns].mean().std().mean()
    between_plates = frame.groupby("plate")[columns].mean() - frame.groupby("plate")[columns].mean().groupby(lambda p: p[:4]).transform(
        "mean"
    )
    within = frame[columns] - frame.groupby("plate")[columns].transform("mean")
    assert between_batches > between_plates.std().mean() > within.std().mean() > 0
    assert optics.of_wells(SMALL, where, stains=5, seed=0) is None


def test_the_light_of_a_well_is_the_bent_blurred_and_sloping_light_of_its_cells() -> None:
    """Written out pixel by pixel, with a blur of its own."""
    rng = np.random.default_rng(0)
    planes = rng.uniform(-0.1, 1.5, (2, 9, 9)).astype(np.float32)
    look = optics.Optics(2.0, 1.0, np.array([0.3, -2.0], np.float32), np.array([0.1, 0.2], np.float32), np.array([0.5, 1.5], np.float32))
    found = look.seen(planes, scale=0.25)
    weights = np.exp(-0.5 * (np.arange(-2, 3) / 0.5) ** 2)
    weights /= weights.sum()
    for stain, y, x in ((0, 4, 4), (1, 2, 6), (1, 5, 3)):
        bent = np.maximum(planes[stain].astype(float), 0) ** look.response[stain]
        window = bent[y - 2 : y + 3, x - 2 : x + 3]
        light = max(0.1, 1 + 0.3 * (y / 4 - 1) - 2.0 * (x / 4 - 1))
        assert found[stain, y, x] == pytest.approx((weights @ window @ weights + look.background[stain]) * light, rel=1e-5)


def test_optics_are_no_shift_of_the_pixels() -> None:
    """The difference that a batch makes depends on the cell: on dim and bright cells it is not the same."""
    lamp = np.ones((5, 64, 64), dtype=np.float32)
    where = layout.wells(BENT, plans.truth(BENT, seed=0), seed=0)
    looks = optics.of_wells(BENT, where, stains=5, seed=0)
    assert looks is not None

    def light(value: float, look: optics.Optics | None) -> float:
        properties = np.full(len(plans.PROPERTIES), value)
        return float(paint.site(properties, cells=6, pixels=64, lamp=lamp, rng=np.random.default_rng(0), optics=look)[1].mean())

    dim, bright = (light(value, looks[0]) - light(value, None) for value in (-3.0, 3.0))
    assert abs(dim - bright) > 0.1 * abs(dim)


def test_a_perturbation_may_stand_in_some_batches_only() -> None:
    plan = Plan(batches=6, plates=2, batches_each=2, perturbations=24, mechanisms=4, controls=5)
    known = plans.truth(plan, seed=0)
    where = layout.wells(plan, known, seed=0)
    treated = where[where["number"] >= 0]
    assert (treated.groupby("number")["batch"].nunique() == 2).all()
    assert (treated.groupby("number").size() == 4).all()
    assert (where[where["number"] < 0].groupby("plate").size() == 5).all()
    assert treated["batch"].nunique() == 6
    whole = layout.wells(plan.model_copy(update={"batches_each": None}), known, seed=0)
    kept = whole.merge(where[["plate", "well"]])
    pd.testing.assert_frame_equal(kept[list(where)], where)
    with pytest.raises(InputError, match="batches_each is 7; allowed: 1 to 6"):
        layout.wells(plan.model_copy(update={"batches_each": 7}), known, seed=0)


def test_larger_cells_cover_more_of_a_site() -> None:
    lamp = np.ones((5, 96, 96), dtype=np.float32)

    def light(magnification: float) -> float:
        drawn = [
            paint.site(np.zeros(10), cells=3, pixels=96, lamp=lamp, rng=np.random.default_rng(s), magnification=magnification)
            for s in range(6)
        ]
        return float(np.mean([site[0].astype(float) - 400 for site in drawn]))

    assert 2 < light(2.0) / light(1.0) < 5


def test_knock_outs_need_no_scaffolds() -> None:
    plan = Plan(kind="crispr", perturbations=40, mechanisms=20)
    known = plans.truth(plan, seed=0).perturbations
    assert known["mechanism"].nunique() == 20
    assert known["gene"].is_unique


def test_a_repeat_does_the_same_to_other_cells_of_other_batches(tmp_path: Path) -> None:
    plan = Plan(perturbations=24, batches=4, strength=3.0)
    (first, truth), (second, same) = (profiles.simulate(plan.model_copy(update={"repeat": r}), seed=0) for r in (0, 1))
    pd.testing.assert_frame_equal(truth, same)
    assert not np.array_equal(first.obs["well"], second.obs["well"])

    def means(found: anndata.AnnData, by: str) -> np.ndarray:
        frame = pd.DataFrame(found.X).groupby(found.obs[by].to_numpy()).mean()
        return (frame - frame.mean()).to_numpy().ravel()

    assert np.corrcoef(means(first, "perturbation"), means(second, "perturbation"))[0, 1] > 0.9
    assert abs(np.corrcoef(means(first, "batch"), means(second, "batch"))[0, 1]) < 0.5
    small = SMALL.model_copy(update={"repeat": 1})
    for name, plan in (("first", SMALL), ("second", small)):
        plates.write(plan, tmp_path / name, seed=0)
    for name, alike in (("truth.parquet", True), ("relations_pairs.csv", True), ("platemap.csv", False)):
        assert (runs.digest(tmp_path / "first" / name) == runs.digest(tmp_path / "second" / name)) == alike
