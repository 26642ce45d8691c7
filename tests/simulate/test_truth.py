from __future__ import annotations

import numpy as np
import pytest

from impasto.simulate import truth


def test_labels_lie_where_the_light_is() -> None:
    site = truth.site(0, cells=8, pixels=256)
    assert site.planes.shape == (5, 256, 256)
    assert 5 <= site.nuclei.max() <= 8
    assert site.planes[0][site.nuclei > 0].mean() > 5 * site.planes[0][site.nuclei == 0].mean()
    assert site.diameter == pytest.approx(10.5)
    sizes = np.bincount(site.nuclei.ravel())[1:]
    assert np.median(np.sqrt(sizes * 4 / np.pi)) == pytest.approx(site.diameter, rel=0.3)


def test_dim_mitotic_and_debris() -> None:
    plain, dim = (truth.site(1, cells=20, pixels=256, dim=share) for share in (0.0, 1.0))
    assert dim.planes[0][dim.nuclei > 0].mean() < 0.6 * plain.planes[0][plain.nuclei > 0].mean()
    mitotic = truth.site(1, cells=20, pixels=256, mitotic=1.0)
    assert (mitotic.nuclei > 0).sum() < 0.7 * (plain.nuclei > 0).sum()
    specks = truth.site(1, cells=0, pixels=256, debris=10)
    assert specks.nuclei.max() == 0
    assert specks.planes[0].max() > 5000


def test_f1_by_hand() -> None:
    labels = np.zeros((20, 20), dtype=np.int32)
    labels[2:8, 2:8], labels[10:16, 10:16], labels[0:3, 14:18] = 1, 2, 3  # the third is at the border
    assert truth.f1(labels, labels) == 1
    one = np.where(labels == 1, 5, 0)
    assert truth.f1(labels, one) == pytest.approx(2 / 3)
    extra = one.copy()
    extra[10:12, 3:5] = 9
    assert truth.f1(labels, extra) == pytest.approx(2 / 4)
    on_border = np.where(labels == 3, 7, labels)
    assert truth.f1(labels, on_border) == 1
    smaller = np.zeros_like(labels)
    smaller[2:8, 2:4] = 1  # a third of the first
    assert truth.f1(labels, smaller) == 0
