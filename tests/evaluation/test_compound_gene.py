"""Compound-gene against loops and scikit-learn, on planted targets and on noise."""

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score
from tests.evaluation.rows import rows, rows_and_details

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
