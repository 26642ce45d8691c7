"""CellPainTR's forward pass, wired by hand: which values are seen, which are predicted, and when the contrast joins."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from impasto.correction.cellpaintr.method import CellPaintr, CellPaintrSettings, Wells, token_name

GROUPS = [0, 0, 1, 1]


def model(**changes: object) -> CellPaintr:
    torch.manual_seed(1)
    chosen = CellPaintrSettings.read({"width": 8, "depth": 1, "mlp_width": 16, "filter_order": 4, "dropout": 0.0, **changes}, where="test")
    made = CellPaintr(chosen, lists=[[0, 1], [2, 3]], groups=GROUPS, sources=["b", "a.1"])
    with torch.no_grad():
        for n, name in enumerate(made.source_names):
            made.sources[name].copy_(torch.linspace(-1, 2, 8).square().roll(3 * n))
    return made.eval()


def wells() -> Wells:
    rng = np.random.default_rng(0)
    values = torch.as_tensor(rng.normal(size=(6, 4)).astype(np.float32))
    masked = torch.tensor([[True, False, False, True]] * 3 + [[False, True, False, False]] * 3)
    return Wells(values, masked, torch.tensor([0, 1, 0, 1, 0, 1]), torch.tensor([0, 0, 1, 1, 2, 2]))


def test_tokens_are_named_without_dots() -> None:
    assert token_name("a.1/b c") == "of a%2E1%2Fb c"


def test_values_are_clipped_and_scaled_and_zero_stays_zero() -> None:
    made = model()
    made.low.copy_(torch.tensor([-1.0, 0.5, -9.0, -9.0]))
    made.high.copy_(torch.tensor([1.0, 9.0, 9.0, 9.0]))
    made.scale.copy_(torch.tensor([2.0, 1.0, 1.0, 4.0]))
    values = torch.tensor([[-3.0, 0.0, 2.0, 8.0], [5.0, 0.2, 0.0, -4.0]])
    assert made.scaled(values).tolist() == [[-0.5, 0.0, 2.0, 2.0], [0.5, 0.5, 0.0, -1.0]]


def test_a_well_is_read_with_the_token_of_its_own_source() -> None:
    made, minibatch = model(), wells()
    values = made.scaled(minibatch.values)
    cls, _ = made.encode(values, None, minibatch.source)
    for i in range(6):
        name = made.source_names[int(minibatch.source[i])]
        alone, _ = made.net(values[i : i + 1], None, made.sources[name][None])
        torch.testing.assert_close(cls[i], alone[0], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(
        made.embed(Wells(minibatch.values, torch.zeros_like(minibatch.masked), minibatch.source, minibatch.label)), cls
    )
    assert not torch.allclose(made.encode(values, None, 1 - minibatch.source)[0], cls)


@pytest.mark.parametrize("form", ["token", "every", "scale"])
def test_at_zero_a_source_changes_nothing_but_by_its_own_token(form: str) -> None:
    torch.manual_seed(0)
    made = CellPaintr(
        CellPaintrSettings.read({"source": form, "width": 8, "depth": 1, "mlp_width": 16, "filter_order": 4}, where="test"),
        lists=[[0], [1], [2], [3]],
        groups=[0, 0, 1, 1],
        sources=["S1", "S2"],
    ).eval()
    minibatch = wells()
    values = made.scaled(minibatch.values)
    rest, _ = made.encode(values, None, minibatch.source)
    torch.testing.assert_close(made.encode(values, None, 1 - minibatch.source)[0], rest)
    assert made.sources[made.source_names[0]].shape == ((16,) if form == "scale" else (8,))
    with torch.no_grad():
        made.sources[made.source_names[1]].normal_()
    moved = (made.encode(values, None, minibatch.source)[0] - rest).abs().amax(dim=1) > 1e-6
    assert moved.tolist() == (minibatch.source == 1).tolist()


def test_features_that_nobody_measured_are_hidden_and_not_zero() -> None:
    made, minibatch = model(), wells()
    hidden = Wells(minibatch.values, torch.tensor([False, True, False, False]).expand(6, -1), minibatch.source, minibatch.label)
    other = hidden.values.clone()
    other[:, 1] = 7.0
    torch.testing.assert_close(made.embed(Wells(other, hidden.masked, hidden.source, hidden.label)), made.embed(hidden))
    other[:, 1] = 0.0
    assert not torch.allclose(made.embed(Wells(other, torch.zeros_like(hidden.masked), hidden.source, hidden.label)), made.embed(hidden))


@pytest.mark.parametrize("stage", ["cwmm", "intra", "inter"])
def test_the_terms_by_hand_in_float64(stage: str) -> None:
    made, minibatch = model(stage=stage, temperature=0.3), wells()
    step = made(minibatch)
    values = made.scaled(minibatch.values)
    cls, tokens = made.encode(values, minibatch.masked, minibatch.source)
    error = (made.head(tokens) - values).double().detach().numpy() ** 2
    masked = minibatch.masked.numpy()
    groups = np.array(GROUPS)
    # Eq. 9: the mean over the hidden values of each group, then over the groups.
    expected = np.mean([error[:, groups == g][masked[:, groups == g]].mean() for g in (0, 1)])
    assert step.terms["masked_features"].item() == pytest.approx(expected, rel=1e-5)
    assert float(step.monitors["masked_share"]) == pytest.approx(masked.mean())
    h = functional.normalize(cls.double(), dim=1).detach().numpy()
    np.testing.assert_allclose(step.embeddings["profile"].detach().numpy(), h, atol=1e-6)
    assert ("supcon" in step.terms) == (stage != "cwmm")
    if stage == "cwmm":
        return
    label = minibatch.label.numpy()
    terms = []
    for i in range(6):
        others = [a for a in range(6) if a != i]
        bottom = np.log(sum(np.exp(h[i] @ h[a] / 0.3) for a in others))
        positives = [p for p in others if label[p] == label[i]]
        terms.append(-np.mean([h[i] @ h[p] / 0.3 - bottom for p in positives]))
    assert step.terms["supcon"].item() == pytest.approx(np.mean(terms), rel=1e-5)


def test_stage_intra_moves_only_tokens_until_the_settings_say_so() -> None:
    made = model(stage="intra", source_first=2)
    for epoch, all_move in ((0, False), (1, False), (2, True)):
        made.before_epoch(epoch)
        moving = {name for name, weight in made.named_parameters() if weight.requires_grad}
        assert all(name in moving for name in (f"sources.{n}" for n in made.source_names))
        assert any(not name.startswith("sources.") for name in moving) == all_move
    other = model(stage="inter")
    other.before_epoch(0)
    assert all(weight.requires_grad for weight in other.parameters())


def test_defaults_are_those_of_the_paper() -> None:
    chosen = CellPaintrSettings()
    assert (chosen.width, chosen.depth, chosen.mlp_width, chosen.dropout) == (256, 4, 1024, 0.1)
    assert (chosen.tokens, chosen.adapter, chosen.mixer, chosen.order, chosen.filter_order) == ("feature", "feature", "hyena", 2, 64)
    assert chosen.unit_scale
    assert not chosen.only_new_sources


def test_what_a_recipe_leaves_out_is_as_documented() -> None:
    assert CellPaintrSettings().model_dump() == {
        "name": "cellpaintr",
        "stage": "cwmm",
        "by": "auto",
        "source": "token",
        "tokens": "feature",
        "adapter": "feature",
        "mixer": "hyena",
        "width": 256,
        "depth": 4,
        "mlp_width": 1024,
        "order": 2,
        "filter_order": 64,
        "heads": 8,
        "dropout": 0.1,
        "recompute": "nothing",
        "masked": [0.05, 0.4],
        "temperature": 0.07,
        "quantile": 0.01,
        "unit_scale": True,
        "minibatch": 16,
        "hand": 4,
        "source_first": 1,
        "only_new_sources": False,
        "split": {"by": "perturbation", "validation": 0.0, "test": 0.0, "file": None},
    }
