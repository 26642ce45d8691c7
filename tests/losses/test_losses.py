"""What every loss must have: a gradient that gradcheck finds, inputs left as they were, no care for the order of rows."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.losses.by_hand import graph, near, number, pair, rows
from torch import Tensor

from impasto import losses
from impasto.losses import prototypes
from impasto.losses.clip import clip
from impasto.losses.cloob import cloob
from impasto.losses.cosine import cosine
from impasto.losses.cwcl import cwcl, weights
from impasto.losses.graph_contrast import graph_contrast, neighbours
from impasto.losses.graph_laplacian import graph_laplacian
from impasto.losses.info_nce import info_nce
from impasto.losses.masked_features import masked_features
from impasto.losses.masked_patches import masked_patches
from impasto.losses.nt_xent import nt_xent
from impasto.losses.s2l import answers, s2l
from impasto.losses.sigclip import sigclip
from impasto.losses.supcon import supcon

P, Q = pair(4, 3)
SCALE, BIAS = number(2.0), number(-1.0)
Z, OTHER, ANCHORS = rows(6, 3), rows(6, 3, seed=5), rows(4, 3, seed=6)
FEATURES, WEIGHTS = graph(5)
LABELS = torch.tensor([0, 1, 0, 2, 1, 0])
SOFT = weights(rows(8, 3, seed=2).view(4, 2, 3))
TARGETS = torch.softmax(rows(6, 4, seed=4), dim=1)
MASKED, GROUPS = rows(6, 3, seed=3) > 0, torch.tensor([0, 1, 0])

# Each loss as a function of the tensors that it moves, and these tensors.
LOSSES: dict[str, tuple[Callable[..., Tensor], tuple[Tensor, ...]]] = {
    "clip": (clip, (P, Q, SCALE)),
    "cloob": (cloob, (P, Q, SCALE)),
    "cosine": (lambda z: cosine(z, OTHER), (Z,)),
    "cwcl": (lambda p, q, s: cwcl(p, q, s, SOFT), (P, Q, SCALE)),
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
    "s2l": (lambda p, q, s, b: s2l(p, q, s, b, answers(near()[0][:4])), (P, Q, SCALE, BIAS)),
    "sigclip": (sigclip, (P, Q, SCALE, BIAS)),
    "supcon": (lambda z: supcon(z, LABELS, temperature=0.5), (Z,)),
}


def test_every_loss_of_the_package_is_here() -> None:
    assert {name.split(",")[0] for name in LOSSES} == {module.name for module in pkgutil.iter_modules(losses.__path__)} - {"pairs"}


@pytest.mark.parametrize("name", LOSSES)
def test_gradients(name: str) -> None:
    loss, inputs = LOSSES[name]
    assert torch.autograd.gradcheck(loss, tuple(x.clone().requires_grad_() for x in inputs))


@pytest.mark.parametrize("name", LOSSES)
def test_what_is_given_is_not_changed_and_the_answer_is_one_finite_number(name: str) -> None:
    loss, inputs = LOSSES[name]
    given = tuple(x.clone() for x in inputs)
    found = loss(*given)
    assert found.shape == ()
    assert torch.isfinite(found)
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


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.integers(2, 7))
def test_the_order_of_pairs_does_not_matter_and_matching_pairs_score_better(seed: int, n: int) -> None:
    p, q = pair(n, 8, seed)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    scale, bias = number(10.0), number(-10.0)
    for loss in (
        lambda a, b: clip(a, b, scale),
        lambda a, b: sigclip(a, b, scale, bias),
        lambda a, b: s2l(a, b, scale, bias, answers(a)),
        lambda a, b: cloob(a, b, scale),
    ):
        assert float(loss(p[order], q[order])) == pytest.approx(float(loss(p, q)), rel=1e-9)
        assert float(loss(p, p)) <= float(loss(p, p.roll(1, 0))) + 1e-9


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
