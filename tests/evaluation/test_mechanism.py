"""Mechanism matching: never the same compound, never the same batch, chance from mechanisms dealt anew."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest
from tests.evaluation.rows import rows

from impasto import profiles as tables
from impasto.evaluation import mechanism
from impasto.evaluation.tidy import Score
from impasto.schema import InputError


def made(*, signal: float, batch: float = 0.0, seed: int = 0) -> anndata.AnnData:
    """Six mechanisms of four compounds, two doses, each compound in two of four weeks; features hold mechanism, compound and week."""
    rng = np.random.default_rng(seed)
    directions, weeks, own = rng.normal(size=(6, 16)), rng.normal(size=(4, 16)), rng.normal(size=(24, 16))
    rows, values = [], []
    for compound in range(24):
        for week in (compound % 4, (compound + 1) % 4):
            for dose in (0.5, 1.0):
                for well in range(2):
                    where = {"plate": f"Week{week}_{well}", "well": f"A{compound + 1:02d}", "replicate": str(well)}
                    rows.append({**where, "perturbation": f"c{compound:02d}", "concentration": dose, "moa": f"m{compound % 6}"})
                    rows[-1] |= {"control_type": "trt"}
                    values.append(signal * directions[compound % 6] + batch * weeks[week] + 2 * own[compound] + 0.3 * rng.normal(size=16))
    obs = pd.DataFrame(rows).rename(index=str)
    names = [f"emb_{i:04d}" for i in range(16)]
    return anndata.AnnData(X=np.array(values, dtype=np.float32), obs=obs, var=tables.describe_features(names))


def scores(profiles: anndata.AnnData, **changes: object) -> dict[str, Score]:
    found = rows(mechanism.evaluate(profiles, batch_pattern="^[^_]+", draws=50, **changes))  # type: ignore[arg-type]
    return {s.protocol.split(", 1-NN")[0]: s for s in found if s.group == "profiles"}


def oracle(profiles: anndata.AnnData, *, across: bool) -> float:
    """Loops over treatments, from the definition."""
    obs = profiles.obs.assign(week=profiles.obs["plate"].str.split("_").str[0])
    keys = ["perturbation", "concentration", "moa"] + (["week"] if across else [])
    groups = [(dict(zip(keys, key, strict=True)), profiles.X[obs.index.isin(g.index)].mean(axis=0)) for key, g in obs.groupby(keys)]
    right = []
    for mine, vector in groups:
        best, answerable = None, False
        for other, theirs in groups:
            if other["perturbation"] == mine["perturbation"] or (across and other["week"] == mine["week"]):
                continue
            answerable |= other["moa"] == mine["moa"]
            cosine = float(vector @ theirs / np.linalg.norm(vector) / np.linalg.norm(theirs))
            if best is None or cosine > best[0]:
                best = (cosine, other["moa"] == mine["moa"])
        if answerable and best is not None:
            right.append(best[1])
    return float(np.mean(right))


@pytest.mark.parametrize("batch", [0.0, 3.0])
def test_it_is_the_definition(batch: float) -> None:
    profiles = made(signal=1.5, batch=batch)
    found = scores(profiles)
    assert found["not same compound"].value == pytest.approx(oracle(profiles, across=False))
    assert found["not same compound, not same batch"].value == pytest.approx(oracle(profiles, across=True))
    assert found["not same compound"].n == 48
    assert found["not same compound, not same batch"].n == 96


def test_noise_scores_as_chance() -> None:
    values = [scores(made(signal=0.0, seed=s))["not same compound"] for s in range(20)]
    assert np.mean([v.value for v in values]) == pytest.approx(float(np.mean([v.chance for v in values])), abs=0.06)  # type: ignore[arg-type]
    strong = scores(made(signal=4.0))["not same compound"]
    assert strong.value > 0.9
    assert strong.low > strong.chance  # type: ignore[operator]


def test_a_classifier_never_trains_on_the_part_it_predicts() -> None:
    profiles = made(signal=3.0)
    found = scores(profiles, classify_by="replicate")["logistic regression across replicate, rows, 6 classes"]
    assert found.value > 0.9
    assert found.chance == pytest.approx(1 / 6)
    noise = made(signal=0.0)
    noise.X = np.random.default_rng(0).normal(size=noise.X.shape).astype(np.float32)
    assert scores(noise, classify_by="replicate")["logistic regression across replicate, rows, 6 classes"].value < 0.35


def test_what_is_missing_is_a_sentence() -> None:
    profiles = made(signal=1.0)
    bare, alone = profiles.copy(), profiles.copy()
    del bare.obs["moa"]
    alone.obs["moa"] = alone.obs["perturbation"]
    with pytest.raises(InputError, match="needs the column 'moa'"):
        mechanism.evaluate(bare)
    with pytest.raises(InputError, match="batch_pattern 'Day' does not match 'Week0_0'"):
        mechanism.evaluate(profiles, batch_pattern="Day")
    with pytest.raises(InputError, match="no two compounds share a moa"):
        mechanism.evaluate(alone)
    with pytest.raises(InputError, match=r"no column 'replicat' \(did you mean 'replicate'\?\)"):
        mechanism.evaluate(profiles, classify_by="replicat")
