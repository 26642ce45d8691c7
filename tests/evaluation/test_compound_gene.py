"""Compound-gene against loops and scikit-learn, on planted targets and on noise."""

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score
from tests.evaluation.rows import rows, rows_and_details
from tests.evaluation.small import precision

from impasto import ranking
from impasto.evaluation import compound_gene
from impasto.evaluation.compound_gene import evaluate
from impasto.schema import InputError


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
    np.testing.assert_allclose(compound_gene.area_under_curve(positives, negatives), theirs)


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


def test_z_is_the_formula() -> None:
    scores, details = rows_and_details(evaluate(_profiles(2, strength=1), seeds=30))
    per = details["per_group"]
    some = per[per["concentration"] == 10]
    sd = np.sqrt(np.var(some["AP"]) + np.mean(some["AP_sd"] ** 2))
    of_random = np.sqrt(np.var(some["random_AP"]) + np.mean(some["random_AP_sd"] ** 2))
    z = (some["AP"].mean() - some["random_AP"].mean()) / np.sqrt(sd**2 + of_random**2)
    assert _value(scores, "AP z", "10") == pytest.approx(z)


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


def test_activities_of_one_are_active_of_ten_inactive_and_between_left_out(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_text("compound,gene,activity\nC00,G00,1\nC00,G01,1.01\nC00,G02,9.99\nC00,G03,10\nC00,g 04,0.1\n")
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


@pytest.mark.parametrize(("targets", "genes", "negatives"), [(1, 30, 20), (12, 60, 24), (2, 15, 13)])
def test_negatives_are_twice_the_targets_and_at_least_twenty_where_there_are_so_many(targets: int, genes: int, negatives: int) -> None:
    names = [f"G{i:02d}" for i in range(genes)]
    similarity = np.random.default_rng(0).normal(size=(1, genes)).astype(np.float32)
    per = compound_gene.per_compound(similarity, ["C"], names, {"C": set(names[:targets])}, {}, seeds=3, seed=0)
    assert (per["targets"].iloc[0], per["negatives"].iloc[0]) == (targets, negatives)


def test_one_compound_by_hand_with_all_other_genes_as_negatives() -> None:
    """Ten genes: two targets, one of unknown activity that is no negative, seven negatives, so every seed draws the same."""
    names = [f"G{i}" for i in range(10)]
    similarity = np.random.default_rng(3).normal(size=(1, 10)).astype(np.float32)
    per = compound_gene.per_compound(similarity, ["C"], names, {"C": {"G0", "G5"}}, {"C": {"G7"}}, seeds=4, seed=0).iloc[0]
    right, wrong = similarity[0, [0, 5]], similarity[0, [1, 2, 3, 4, 6, 8, 9]]
    assert per["AUC"] == pytest.approx(np.mean([[float(a > b) for b in wrong] for a in right]))
    assert per["AP"] == pytest.approx(precision(right.tolist(), wrong.tolist()))
    assert per["AUC_sd"] == pytest.approx(0)
    assert per["random_AUC_sd"] > 0
    assert per["chance_AP"] == pytest.approx(ranking.chance_average_precision(2, 7))


def test_maximum_takes_the_highest_dose_of_each_compound() -> None:
    per = pd.DataFrame({"compound": ["a", "a", "b", "c"], "concentration": [1.0, 10.0, 3.0, np.nan], "AUC": [0.1, 0.5, 0.7, 0.9]})
    for column in ("AUC_sd", "AP", "AP_sd", "random_AUC", "random_AUC_sd", "random_AP", "random_AP_sd", "chance_AP"):
        per[column] = np.arange(4) / 10
    scores = {s.protocol.split("=")[1]: s for s in compound_gene._summaries(per, "p", "profiles", seed=0) if s.metric == "AUC"}
    assert sorted(scores) == ["1", "10", "3", "maximum"]
    assert scores["maximum"].value == pytest.approx((0.5 + 0.7 + 0.9) / 3)
    assert scores["maximum"].n == 3
    assert scores["maximum"].chance == 0.5
    of_ap = next(s for s in compound_gene._summaries(per, "p", "profiles", seed=0) if s.metric == "AP" and s.protocol.endswith("maximum"))
    assert of_ap.chance == pytest.approx((0.1 + 0.2 + 0.3) / 3)


def test_the_first_class_of_genes_that_is_there_is_taken() -> None:
    profiles = _profiles(0, 1)
    assert len(compound_gene._genes(profiles.obs, "auto")[1]) == 30
    profiles.obs["perturbation_type"] = profiles.obs["perturbation_type"].replace("crispr", "orf")
    assert len(compound_gene._genes(profiles.obs, "auto")[1]) == 30
    with pytest.raises(InputError, match="no perturbations of type crispr"):
        compound_gene._genes(profiles.obs, "crispr")
