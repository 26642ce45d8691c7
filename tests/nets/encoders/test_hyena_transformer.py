"""Feature tokens against Eq. 6 written out; masks, sources, groups; the head gives each value back in its own place."""

from __future__ import annotations

import pytest
import torch

from impasto.nets.encoders.hyena_transformer import FeatureHead, FeatureTokens, HyenaTransformer
from impasto.nets.hyena import Hyena
from impasto.nets.trunk import Attention
from impasto.schema import InputError

SINGLES = [[i] for i in range(7)]


LISTS = [[2, 0], [5], [1, 3, 4], [6]]


@pytest.mark.parametrize("adapter", ["feature", "shared"])
def test_single_tokens_are_equation_6(adapter: str) -> None:
    torch.manual_seed(0)
    module = FeatureTokens(SINGLES, width=4, adapter=adapter).double()  # type: ignore[arg-type]
    torch.nn.init.normal_(module.bias)
    values, masked = torch.randn(3, 7, dtype=torch.float64), torch.rand(3, 7) < 0.4
    found = module(values, masked)
    for n in range(3):
        for i in range(7):
            w = 0 if adapter == "shared" else i
            value = module.mask[0, 0] if masked[n, i] else module.weight[w, 0] * values[n, i] + module.bias[w]
            torch.testing.assert_close(found[n, i], value + module.context[i])


def test_group_tokens_are_sums_over_their_features() -> None:
    torch.manual_seed(1)
    module = FeatureTokens(LISTS, width=4).double()
    values, masked = torch.randn(3, 7, dtype=torch.float64), torch.rand(3, 7) < 0.4
    found = module(values, masked)
    for n in range(3):
        for t, members in enumerate(LISTS):
            total = module.bias[t] + module.context[t]
            for place, i in enumerate(members):
                total = total + (module.mask[t, place] if masked[n, i] else module.weight[t, place] * values[n, i])
            torch.testing.assert_close(found[n, t], total)


@pytest.mark.parametrize("lists", [SINGLES, LISTS])
def test_the_head_gives_each_value_in_its_own_place(lists: list[list[int]]) -> None:
    torch.manual_seed(2)
    tokens = FeatureTokens(lists, width=4)
    head = FeatureHead(tokens)
    hidden = torch.randn(2, len(lists), 4)
    found, body = head(hidden), head.body(hidden)
    for t, members in enumerate(lists):
        for place, i in enumerate(members):
            w = 0 if tokens.single else t
            torch.testing.assert_close(found[:, i], body[:, t] @ head.weight[w, :, place] + head.bias[w, place])


def test_the_three_forms_of_a_source_by_hand() -> None:
    torch.manual_seed(3)
    values, vector = torch.randn(2, 7), torch.randn(2, 4)
    both = torch.randn(2, 8)
    for form in ("token", "every", "scale"):
        net = HyenaTransformer(SINGLES, width=4, depth=1, mlp_width=8, filter_order=4, source=form).eval()  # type: ignore[arg-type]
        tokens = net.tokens(values, None)
        given = both if form == "scale" else vector
        if form == "token":
            whole = torch.cat([net.cls.expand(2, 1, -1), tokens, vector[:, None]], dim=1)
        elif form == "every":
            whole = torch.cat([net.cls.expand(2, 1, -1), tokens + vector[:, None]], dim=1)
        else:
            whole = torch.cat([net.cls.expand(2, 1, -1), tokens * (1 + both[:, None, :4]) + both[:, None, 4:]], dim=1)
        wanted = net.trunk(whole)
        cls, features = net(values, None, given)
        torch.testing.assert_close(cls, wanted[:, 0])
        torch.testing.assert_close(features, wanted[:, 1:8])


