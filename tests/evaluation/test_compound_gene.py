"""Compound-gene against loops and scikit-learn, on planted targets and on noise."""

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score
from tests.evaluation.naive import permuted
from tests.evaluation.rows import rows, rows_and_details
from tests.evaluation.small import precision

from impasto.evaluation import compound_gene, compound_gene_scores
from impasto.evaluation.compound_gene import evaluate
from impasto.evaluation.compound_gene_draws import draw
from impasto.evaluation.units import named
from impasto.schema import InputError
from impasto.statistics import jackknife


def _profiles(seed: int, strength: float, sign: int = 1) -> anndata.AnnData:
    rng = np.random.default_rng(seed)
    direction = rng.normal(size=(30, 25))
    rows, values = [], []
    for gene in range(30):
        for _ in range(4):
            rows.append((f"G{gene:02d}", "crispr", f"G{gene:02d}", pd.NA, np.nan))
            values.append(2 * direction[gene] + rng.normal(size=25))
        for dose in (0.1, 10.0):
            for _ in range(2):
                rows.append((f"C{gene:02d}", "compound", f"G{gene:02d}", f"G{gene:02d}", dose))
                values.append(sign * strength * dose / 10 * direction[gene] + rng.normal(size=25))
    obs = pd.DataFrame(rows, columns=["perturbation", "perturbation_type", "gene", "targets", "concentration"]).rename(index=str)
    return anndata.AnnData(X=np.array(values, dtype=np.float32), obs=obs)


def _value(scores: list, metric: str, dose: str, group: str = "profiles") -> float:
    return next(s.value for s in scores if s.metric == metric and s.protocol.endswith(f"concentration={dose}") and s.group == group)


def test_area_under_the_curve_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    positives, negatives = rng.integers(0, 5, (6, 3)).astype(float), rng.integers(0, 5, (6, 9)).astype(float)
    theirs = [roc_auc_score([1] * 3 + [0] * 9, np.concatenate([p, q])) for p, q in zip(positives, negatives, strict=True)]
    np.testing.assert_allclose(compound_gene_scores.area_under_curve(positives, negatives), theirs)


def test_targets_are_found_at_the_high_dose_and_not_at_the_low_one() -> None:
    scores, details = rows_and_details(evaluate(_profiles(0, strength=3), seeds=20))
    assert _value(scores, "AUC", "10") > 0.95
    assert _value(scores, "AUC", "maximum") == _value(scores, "AUC", "10")
    assert abs(_value(scores, "AUC", "0.1") - 0.5) < 0.2
    assert _value(scores, "AP z", "10") > 1
    assert (details["per_group"]["negatives"] == 20).all()


def test_an_inhibitor_opposite_to_its_target_needs_the_absolute_cosine() -> None:
    profiles = _profiles(1, strength=3, sign=-1)
    assert _value(rows(evaluate(profiles, seeds=20)), "AUC", "10") > 0.9
    assert _value(rows(evaluate(profiles, seeds=20, protocol="signed")), "AUC", "10") < 0.1


def _published(seed: int, path: Path) -> anndata.AnnData:
    """RxRx3-core in small: 45 genes, 14 compounds at three doses, one profile each; a truth table with activities from .2 to 50."""
    rng = np.random.default_rng(seed)
    genes = rng.normal(size=(45, 12)) + rng.normal(size=12)
    obs, values, truth = [], [], ["compound,gene,activity"]
    for g in range(45):
        obs.append((f"G{g:02d}", "crispr", f"G{g:02d}", np.nan))
        values.append(genes[g])
    for c in range(14):
        # The last has so many targets that there are too few others; compound 3 has none at or below 1; compound 4 one of no number.
        active = rng.choice(45, 16 if c == 13 else rng.integers(1, 4), replace=False)
        for place, g in enumerate(active):
            truth.append(f"C{c:02d},G{g:02d},{2 if c == 3 else (0.2, 1.0, 0.7)[place % 3]}")
        for place, g in enumerate(rng.choice(45, 6, replace=False)):
            truth.append(f"C{c:02d},G{g:02d},{(1.01, 10, 10.01, 50, 5, '')[place]}")
        for dose in (0.1, 1.0, 10.0):
            obs.append((f"C{c:02d}", "compound", "", dose))
            values.append(genes[active].mean(axis=0) * dose**0.3 * rng.choice([-1, 1]) + rng.normal(size=12))
    path.write_text("\n".join(truth))
    frame = pd.DataFrame(obs, columns=["perturbation", "perturbation_type", "gene", "concentration"]).rename(index=str)
    return anndata.AnnData(X=np.array(values, dtype=np.float32), obs=frame)


