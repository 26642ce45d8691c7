"""What every loss must have: a gradient that gradcheck finds, inputs left as they were, no care for the order of rows."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.losses.by_hand import graph, number, pair, rows
from torch import Tensor

from impasto.losses import LOSSES, prototypes
from impasto.losses.cosine import cosine
from impasto.losses.cwcl import weights
from impasto.losses.graph_contrast import graph_contrast, neighbours
from impasto.losses.graph_laplacian import graph_laplacian
from impasto.losses.info_nce import info_nce
from impasto.losses.masked_features import masked_features
from impasto.losses.masked_patches import masked_patches
from impasto.losses.nt_xent import nt_xent
from impasto.losses.pairs import Pairs, pair_loss
from impasto.losses.supcon import supcon

P, Q = pair(4, 3)
SCALE, BIAS = number(2.0), number(-1.0)
Z, OTHER, ANCHORS = rows(6, 3), rows(6, 3, seed=5), rows(4, 3, seed=6)
FEATURES, WEIGHTS = graph(5)
LABELS = torch.tensor([0, 1, 0, 2, 1, 0])
SOFT = weights(rows(8, 3, seed=2).view(4, 2, 3))
TARGETS = torch.softmax(rows(6, 4, seed=4), dim=1)
MASKED, GROUPS = rows(6, 3, seed=3) > 0, torch.tensor([0, 1, 0])


def pairs(p: Tensor = P, q: Tensor = Q, scale: Tensor = SCALE, bias: Tensor = BIAS) -> Pairs:
    """Pairs whose targets are those of the similar perturbations of `SOFT`, in the order of the rows."""
    return Pairs(p, q, scale, bias, SOFT)


def of_the_family(name: str) -> tuple[Callable[..., Tensor], tuple[Tensor, ...]]:
    """A loss of the family as a function of the tensors that it moves, and these tensors."""
    loss = pair_loss(LOSSES[name])
    if loss.has_bias:
        return lambda p, q, scale, bias: loss.value(pairs(p, q, scale, bias)), (P, Q, SCALE, BIAS)
    if loss.learns_scale:
        return lambda p, q, scale: loss.value(pairs(p, q, scale)), (P, Q, SCALE)
    return lambda p, q: loss.value(pairs(p, q)), (P, Q)


# Losses that one method has of its own. `LOSSES` names the others, and a new one in it is tried here without a line.
OF_ONE_METHOD: dict[str, tuple[Callable[..., Tensor], tuple[Tensor, ...]]] = {
    "cosine": (lambda z: cosine(z, OTHER), (Z,)),
    "graph_contrast": (lambda f: graph_contrast(f, neighbours(WEIGHTS), temperature=0.5), (FEATURES,)),
    "graph_laplacian": (lambda f: graph_laplacian(f, WEIGHTS), (FEATURES,)),
    "graph_laplacian, symmetric and held": (lambda f: graph_laplacian(f, WEIGHTS, symmetric=True, held=True), (FEATURES,)),
    "info_nce": (lambda z: info_nce(z, OTHER, temperature=0.5), (Z,)),
    "masked_features": (lambda z: masked_features(z, OTHER, MASKED, GROUPS), (Z,)),
    "masked_patches": (lambda z: masked_patches(z, OTHER), (Z,)),
    "nt_xent": (lambda a, b: nt_xent(a, b, temperature=0.5), (Z, OTHER)),
    "prototypes, matching": (
        lambda z, o: prototypes.cross_entropy(TARGETS, prototypes.log_assignments(z, o, temperature=0.5)[:, None]),
        (Z, ANCHORS),
    ),
    "prototypes, mean entropy": (
        lambda z, o: prototypes.mean_entropy_gap(prototypes.log_assignments(z, o, temperature=0.5)[:, None]),
        (Z, ANCHORS),
    ),
    "supcon": (lambda z: supcon(z, LABELS, temperature=0.5), (Z,)),
}
EVERY = {**{name: of_the_family(name) for name in LOSSES}, **OF_ONE_METHOD}


@pytest.mark.parametrize("name", EVERY)
def test_gradients(name: str) -> None:
    loss, inputs = EVERY[name]
    assert torch.autograd.gradcheck(loss, tuple(x.clone().requires_grad_() for x in inputs))


@pytest.mark.parametrize("name", EVERY)
def test_what_is_given_is_not_changed_and_the_answer_is_one_finite_number(name: str) -> None:
    loss, inputs = EVERY[name]
    given = tuple(x.clone() for x in inputs)
    value = loss(*given)
    assert value.shape == ()
    assert torch.isfinite(value)
    assert all(torch.equal(x, y) for x, y in zip(given, inputs, strict=True))


@pytest.mark.parametrize(
    "loss",
    [
        lambda o: cosine(Z[o], OTHER[o]),
        lambda o: info_nce(Z[o], OTHER[o], temperature=0.5),
        lambda o: masked_features(Z[o], OTHER[o], MASKED[o], GROUPS),
        lambda o: masked_patches(Z[o], OTHER[o]),
        lambda o: nt_xent(Z[o], OTHER[o], temperature=0.5),
        lambda o: prototypes.mean_entropy_gap(prototypes.log_assignments(Z[o], ANCHORS, temperature=0.5)),
        lambda o: supcon(Z[o], LABELS[o], temperature=0.5),
    ],
    ids=["cosine", "info_nce", "masked_features", "masked_patches", "nt_xent", "prototypes", "supcon"],
)
def test_the_order_of_rows_does_not_matter(loss: Callable[[Tensor], Tensor]) -> None:
    assert float(loss(torch.tensor([4, 2, 0, 5, 1, 3]))) == pytest.approx(float(loss(torch.arange(6))), rel=1e-12)


@pytest.mark.parametrize("name", LOSSES.names())
@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), n=st.integers(2, 7))
def test_the_order_of_pairs_does_not_matter_and_matching_pairs_score_better(name: str, seed: int, n: int) -> None:
    loss = pair_loss(LOSSES[name])
    p, q = pair(n, 8, seed)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))

    def value(a: Tensor, b: Tensor, alike: Tensor) -> float:
        return float(loss.value(Pairs(a, b, number(10.0), number(-10.0), alike)))

    alike = torch.softmax(10 * p @ p.T, dim=1)
    assert value(p[order], q[order], alike[order][:, order]) == pytest.approx(value(p, q, alike), rel=1e-9)
    # Row i is of pair i alone, so the pairs are told apart.
    alone = torch.eye(n, dtype=torch.float64)
    assert value(p, p, alone) <= value(p, p.roll(1, 0), alone) + 1e-9


def test_the_order_of_nodes_does_not_matter() -> None:
    features, edges = graph(8)
    order = torch.randperm(8, generator=torch.Generator().manual_seed(0))
    for loss in (
        lambda f, w: graph_laplacian(f, w),
        lambda f, w: graph_laplacian(f, w, symmetric=True),
        lambda f, w: graph_contrast(f, neighbours(w, top=2)),
    ):
        assert float(loss(features, edges)) == pytest.approx(float(loss(features[order], edges[order][:, order])), rel=1e-12)


def test_without_an_edge_both_losses_are_nothing_and_still_have_a_gradient() -> None:
    features = graph(4)[0].requires_grad_()
    empty = torch.zeros(4, 4, dtype=torch.float64)
    for loss in (
        graph_laplacian(features, empty),
        graph_contrast(features, neighbours(empty)),
        graph_laplacian(features, empty, symmetric=True, held=True),
    ):
        assert float(loss.detach()) == 0.0
        (gradient,) = torch.autograd.grad(loss, features)
        assert not gradient.any()


@pytest.mark.parametrize("loss", [lambda q, k: info_nce(q, k, temperature=0.1), cosine])
def test_no_gradient_reaches_the_teacher(loss: object) -> None:
    queries, keys = rows(4, 3).requires_grad_(), rows(4, 3, seed=1).requires_grad_()
    loss(queries, keys).backward()  # type: ignore[operator]
    assert queries.grad is not None
    assert keys.grad is None
