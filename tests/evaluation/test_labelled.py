"""Which rows mixing scores: controls are one label, unlabelled and empty wells none, batches by source too."""

from __future__ import annotations

import numpy as np
from tests.evaluation.small import plates

from impasto.evaluation import labelled


def test_all_negative_controls_are_one_label_and_unlabelled_wells_none() -> None:
    data = plates()
    negative = np.flatnonzero(data.obs["control_type"] == "negcon")
    data.obs.iloc[negative[::2], data.obs.columns.get_loc("perturbation")] = "water"
    where = labelled.of(data, batch="auto", label="perturbation", pool_doses=False)
    assert len(where.rows) == 42
    assert where.control.sum() == 18
    assert len(np.unique(where.labels)) == 5
    assert len(np.unique(where.labels[where.control])) == 1


def test_batches_of_one_name_in_two_sources_are_two() -> None:
    data = plates()
    data.obs["source"] = np.where(data.obs["plate"] == "P2", "T", "S")
    assert len(np.unique(labelled.of(data, batch="batch", label="perturbation", pool_doses=False).batches)) == 3
    assert len(np.unique(labelled.of(data, batch="plate", label="perturbation", pool_doses=False).batches)) == 3


def test_empty_wells_carry_no_label_though_they_have_a_name() -> None:
    data = plates()
    data.obs.loc[data.obs.index[:2], "control_type"] = ["empty", "unknown"]
    assert len(labelled.of(data, batch="auto", label="perturbation", pool_doses=False).rows) == 40
    assert len(labelled.of(data, batch="auto", label="moa", pool_doses=False).rows) == 40
