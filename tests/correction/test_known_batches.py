"""A corrector of known batches numbers them as its fit did, by the columns of the fit, and refuses a batch and a feature that it lacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import anndata
import numpy as np
import pytest
from tests.correction.plated import plates

from impasto.correction.base import with_values
from impasto.correction.known_batches import OfKnownBatches
from impasto.correction.standardize import StandardizeSettings
from impasto.schema import InputError
from impasto.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Centred(OfKnownBatches[StandardizeSettings]):
    """Each batch without its mean."""

    name: ClassVar[str] = "centred"
    without: ClassVar[str] = "which has no centre"
    settings_class: ClassVar[type[Settings]] = StandardizeSettings
    settings: StandardizeSettings
    means: dict[str, np.ndarray]

    @classmethod
    def learn_table(cls, profiles: anndata.AnnData, settings: StandardizeSettings, /) -> Self:
        codes, names, keys = cls.batches_of_fit(profiles.obs, settings)
        means = {name: profiles.X[codes == number].mean(axis=0) for number, name in enumerate(names)}
        return cls(settings=settings, keys=keys, feature_names=tuple(profiles.var_names), means=means)

    def seen_in_fit(self) -> tuple[str, ...]:
        return tuple(self.means)

    def apply_table(self, profiles: anndata.AnnData, /) -> anndata.AnnData:
        centres = np.stack(list(self.means.values()))[self.batches_of(profiles.obs)]
        return with_values(profiles, self.values_of(profiles) - centres)


SETTINGS = StandardizeSettings(by="batch")


def test_rows_have_the_number_of_their_batch_in_the_fit() -> None:
    data = plates(plates=3)
    fitted = Centred.fit(data, SETTINGS)
    assert fitted.seen_in_fit() == ("B0", "B1", "B2")
    assert fitted.learns_from(SETTINGS) == "wells"
    late = data[(data.obs["batch"] != "B0").to_numpy()][:, ::-1].copy()  # features in another order, and the first batch is not there
    assert set(fitted.batches_of(late.obs)) == {1, 2}
    assert fitted.values_of(late).tolist() == late.X[:, ::-1].tolist()
    # A table that also knows sources is asked by the columns of the fit.
    late.obs["source"] = "S"
    assert set(fitted.batches_of(late.obs)) == {1, 2}


def test_what_the_fit_lacks_is_a_sentence() -> None:
    data = plates(plates=3)
    fitted = Centred.fit(data, SETTINGS)
    with pytest.raises(InputError, match="centred was fitted on 6 features, 1 of which are lacking"):
        fitted.transform(data[:, 1:].copy())
    data.obs["batch"] = data.obs["batch"].replace("B1", "D")
    with pytest.raises(InputError, match="centred was fitted on batch B0, B1, B2, not on 'D', which has no centre; fit it on all"):
        fitted.transform(data)
    data.obs["batch"] = "B0"
    with pytest.raises(InputError, match="centred: there is one batch only, so there is nothing to align"):
        Centred.fit(data, SETTINGS)
    del data.obs["batch"]
    with pytest.raises(InputError, match="batch"):
        Centred.fit(data, SETTINGS)