def _benchmark(profiles: anndata.AnnData, path: Path, *, seeds: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """EFAAR's steps in float64, one compound and seed at a time: reading -> AUC and AP (compounds, seeds)."""
    truth = pd.read_csv(path)
    x = profiles.X.astype(np.float64)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    obs = profiles.obs.reset_index(drop=True)
    gene_row = {obs.loc[i, "gene"]: i for i in obs.index if obs.loc[i, "perturbation_type"] == "crispr"}
    found: dict[str, list[list[tuple[float, float]]]] = {}
    for name in sorted(set(obs.loc[obs["perturbation_type"] == "compound", "perturbation"])):
        of = truth[truth["compound"] == name]
        actives = sorted(set(of.loc[of["activity"] <= 1, "gene"]))
        between = set(of.loc[((of["activity"] > 1) & (of["activity"] <= 10)) | of["activity"].isna(), "gene"])
        eligible = sorted(set(truth["gene"]) - set(actives) - between)
        many = max(2 * len(actives), 20)
        if not actives or len(eligible) < many:
            continue
        per: dict[str, list[tuple[float, float]]] = {}
        for seed in range(seeds):
            drawn = list(np.random.default_rng(seed).choice(eligible, many, replace=False))
            by_dose = {}
            for dose in (0.1, 1.0, 10.0):
                row = obs.index[(obs["perturbation"] == name) & (obs["concentration"] == dose)][0]
                by_dose[dose] = np.array([abs(float(x[row] @ x[gene_row[g]])) for g in [*actives, *drawn]])
            views = {f"{dose:g}": score for dose, score in by_dose.items()}
            views |= {"highest": by_dose[10.0], "maximum": np.max(list(by_dose.values()), axis=0)}
            labels = [1] * len(actives) + [0] * many
            for view, score in views.items():
                ap = precision(score[: len(actives)].tolist(), score[len(actives) :].tolist())
                per.setdefault(view, []).append((float(roc_auc_score(labels, score)), ap))
        for view, scores in per.items():
            found.setdefault(view, []).append(scores)
    return {view: (np.array(scores)[:, :, 0], np.array(scores)[:, :, 1]) for view, scores in found.items()}


@pytest.mark.parametrize("protocol", ["rxrx3-core", "cwa-msn"])
def test_the_benchmark_of_rxrx3_core_one_compound_and_seed_at_a_time(protocol: str, tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    profiles = _published(0, path)
    result = evaluate(profiles, truth=path, seeds=7, protocol=protocol)
    scores, detail = rows_and_details(result)
    expected = _benchmark(profiles, path, seeds=7)
    axis = 0 if protocol == "rxrx3-core" else 1
    for view, both in expected.items():
        for metric, each in zip(("AUC", "AP"), both, strict=True):
            assert len(each) == 12
            assert _value(scores, metric, view) == pytest.approx(each.mean(), abs=1e-6)
            assert _value(scores, f"{metric} sd", view) == pytest.approx(each.mean(axis=axis).std(), abs=1e-6)
    over = {s.metric: (s.unit, s.clusters) for s in scores if s.group == "profiles" and s.protocol.endswith("concentration=10")}
    assert over["AP sd"] == (("seed", 7) if protocol == "rxrx3-core" else ("compound", 12))
    assert expected["maximum"][1].mean() != pytest.approx(expected["highest"][1].mean(), abs=1e-3)
    # z from what is printed: the sd of random scores stands as the chance of the sd, their mean in the detail.
    per = detail["per_group"].query("concentration == 10")
    for metric in ("AUC", "AP"):
        sd = next(s for s in scores if s.metric == f"{metric} sd" and s.protocol.endswith("concentration=10"))
        z = (per[metric].mean() - per[f"random_{metric}"].mean()) / np.sqrt(sd.value**2 + sd.chance**2)
        assert _value(scores, f"{metric} z", "10") == pytest.approx(z)
    listing = detail["compounds"].set_index("compound")
    assert listing.index[~listing["scored"]].tolist() == ["C03", "C13"]
    truth = pd.read_csv(path).query("compound == 'C05'")
    actives = set(truth.loc[truth["activity"] <= 1, "gene"])
    left = set(truth.loc[((truth["activity"] > 1) & (truth["activity"] <= 10)) | truth["activity"].isna(), "gene"]) - actives
    assert listing.loc["C05", ["targets", "left out"]].tolist() == [len(actives), len(left)]


def test_random_scores_are_uniform_numbers_of_their_own_seed() -> None:
    made = _drawn(30, {"G04", "G07"}, set(), protocol="rxrx3-core")
    assert made is not None
    noise = np.random.default_rng((0, 0)).random((4, 22))
    expected = [precision(noise[s, :2].tolist(), noise[s, 2:].tolist()) for s in range(4)]
    random = made.scores(np.ones(30, dtype=bool), seeds=4, random=True)
    assert random is not None
    np.testing.assert_allclose(random["AP"], expected)


def test_a_truth_table_leaves_weak_activities_out(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_text("compound,gene,activity\n" + "".join(f"C{i:02d},G{i:02d},0.5\nC{i:02d},G{(i + 1) % 30:02d},5\n" for i in range(30)))
    profiles = _profiles(3, strength=3)
    profiles.obs["targets"] = pd.NA
    details = evaluate(profiles, truth=str(path), seeds=5).details()
    assert (details["per_group"]["targets"] == 1).all()
    # 30 genes, one active and one neither: 28 are left to draw the 20 from.
    positive, excluded = compound_gene._truth(profiles.obs, str(path))
    assert positive["C03"] == {"G03"}
    assert excluded["C03"] == {"G04"}


def test_genes_alone_are_refused() -> None:
    profiles = _profiles(0, 1)
    with pytest.raises(InputError, match="both compounds and genes"):
        evaluate(profiles[profiles.obs["perturbation_type"] == "crispr"].copy())


def test_activities_up_to_one_are_active_and_those_up_to_ten_left_out(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_text("compound,gene,activity\nC00,G00,1\nC00,G01,1.01\nC00,G02,10\nC00,G03,10.1\nC00,g 04,0.1\n")
    positive, excluded = compound_gene._truth(_profiles(0, 1).obs, str(path))
    assert positive == {"C00": {"G00", "G04"}}
    assert excluded == {"C00": {"G01", "G02"}}
    path.write_text("compound,gene\nC00,G00\n")
    assert compound_gene._truth(_profiles(0, 1).obs, str(path)) == ({"C00": {"G00"}}, {})


def test_a_compound_bought_twice_goes_by_one_name_in_the_truth(tmp_path: Path) -> None:
    profiles = _profiles(0, 1)
    profiles.obs["inchikey"] = profiles.obs["perturbation"].map({"C00": "KEY", "C05": "KEY"})
    path = tmp_path / "truth.csv"
    path.write_text("compound,gene\nC05,G01\nC00,G02\n")
    assert compound_gene._truth(profiles.obs, str(path))[0] == {"C00": {"G01", "G02"}}
    frame, codes = compound_gene._compounds(profiles.obs)
    assert "C05" not in set(frame["compound"])
    assert (codes == frame.index[(frame["compound"] == "C00") & (frame["concentration"] == 10)][0]).sum() == 4


@pytest.mark.parametrize(
    ("protocol", "targets", "genes", "negatives"), [("rxrx3-core", 1, 30, 20), ("rxrx3-core", 12, 60, 24), ("signed", 2, 15, 13)]
)
def test_negatives_are_twice_the_targets_and_at_least_twenty(protocol: str, targets: int, genes: int, negatives: int) -> None:
    made = _drawn(genes, {f"G{i:02d}" for i in range(targets)}, set(), protocol=protocol)
    assert made is not None
    assert made.drawn.size(np.ones(genes, dtype=bool)) == (targets, negatives)


def test_a_compound_with_too_few_genes_to_draw_from_is_left_out_by_the_benchmark() -> None:
    assert _drawn(15, {"G00", "G01"}, set(), protocol="rxrx3-core") is None
    assert _drawn(22, {"G00", "G01"}, set(), protocol="rxrx3-core") is not None
    assert _drawn(15, set(), set(), protocol="signed") is None


def _drawn(genes: int, positive: set[str], excluded: set[str], *, protocol: str, seeds: int = 4) -> compound_gene_scores.Compound | None:
    similarity = np.random.default_rng(3).normal(size=genes).astype(np.float32)
    names = [f"G{i:02d}" for i in range(genes)]
    drawn = draw(names, positive, excluded, seeds=seeds, seed=0, all_drawn=protocol != "signed")
    whole = np.ones(genes, dtype=bool)
    return compound_gene_scores.Compound(similarity, drawn, (0, 0)) if drawn.size(whole)[0] else None


def test_one_compound_by_hand_with_all_other_genes_as_negatives() -> None:
    """Ten genes: two targets, one of unknown activity that is no negative, seven negatives, so every seed draws the same."""
    made = _drawn(10, {"G00", "G05"}, {"G07"}, protocol="signed")
    assert made is not None
    right, wrong = made.similarity[[0, 5]], made.similarity[[1, 2, 3, 4, 6, 8, 9]]
    scores = made.scores(np.ones(10, dtype=bool), seeds=4)
    assert scores is not None
    np.testing.assert_allclose(scores["AUC"], np.mean([[float(a > b) for b in wrong] for a in right]))
    np.testing.assert_allclose(scores["AP"], precision(right.tolist(), wrong.tolist()))
    # Without genes 5 and 1: one target, six negatives.
    fewer = made.scores(~np.isin(np.arange(10), [1, 5]), seeds=4)
    assert fewer is not None
    np.testing.assert_allclose(fewer["AP"], precision([made.similarity[0]], made.similarity[[2, 3, 4, 6, 8, 9]].tolist()))


def test_highest_and_maximum_are_two_readings() -> None:
    compounds = pd.DataFrame({"compound": ["a", "a", "b", "c"], "concentration": [1.0, 10.0, 3.0, np.nan]})
    similarity = np.array([[0.9, 0.1], [0.2, 0.3], [0.4, 0.5], [0.6, 0.7]], dtype=np.float32)
    frame, both = compound_gene._with_maximum(compounds, similarity)
    views = compound_gene._views(frame)
    assert sorted(views) == ["1", "10", "3", "highest", "maximum", "unknown"]
    assert views["unknown"] == [3]
    assert views["highest"] == [1, 2, 3]
    # The greatest score of each gene over all concentrations, whichever concentration gives it.
    np.testing.assert_allclose(both[views["maximum"]], [[0.9, 0.3], [0.4, 0.5], [0.6, 0.7]])


def test_the_interval_is_over_compounds_and_genes() -> None:
    """By hand: the variance of the mean over compounds, and that of deleted genes, targets and random ones, drawn in the same order."""
    rng = np.random.default_rng(0)
    names = [f"G{i:02d}" for i in range(26)]
    compounds = []
    for c in range(8):
        positive = {names[c], names[c + 9]}
        similarity = rng.normal(size=26).astype(np.float32)
        drawn = draw(names, positive, set(), seeds=3, seed=c, all_drawn=False)
        compounds.append(compound_gene_scores.Compound(similarity, drawn, (0, c)))
    macro = compound_gene_scores.Macro(compounds, named(list("abcdefgh"), word="compound"), named(names, word="gene"), 3, 0)
    values = macro.by_seed()
    interval, parts = macro.intervals(values)["AP"]
    each = values["AP"].mean(axis=1)
    group = jackknife.deal(26, seed=0)
    single = []
    for g in range(20):
        total = []
        for compound in compounds:
            right = [i for i in compound.drawn.right if group[i] != g]
            others = [[i for i in order if group[i] != g][: max(2 * len(right), 20)] for order in compound.drawn.order]
            if right:
                total.append(np.mean([precision(compound.similarity[right].tolist(), compound.similarity[o].tolist()) for o in others]))
        single.append(np.mean(total))
    spread = each.var(ddof=1) / 8 + 19 / 20 * ((np.array(single) - np.mean(single)) ** 2).sum()
    value = each.mean()
    reach = 2.364624 * np.sqrt(spread) / (value * (1 - value))
    low, high = (1 / (1 + np.exp(-(np.log(value / (1 - value)) + sign * reach))) for sign in (-1, 1))
    assert (interval.low, interval.high) == (pytest.approx(low, abs=1e-5), pytest.approx(high, abs=1e-5))
    assert (interval.unit, interval.clusters, interval.df, len(parts)) == ("compound and gene", 8, 7, 2)


def test_an_activity_that_is_no_number_is_left_out_and_one_that_is_a_word_refused(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_text("compound,gene,activity\nC00,G00,1\nC00,G01,\nC00,G02,20\n")
    assert compound_gene._truth(_profiles(0, 1).obs, str(path)) == ({"C00": {"G00"}}, {"C00": {"G01"}})
    path.write_text("compound,gene,activity\nC00,G00,1\nC00,G01,<0.5\n")
    with pytest.raises(InputError, match="is not a number of micromolar"):
        compound_gene._truth(_profiles(0, 1).obs, str(path))


def test_what_cannot_be_scored_is_a_sentence(tmp_path: Path) -> None:
    profiles = _profiles(0, 1)
    with pytest.raises(InputError, match="did you mean 'cwa-msn'"):
        evaluate(profiles, protocol="cwa-msm")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="there is no file"):
        evaluate(profiles, truth=str(tmp_path / "nowhere.csv"))
    with pytest.raises(InputError, match="seeds is 0"):
        evaluate(profiles, seeds=0)
    few = profiles[profiles.obs["gene"].isin([f"G{i:02d}" for i in range(10)])].copy()
    with pytest.raises(InputError, match="rxrx3-core asks for 20 random genes or more, --protocol signed takes those"):
        evaluate(few)
    assert len(evaluate(few, protocol="signed", seeds=2).scores)


def test_one_seed_has_no_z(tmp_path: Path) -> None:
    scores = rows(evaluate(_profiles(0, strength=1), seeds=1))
    assert _value(scores, "AP z", "10") is None or np.isnan(_value(scores, "AP z", "10"))


def test_rows_in_another_order_give_the_same_numbers() -> None:
    table = _profiles(4, strength=1)
    first, second = (evaluate(t, seeds=5).scores for t in (table, permuted(table)))
    pd.testing.assert_frame_equal(first, second)


def test_the_first_class_of_genes_that_is_there_is_taken() -> None:
    profiles = _profiles(0, 1)
    assert len(compound_gene._genes(profiles.obs, "auto")[1]) == 30
    profiles.obs["perturbation_type"] = profiles.obs["perturbation_type"].replace("crispr", "orf")
    assert len(compound_gene._genes(profiles.obs, "auto")[1]) == 30
    with pytest.raises(InputError, match="no perturbations of type crispr"):
        compound_gene._genes(profiles.obs, "crispr")
