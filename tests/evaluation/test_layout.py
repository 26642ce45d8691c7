"""Who is a query, a positive and a negative: written out for a table of a few wells."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tests.evaluation.small import plates

from impasto import ranking
from impasto.evaluation import layout, replicates
from impasto.schema import InputError


def test_wells_without_a_label_are_neither_queries_nor_positives_nor_negatives() -> None:
    data = plates()
    where = layout.layout(data.obs, level="any")
    unknown = data.obs["perturbation"].isna().to_numpy()
    assert unknown.sum() == 12
    assert not where.treated[unknown].any()
    assert not set(np.concatenate(list(where.controls.values()))) & set(np.flatnonzero(unknown))
    assert where.treated.sum() == 24
    for protocol in ("plate-controls", "plate-others", "all-others"):
        detail = replicates.average_precisions(ranking.unit(data.X), where, protocol=protocol)
        assert sorted(detail["row"]) == np.flatnonzero(where.treated).tolist()
        # Of a plate: six controls, six wells of other compounds; of all plates 18 wells of other compounds.
        assert set(detail["negatives"]) == {{"plate-controls": 6, "plate-others": 6, "all-others": 18}[protocol]}
        assert set(detail["positives"]) == {5}


def test_empty_wells_and_wells_of_an_unknown_kind_are_never_ranked_though_they_have_a_name() -> None:
    data = plates()
    data.obs.loc[data.obs.index[:3], "control_type"] = ["empty", "unknown", "what is this"]
    where = layout.layout(data.obs, level="any")
    assert where.treated[:4].tolist() == [False, False, False, True]
    assert where.treated.sum() == 21


def test_plates_of_one_name_in_two_batches_are_two_plates() -> None:
    where = layout.layout(plates().obs, level="any")
    assert sorted(where.controls) == ["S/X/P1", "S/X/P2", "S/Y/P1"]
    assert [len(rows) for rows in where.controls.values()] == [6, 6, 6]


@pytest.mark.parametrize(("level", "positives"), [("any", 5), ("batch", {"X": 2, "Y": 4}), ("position", 3)])
def test_positives_of_each_level_by_hand(level: str, positives: int | dict[str, int]) -> None:
    """Each compound stands in the same two wells of all three plates: another position is the other well, of three plates."""
    data = plates()
    detail = replicates.average_precisions(ranking.unit(data.X), layout.layout(data.obs, level=level), protocol="plate-controls")
    for row in detail.itertuples():
        expected = positives[data.obs["batch"].iloc[row.row]] if isinstance(positives, dict) else positives
        assert row.positives == expected


def test_a_batch_of_one_name_in_two_sources_is_two_batches() -> None:
    data = plates()
    data.obs["source"] = np.where(data.obs["plate"] == "P2", "T", "S")
    where = layout.layout(data.obs, level="batch")
    assert len(np.unique(where.apart)) == 3


def test_a_position_is_the_same_however_it_is_written() -> None:
    obs = pd.DataFrame({"well": ["A1", "a01", "B01", "A10"], "perturbation": "x"})
    apart = layout.layout(obs, level="position").apart
    assert apart is not None
    assert apart[0] == apart[1]
    assert len(set(apart)) == 3


def test_doses_are_apart_unless_they_are_pooled_and_never_negatives_of_each_other() -> None:
    data = plates(doses=True)
    apart = replicates.average_precisions(ranking.unit(data.X), layout.layout(data.obs, level="any"), protocol="plate-others")
    pooled = replicates.average_precisions(
        ranking.unit(data.X), layout.layout(data.obs, level="any", pool_doses=True), protocol="plate-others"
    )
    assert set(apart["perturbation"]) == {f"{name}@{dose}" for name in "abcd" for dose in (1, 10)}
    assert set(apart["positives"]) == {2}
    assert set(pooled["perturbation"]) == set("abcd")
    assert set(pooled["positives"]) == {5}
    assert set(apart["negatives"]) == set(pooled["negatives"]) == {6}


def test_spared_controls_judge_alone() -> None:
    data = plates()
    negative = (data.obs["control_type"] == "negcon").to_numpy()
    data.obs["spared"] = negative & data.obs["well"].isin(["B03", "B04"]).to_numpy()
    assert [len(rows) for rows in layout.layout(data.obs, level="any").controls.values()] == [2, 2, 2]


def test_a_column_that_is_missing_is_a_sentence() -> None:
    with pytest.raises(InputError, match="replicates at level 'source' need the column 'source'"):
        layout.layout(plates().obs.drop(columns="source"), level="source")
    with pytest.raises(InputError, match="did you mean 'position'"):
        layout.layout(plates().obs, level="positon")  # type: ignore[arg-type]