@pytest.mark.parametrize("lists", [SINGLES, LISTS])
@pytest.mark.parametrize("mixer", ["hyena", "attention"])
def test_a_masked_value_is_not_seen_and_all_others_are(lists: list[list[int]], mixer: str) -> None:
    torch.manual_seed(3)
    net = HyenaTransformer(lists, width=16, depth=2, mlp_width=32, mixer=mixer, heads=2).eval()  # type: ignore[arg-type]
    values = torch.randn(1, 7, requires_grad=True)
    masked = torch.zeros(1, 7, dtype=torch.bool)
    masked[0, 3] = True
    source = torch.randn(1, 16, requires_grad=True)
    cls, features = net(values, masked, source)
    assert features.shape == (1, len(lists), 16)
    to_values, to_source = torch.autograd.grad(cls.square().sum(), (values, source))
    assert to_values[0, 3] == 0
    assert (to_values[0, torch.arange(7) != 3] != 0).all()
    assert (to_source != 0).any()


@pytest.mark.parametrize("what", ["activation", "mlp", "block"])
def test_recomputing_changes_memory_and_not_the_gradient(what: str) -> None:
    torch.manual_seed(4)
    kept = HyenaTransformer(SINGLES, width=8, depth=2, mlp_width=16, dropout=0.0)
    again = HyenaTransformer(SINGLES, width=8, depth=2, mlp_width=16, dropout=0.0, recompute=what)  # type: ignore[arg-type]
    again.load_state_dict(kept.state_dict())
    values, source = torch.randn(2, 7), torch.zeros(2, 8)
    for net in (kept, again):
        net(values, None, source)[0].square().mean().backward()
    for a, b in zip(kept.parameters(), again.parameters(), strict=True):
        assert (a.grad is None) == (b.grad is None)
        if a.grad is not None:
            torch.testing.assert_close(a.grad, b.grad)


def test_lists_that_miss_a_feature_are_refused() -> None:
    with pytest.raises(ValueError, match="must hold each feature once"):
        FeatureTokens([[0], [2]], width=4)
    with pytest.raises(InputError, match="shared adapter"):
        FeatureTokens([[0, 1]], width=4, adapter="shared")


def test_the_mixer_and_its_sizes_are_those_asked_for() -> None:
    def mixers(**changes: object) -> list[torch.nn.Module]:
        net = HyenaTransformer(SINGLES, width=16, depth=2, mlp_width=32, **changes)  # type: ignore[arg-type]
        return [module for module in net.modules() if isinstance(module, Hyena | Attention)]

    assert [type(module) for module in mixers()] == [Hyena, Hyena]
    assert [type(module) for module in mixers(mixer="attention", heads=4)] == [Attention, Attention]
    wide, narrow = (sum(p.numel() for p in mixers(filter_order=size)[0].parameters()) for size in (32, 8))
    assert wide > narrow
    third, second = (sum(p.numel() for p in mixers(order=order)[0].parameters()) for order in (3, 2))
    assert third > second


def test_dropout_falls_on_tokens_in_training_only() -> None:
    torch.manual_seed(4)
    net = HyenaTransformer(SINGLES, width=16, depth=1, mlp_width=32, dropout=0.5)
    values, source = torch.randn(2, 7), torch.randn(2, 16)
    assert not torch.equal(net.train()(values, None, source)[0], net(values, None, source)[0])
    assert torch.equal(net.eval()(values, None, source)[0], net(values, None, source)[0])
    still = HyenaTransformer(SINGLES, width=16, depth=1, mlp_width=32, dropout=0.0).train()
    assert torch.equal(still(values, None, source)[0], still(values, None, source)[0])


def test_tokens_begin_as_wide_as_one_feature_whatever_their_number() -> None:
    torch.manual_seed(0)
    for size in (1, 16):
        module = FeatureTokens([list(range(size * n, size * (n + 1))) for n in range(3)], width=400)
        spread = module(torch.randn(200, 3 * size), torch.zeros(200, 3 * size, dtype=torch.bool)).detach().std()
        assert 0.9 < float(spread) < 1.1
