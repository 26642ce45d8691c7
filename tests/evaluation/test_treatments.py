"""Treatments: who may answer for whom, and average precision by plain loops."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from impasto.evaluation import treatments
from impasto.schema import InputError


def table(*, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Four mechanisms of three compounds at two doses in two of three weeks; one compound goes by two names of one molecule."""
    rng = np.random.default_rng(seed)
    rows, values = [], []
    for number in range(12):
        for week in (number % 3, (number + 1) % 3):
            for dose in (1.0, 3.0):
                row = {"plate": f"W{week}", "batch": f"W{week}", "well": f"A{number + 1:02d}", "perturbation": f"c{number:02d}"}
                rows.append({**row, "concentration": dose, "moa": f"m{number % 4}", "control_type": "trt"})
                values.append(rng.normal(size=5) + 2 * np.eye(5)[number % 4])
    obs = pd.DataFrame(rows).rename(index=str)
    return obs, np.array(values, dtype=np.float32)


def average_precision(scores: list[float], hits: list[bool]) -> float:
    """The mean of precision at the places of the hits, best first."""
    order = sorted(range(len(scores)), key=lambda j: -scores[j])
    seen, found = 0, []
    for place, j in enumerate(order, start=1):
        seen += hits[j]
        if hits[j]:
            found.append(seen / place)
    return float(np.mean(found)) if found else float("nan")


def asked(*, across: bool, seed: int = 0) -> tuple[treatments.Treatments, np.ndarray]:
    obs, values = table(seed=seed)
    keys = treatments.keys_of(obs, treatments.asked_rows(obs, label="moa"), label="moa", batch="batch")
    return treatments.of_keys(keys, across=across), values


@pytest.mark.parametrize("across", [False, True])
def test_candidates_are_of_other_compounds_and_across_of_other_batches(across: bool) -> None:
    found, _ = asked(across=across)
    assert len(found) == (48 if across else 24)
    for i, one in enumerate(found.names.to_dict("records")):
        for j, other in enumerate(found.names.to_dict("records")):
            may = one["compound"] != other["compound"] and (not across or one["batch"] != other["batch"])
            assert found.allowed[i, j] == may
    assert ("batch" in found.names) == across


@pytest.mark.parametrize("across", [False, True])
def test_precision_is_the_definition_with_and_without_a_unit(across: bool) -> None:
    found, values = asked(across=across)
    similarity = found.similarity(values)

    def by_hand(i: int, gone: set[str]) -> float:
        names = found.names["compound"].to_list()
        if names[i] in gone:
            return float("nan")
        candidates = [j for j in range(len(found)) if found.allowed[i, j] and names[j] not in gone]
        hits = [bool(found.mechanism[j] == found.mechanism[i]) for j in candidates]
        return average_precision([float(similarity[i, j]) for j in candidates], hits)

    whole = [by_hand(i, set()) for i in range(len(found))]
    np.testing.assert_allclose(found.precision(similarity), whole, rtol=1e-6)
    without = found.precision_without(similarity, found.names["compound"].to_numpy(dtype=str))
    for name in ("c00", "c07"):
        np.testing.assert_allclose(without[name], [by_hand(i, {name}) for i in range(len(found))], rtol=1e-6)
    assert list(without) == sorted(set(found.names["compound"]))


def test_chance_is_what_random_orders_give() -> None:
    found, values = asked(across=False)
    rng = np.random.default_rng(1)
    drawn = [np.nanmean(found.precision(rng.random((len(found), len(found))).astype(np.float32))) for _ in range(200)]
    assert found.chance_precision == pytest.approx(float(np.mean(drawn)), abs=0.01)
    assert np.isneginf(found.similarity(values)[~found.allowed]).all()


def test_shuffled_mechanisms_keep_the_doses_of_a_compound_together() -> None:
    rng = np.random.default_rng(0)
    compound = np.array([0, 0, 1, 1, 2, 2])
    for _ in range(5):
        mixed = treatments.shuffled(np.array([0, 0, 1, 1, 2, 2]), compound, rng)
        assert (mixed[::2] == mixed[1::2]).all()
        assert sorted(mixed[::2]) == [0, 1, 2]
    found, _ = asked(across=True)
    assert not np.array_equal(found.shuffled(rng).mechanism, found.mechanism)


def test_a_treatment_without_a_right_answer_is_not_answerable() -> None:
    obs, _ = table()
    obs.loc[obs["perturbation"] == "c00", "moa"] = "one of its kind"
    found = treatments.of_keys(treatments.keys_of(obs, np.arange(len(obs)), label="moa", batch="batch"), across=False)
    assert found.answerable.sum() == 22
    assert (found.names["mechanism"][~found.answerable] == "one of its kind").all()


def test_no_treated_row_with_a_mechanism_is_a_sentence() -> None:
    obs, _ = table()
    with pytest.raises(InputError, match="no treated row has a moa"):
        treatments.asked_rows(obs.assign(control_type="negcon"), label="moa")


def test_a_batch_that_the_user_names_and_that_is_not_there_is_refused() -> None:
    obs = pd.DataFrame({"perturbation": ["a", "b"], "moa": ["m", "m"], "control_type": "trt"})
    with pytest.raises(InputError, match="nosuch"):
        treatments.keys_of(obs, np.arange(2), label="moa", batch="nosuch")
    assert treatments.keys_of(obs, np.arange(2), label="moa", batch="auto")["batch"].tolist() == ["", ""]
