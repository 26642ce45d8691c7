"""scVI as a corrector: batches mix, what was fitted is stored and applied again, and a batch that it never saw is refused."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest

from impasto.correction import kept
from impasto.correction.scvi import Scvi, ScviSettings
from impasto.schema import InputError

pytest.importorskip("scvi", reason="the extra scvi")
CHOSEN = ScviSettings(width=3, epochs=3)


def plates(batches: str = "AB", wells: int = 24, seed: int = 0) -> anndata.AnnData:
    rng = np.random.default_rng(seed)
    rows = [{"batch": b, "plate": f"{b}1", "well": f"A{n + 1:02d}", "perturbation": f"c{n % 6}"} for b in batches for n in range(wells)]
    obs = pd.DataFrame(rows, index=[str(n) for n in range(len(rows))])
    shift = (obs["batch"] == "B").to_numpy()[:, None] * 2.0
    return anndata.AnnData(X=(rng.normal(size=(len(obs), 8)) + shift).astype(np.float32), obs=obs)


@pytest.fixture(scope="module")
def fitted() -> Scvi:
    return Scvi.fit(plates(), CHOSEN)


@pytest.mark.slow
def test_a_fit_is_stored_and_gives_each_row_the_same_latent_whatever_stands_beside_it(fitted: Scvi, tmp_path: Path) -> None:
    table = plates()
    whole = fitted.transform(table)
    assert whole.shape == (48, 3)
    assert np.isfinite(whole.X).all()
    kept.save(tmp_path / "fitted", [fitted])
    (again,) = kept.load(tmp_path / "fitted")
    np.testing.assert_allclose(again.transform(table).X, whole.X, atol=1e-5)
    # Rows of one batch alone, features in another order.
    part = table[table.obs["batch"] == "B"][:, ::-1].copy()
    np.testing.assert_allclose(again.transform(part).X, whole.X[(table.obs["batch"] == "B").to_numpy()], atol=1e-4)
    same = Scvi.fit(table, CHOSEN).transform(table)
    np.testing.assert_allclose(same.X, whole.X, atol=1e-5)


@pytest.mark.slow
def test_a_batch_that_the_fit_did_not_see_is_a_sentence(fitted: Scvi) -> None:
    with pytest.raises(InputError, match=r"fitted on batch A, B, not on 'C'"):
        fitted.transform(plates("AC"))
    with pytest.raises(InputError, match="one batch only"):
        Scvi.fit(plates("A"), CHOSEN)
    with pytest.raises(InputError, match="1 of which are lacking"):
        fitted.transform(plates()[:, 1:].copy())
