"""Molecule towers: message passing written out in float64; atoms in any order; the perceptron has the layers it should."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import nn

from impasto.joint.described import Graphs
from impasto.nets.encoders.molecule import MessagePassing, mlp
from impasto.perturbations import molecular_graphs


def gelu(x: float) -> float:
    return 0.5 * x * (1 + math.erf(x / math.sqrt(2)))


def linear(layer: nn.Linear, x: list[float]) -> list[float]:
    return [sum(w * a for w, a in zip(row, x, strict=True)) + b for row, b in zip(layer.weight.tolist(), layer.bias.tolist(), strict=True)]


def norm(layer: nn.LayerNorm, x: list[float]) -> list[float]:
    mean = sum(x) / len(x)
    spread = math.sqrt(sum((v - mean) ** 2 for v in x) / len(x) + layer.eps)
    return [(v - mean) / spread * w + b for v, w, b in zip(x, layer.weight.tolist(), layer.bias.tolist(), strict=True)]


def net(**changes: int) -> MessagePassing:
    torch.manual_seed(0)
    sizes = {"atom_width": molecular_graphs.ATOM_WIDTH, "bond_width": molecular_graphs.BOND_WIDTH, "width": 6, "out": 3, "depth": 2}
    return MessagePassing(**{**sizes, **changes}).double().eval()


def tensors(*smiles: str) -> tuple[torch.Tensor, ...]:
    found = Graphs([molecular_graphs.graph(s) for s in smiles], torch.arange(len(smiles))).take(torch.arange(len(smiles)))
    return tuple(t.double() if t.is_floating_point() else t for t in found)


def naive(model: MessagePassing, molecule: molecular_graphs.Graph) -> list[float]:
    hidden = [linear(model.atoms, a) for a in molecule.atoms.tolist()]
    for bond, update in zip(model.bonds, model.updates, strict=True):
        received = [[0.0] * 6 for _ in hidden]
        for (source, target), features in zip(molecule.ends.T.tolist(), molecule.bonds.tolist(), strict=True):
            message = [gelu(h + e) for h, e in zip(hidden[source], linear(bond, features), strict=True)]
            received[target] = [r + m for r, m in zip(received[target], message, strict=True)]
        first, wide, _, _, narrow = update
        hidden = [
            [
                h + u
                for h, u in zip(
                    mine,
                    linear(narrow, [gelu(x) for x in linear(wide, norm(first, [h + r for h, r in zip(mine, got, strict=True)]))]),
                    strict=True,
                )
            ]
            for mine, got in zip(hidden, received, strict=True)
        ]
    mean = [sum(column) / len(hidden) for column in zip(*hidden, strict=True)]
    return linear(model.last[1], norm(model.last[0], mean))


def test_message_passing_is_the_equation_written_out() -> None:
    model, smiles = net(), ("CC(=O)N", "O", "c1ccncc1")
    found = model(*tensors(*smiles)).tolist()
    for row, text in zip(found, smiles, strict=True):
        np.testing.assert_allclose(row, naive(model, molecular_graphs.graph(text)), rtol=1e-6)


def test_neither_the_order_of_atoms_nor_the_company_counts() -> None:
    model = net()
    one, other, alone = model(*tensors("OCC(N)C#N", "N#CC(N)CO")), model(*tensors("CCCC", "OCC(N)C#N")), model(*tensors("OCC(N)C#N"))
    torch.testing.assert_close(one[0], one[1])
    torch.testing.assert_close(other[1:], alone)


def test_gradients_of_message_passing() -> None:
    model = net(width=4, depth=1)
    atoms, bonds, *rest = tensors("CCO")
    assert torch.autograd.gradcheck(lambda a, b: model(a, b, *rest), (atoms.requires_grad_(), bonds.requires_grad_()))


def test_layers_and_blocks() -> None:
    four = mlp(wide=32, width=16, out=8)
    assert [type(m).__name__ for m in four.modules()].count("Linear") == 4
