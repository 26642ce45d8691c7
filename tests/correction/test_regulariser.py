"""The search takes what separates replicates from controls that were held back."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

from impasto.correction import regulariser
from impasto.correction.sphering import Sphering, SpheringSettings
from impasto.schema import InputError


def planted(*, replicates: bool = True) -> anndata.AnnData:
    """Signal in directions of little nuisance, under nuisance a hundred times as strong: weak whitening cannot find it."""
    rng = np.random.default_rng(0)
    width = 12
    nuisance = np.concatenate([np.full(4, 30.0), np.full(width - 4, 0.3)])
    signals = rng.normal(size=(10, width)) * np.where(nuisance > 1, 0, 1.0)
    rows, values = [], []
    for plate in ("P", "Q"):
        for well in range(50):
            control = well < 40
            what = "DMSO" if control else f"c{well}" + ("" if replicates else plate)
            rows.append({"plate": plate, "well": f"A{well + 1:02d}", "control_type": "negcon" if control else "trt", "perturbation": what})
            values.append(nuisance * rng.normal(size=width) + (0 if control else signals[well - 40]))
    return anndata.AnnData(X=np.array(values, dtype=np.float32), obs=pd.DataFrame(rows).rename(index=str))


def test_the_search_beats_a_poor_choice() -> None:
    data = planted()
    found = Sphering.fit(data, SpheringSettings(form="ZCA", regulariser="search"))
    assert isinstance(found.settings.regulariser, float)
    assert found.settings.regulariser < 1.0

    def score(value: float) -> float:
        marked = regulariser.spare_controls(data, share=0.5, seed=0)
        fitted = Sphering.fit(marked, SpheringSettings(form="ZCA", regulariser=value))
        return regulariser.separation(fitted.transform(marked))

    assert score(found.settings.regulariser) > score(100.0) + 0.1


def test_without_replicates_it_is_a_sentence() -> None:
    with pytest.raises(InputError, match="needs replicates"):
        Sphering.fit(planted(replicates=False), SpheringSettings(regulariser="search"))


@pytest.mark.parametrize("several", [True, False], ids=["two plates", "one plate"])
def test_separation_is_the_mean_average_precision_written_out(several: bool) -> None:
    data = planted()
    if not several:  # replicates are then the wells of the same plate
        data.obs["well"] = [f"A{i + 1:03d}" for i in range(data.n_obs)]
        data.obs["plate"] = "P"
    data = regulariser.spare_controls(data, share=0.5, seed=0)
    unit = data.X.astype(np.float64) / np.linalg.norm(data.X.astype(np.float64), axis=1, keepdims=True)
    precisions = []
    for query in np.flatnonzero(data.obs["control_type"] == "trt"):
        me = data.obs.iloc[query]
        apart = data.obs["plate"] != me["plate"] if several else np.arange(data.n_obs) != query
        positives = np.flatnonzero((data.obs["perturbation"] == me["perturbation"]) & apart)
        negatives = np.flatnonzero(data.obs["spared"] & (data.obs["plate"] == me["plate"]))
        scores = unit[[*positives, *negatives]] @ unit[query]
        precisions.append(average_precision_score([1] * len(positives) + [0] * len(negatives), scores))
    assert len(precisions) == 20
    assert regulariser.separation(data) == pytest.approx(np.mean(precisions), rel=1e-5)


def test_candidates_are_twenty_five_from_a_ten_thousandth_to_a_hundred_and_the_best_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    np.testing.assert_allclose(regulariser.CANDIDATES, [10 ** (-4 + 0.25 * i) for i in range(25)])
    data, given = planted(), []

    class Same:
        def __init__(self, value: float) -> None:
            self.value = value

        def transform(self, profiles: anndata.AnnData, /) -> anndata.AnnData:
            profiles.uns["value"] = self.value
            return profiles

    def fit(profiles: anndata.AnnData, value: float, /) -> Same:
        given.append(profiles.obs["spared"].sum())
        return Same(value)

    monkeypatch.setattr(regulariser, "separation", lambda profiles: -abs(np.log10(profiles.uns["value"]) - 0.5))
    assert regulariser.search(data, fit) == pytest.approx(10**0.5)
    assert given == [40] * 25  # half of the 40 controls of each of two plates
