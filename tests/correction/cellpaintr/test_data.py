"""What CellPainTR learns from: labels, groups, minibatches by stage, and its validation scores by hand."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn import functional

from impasto.correction.cellpaintr import data
from impasto.correction.cellpaintr.method import CellPaintr, CellPaintrSettings
from impasto.profiles import describe_features
from impasto.schema import InputError

GROUPS = np.array([0, 0, 1, 1, 2, 2])


def settings(**changes: object) -> CellPaintrSettings:
    return CellPaintrSettings.read({"width": 8, "depth": 1, "mlp_width": 16, "filter_order": 4, **changes}, where="test")


def method(**changes: object) -> CellPaintr:
    torch.manual_seed(0)
    return CellPaintr(settings(**changes), lists=[[0, 1], [2, 3], [4, 5]], groups=GROUPS.tolist(), sources=["S1", "S2"]).eval()


def labelled(rows: int = 12, seed: int = 0) -> data.Labelled:
    rng = np.random.default_rng(seed)
    return data.Labelled(
        rng.normal(size=(rows, 6)).astype(np.float32), np.arange(rows, dtype=np.intp) % 2, np.arange(rows, dtype=np.intp) // 4
    )


def test_missing_values_are_zero_and_counted() -> None:
    values = np.array([[1.0, np.nan], [np.inf, 2.0]], dtype=np.float32)
    filled, missing = data.without_missing(anndata.AnnData(X=values))
    assert filled.tolist() == [[1.0, 0.0], [0.0, 2.0]]
    assert missing == 2


def test_codes_are_places_in_the_list_of_the_run_and_strange_sources_are_refused() -> None:
    obs = pd.DataFrame({"source": ["S2", "S1", "S2"]})
    assert data.source_codes(obs, {"by": "source", "sources": ["S1", "S9", "S2"]}).tolist() == [2, 0, 2]
    with pytest.raises(InputError, match="was trained on source 'S1', not on 'S2'"):
        data.source_codes(obs, {"by": "source", "sources": ["S1"]})


def test_controls_share_a_label_doses_do_not_matter_and_unknown_wells_stand_alone() -> None:
    obs = pd.DataFrame(
        {
            "perturbation": ["DMSO", "water", "a", "a", None, None],
            "control_type": ["negcon", "negcon", "trt", "trt", "unknown", "unknown"],
            "concentration": [0.0, 0.0, 1.0, 2.0, 0.0, 0.0],
        }
    )
    labels = data.labels(obs).tolist()
    assert labels[:2] == [data.CONTROL] * 2
    assert labels[2] == labels[3] == "a"
    assert labels[4:] == ["row 4", "row 5"]


def test_groups_of_features_and_their_rows_in_order_of_name() -> None:
    names = ["Nuclei_Texture_Contrast_DNA", "Cells_Intensity_Mean_ER", "Nuclei_Intensity_Mean_DNA"]
    var = describe_features(names)
    assert data.feature_groups(var, measures=False) == ["Nuclei/DNA", "Cells/ER", "Nuclei/DNA"]
    assert data.feature_groups(var, measures=True) == ["Nuclei/DNA/Texture", "Cells/ER/Intensity", "Nuclei/DNA/Intensity"]
    assert data.feature_groups(pd.DataFrame(index=names), measures=False) == ["Nuclei/DNA", "Cells/ER", "Nuclei/DNA"]
    assert data.lists_of(["b", "a", "b"]) == [[1], [0, 2]]


def test_minibatches_are_of_one_source_in_stage_intra_and_of_both_in_stage_inter() -> None:
    wells = labelled(32)
    for stage, several in (("intra", 1), ("inter", 2)):
        feed = data.WellFeed(wells, GROUPS, settings(stage=stage, minibatch=8, hand=2), seed=0)
        drawn = feed.epoch(0)
        assert drawn is feed.epoch(0)
        assert {len(set(wells.source[rows])) for rows in drawn} == {several}
    feed = data.WellFeed(wells, GROUPS, settings(stage="cwmm", minibatch=10), seed=0)
    drawn = feed.epoch(0)
    assert [len(rows) for rows in drawn] == [11, 11, 10]
    assert sorted(np.concatenate(drawn).tolist()) == list(range(32))
    assert [r.tolist() for r in feed.epoch(1)] != [r.tolist() for r in drawn]


def test_a_part_of_a_minibatch_hides_what_the_whole_would() -> None:
    feed = data.WellFeed(labelled(32), GROUPS, settings(stage="cwmm", minibatch=16), seed=0)
    rows = feed.epoch(0)[1]
    whole, part = feed.minibatch(rows, epoch=0), feed.minibatch(rows[5:9], epoch=0)
    assert torch.equal(part.masked, whole.masked[5:9])
    assert torch.equal(part.values, whole.values[5:9])
    assert part.unit is not None
    assert part.unit.tolist() == rows[5:9].tolist()
    other = feed.minibatch(feed.epoch(1)[1], epoch=1)
    assert not torch.equal(other.masked[:16], whole.masked[: len(other.masked)])


def test_vectors_do_not_depend_on_the_size_of_the_parts() -> None:
    model, wells = method(), labelled()
    np.testing.assert_allclose(data.in_parts(model, wells, rows=5), data.in_parts(model, wells, rows=64), atol=1e-6)
    with torch.no_grad():
        values = model.scaled(torch.as_tensor(wells.values))
        one_by_one = torch.stack([model.encode(values[i : i + 1], None, torch.tensor([wells.source[i]]))[0][0] for i in range(12)])
    np.testing.assert_allclose(data.in_parts(model, wells), one_by_one.numpy(), atol=1e-5)


@pytest.mark.parametrize("stage", ["intra", "inter"])
def test_retrieval_is_the_map_of_wells_of_one_label_by_hand(stage: str) -> None:
    model, held = method(stage=stage), labelled()
    unit = functional.normalize(torch.as_tensor(data.in_parts(model, held)).double(), dim=1).numpy()
    precisions = []
    for i in range(12):
        candidates = [j for j in range(12) if j != i]
        if stage == "inter":
            candidates = [j for j in candidates if held.label[j] != held.label[i] or held.source[j] != held.source[i]]
        ranked = sorted(candidates, key=lambda j: -unit[i] @ unit[j])
        hits = [place + 1 for place, j in enumerate(ranked) if held.label[j] == held.label[i]]
        precisions.append(np.mean([(n + 1) / place for n, place in enumerate(hits)]))
    scores = data.score(held, GROUPS, settings(stage=stage), seed=0)(model)
    assert scores["score"] == pytest.approx(np.mean(precisions), abs=1e-6)
    assert 0.1 < scores["chance"] < 0.6
    alone = data.Labelled(held.values, held.source, np.arange(12, dtype=np.intp))
    with pytest.raises(InputError, match="no held-out label has two wells"):
        data.score(alone, GROUPS, settings(stage=stage), seed=0)(model)


def test_reconstruction_is_minus_the_loss_on_one_mask() -> None:
    model, held = method(), labelled()
    validate = data.score(held, GROUPS, settings(), seed=0)
    masked = torch.as_tensor(data.hide(held, GROUPS, settings(), seed=[0]))
    with torch.no_grad():
        values = model.scaled(torch.as_tensor(held.values))
        _, tokens = model.encode(values, masked, torch.as_tensor(held.source))
        error = ((model.head(tokens) - values) ** 2).double()
        given = validate(model)["score"]
    # Eq. 9: the mean over the hidden values of each group, then over the groups.
    by_group = [error[:, g == GROUPS][masked[:, g == GROUPS]] for g in range(3)]
    assert given == pytest.approx(-float(np.mean([float(part.mean()) for part in by_group if len(part)])), rel=1e-5)
