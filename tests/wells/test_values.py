"""Values that are not finite are refused."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest

from impasto import wells
from impasto.schema import InputError


def test_values_that_are_not_finite_are_refused_with_the_command_that_helps() -> None:
    ad = anndata.AnnData(np.array([[1.0, np.nan], [np.inf, 1.0]], dtype=np.float32), var=pd.DataFrame(index=["f1", "f2"]))
    with pytest.raises(InputError, match=r"scoring: 2 features hold missing or infinite values .first: f1.; .*--method select"):
        wells.finite(ad, task="scoring")
    whole = anndata.AnnData(np.ones((2, 2), dtype=np.float32))
    assert wells.finite(whole, task="scoring") is whole.X
