"""Which wells may be learned from, and which may judge."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from impasto import wells


def test_spared_and_held_out_wells_are_not_for_learning() -> None:
    obs = pd.DataFrame(
        {
            "control_type": ["negcon", "negcon", "trt", "trt", "trt"],
            "perturbation": ["DMSO", "DMSO", "a", "b", "c"],
            "spared": [True, False, False, False, False],
            "split": ["train", "train", "train", "validation", "test"],
        }
    )
    assert wells.spared(obs).tolist() == [True, False, False, False, False]
    assert wells.held_out(obs).tolist() == [False, False, False, True, True]
    assert wells.learnable(obs).tolist() == [False, True, True, False, False]
    assert wells.unseen_negative(obs).tolist() == [True, False, False, False, False]


def test_where_none_is_spared_all_negative_controls_judge() -> None:
    obs = pd.DataFrame({"control_type": ["negcon", "negcon", "trt"], "perturbation": ["DMSO", "DMSO", "a"]})
    assert wells.unseen_negative(obs).tolist() == [True, True, False]
    assert wells.unseen_negative(obs.assign(spared=False)).tolist() == [True, True, False]
    # A treated well that is marked by mistake judges nothing.
    assert wells.unseen_negative(obs.assign(spared=[False, False, True])).tolist() == [True, True, False]
    assert wells.learnable(obs).all()


@pytest.mark.parametrize(
    "written", [[True, False, False], [True, None, False], ["True", "False", ""], ["true", None, "no"], [1.0, 0.0, np.nan]]
)
def test_spared_is_read_from_booleans_text_and_numbers(written: list[object]) -> None:
    assert wells.spared(pd.DataFrame({"spared": pd.Series(written, dtype=object)})).tolist() == [True, False, False]
