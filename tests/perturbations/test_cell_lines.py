"""Cell-line tokens around a method: vectors by name, one told line a row, copies that begin alike, refusals."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from impasto.nets.encoders.resnet import ResNet
from impasto.nets.encoders.vit import ViT
from impasto.nets.teacher import Teacher
from impasto.perturbations import cell_lines
from impasto.perturbations.cell_lines import CellLineSettings, WithCellLines
from impasto.schema import InputError
from impasto.training.method import Method, Minibatch, Prepared, Step

NAMES = ["U2OS", "A549", "HeLa", "MCF7", "HepG2", "K562"]


@dataclass(frozen=True)
class Images(Minibatch):
    pictures: Tensor
    unit: Tensor
    partner: Tensor

    @property
    def size(self) -> int:
        return len(self.pictures)


class Watched(Method):
    """An encoder and its teacher."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = ViT(channels=1, size=16, patch=8, width=8, depth=1, heads=2)
        self.teacher = Teacher(self.encoder)

    def forward(self, minibatch: Images, /) -> Step:
        seen = self.encoder.represent(minibatch.pictures)
        return Step({"apart": (seen - self.teacher.net.represent(minibatch.pictures)).square().sum()}, {"main": seen})

    def embed(self, minibatch: Images, /) -> Tensor:
        return self.encoder.represent(minibatch.pictures)


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    values = np.random.default_rng(0).normal(size=(6, 3))
    pd.DataFrame(values, columns=list("xyz")).assign(cell_line=NAMES).to_csv(tmp_path / "v.csv", index=False)
    return tmp_path / "v.csv"


def prepared(*lines: object) -> Prepared:
    torch.manual_seed(0)
    return Prepared(Watched().eval(), None, None, {"old": 1}, units=pd.DataFrame({"cell_line": lines}))


def images(units: list[int], partners: list[int] | None = None) -> Images:
    same = torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(0)).expand(len(units), -1, -1, -1)
    return Images(same, torch.tensor(units), torch.tensor(units if partners is None else partners))


def chosen(vectors: Path, **more: object) -> CellLineSettings:
    return CellLineSettings.read({"vectors": str(vectors), **more}, where="test")


def test_vectors_are_found_by_name_and_dealt_anew_for_the_control(vectors: Path) -> None:
    table = pd.read_csv(vectors).set_index("cell_line")
    found, known = cell_lines.vectors_of(chosen(vectors), ["hela", "nobody", "U-2 OS"], seed=0)
    assert known.tolist() == [True, False, True]
    np.testing.assert_allclose(found[[0, 2]], table.loc[["HeLa", "U2OS"]], rtol=1e-6)
    dealt, _ = cell_lines.vectors_of(chosen(vectors, lines="shuffled"), NAMES, seed=1)
    again, _ = cell_lines.vectors_of(chosen(vectors, lines="shuffled"), NAMES, seed=1)
    assert torch.equal(dealt, again)
    assert not np.allclose(dealt, table)
    np.testing.assert_allclose(np.sort(dealt, axis=0), np.sort(table, axis=0), rtol=1e-6)


def test_each_row_is_read_with_the_tokens_of_its_own_line(vectors: Path) -> None:
    made = cell_lines.add(prepared("U2OS", "A549", "nobody", "U2OS"), chosen(vectors), seed=0)
    method = made.method
    assert isinstance(method, WithCellLines)
    method.eval()  # in training some rows are told as of an unknown line
    with torch.no_grad():
        seen = method(images([0, 1, 2, 3])).embeddings["main"]
        unknown = method.embed(images([0]))
    assert torch.equal(seen[0], seen[3])
    assert not torch.allclose(seen[0], seen[1])
    torch.testing.assert_close(seen[2:3], unknown)  # a line without a vector, and a row of which nothing is told
    assert made.facts["old"] == 1
    assert made.facts["cell_lines"]["lines_known"] == ["A549", "U2OS"]
    assert made.facts["cell_lines"]["lines_unknown"] == ["nobody"]
    with torch.no_grad(), cell_lines.reading(method, torch.tensor([1])):
        torch.testing.assert_close(method.embed(images([0])), seen[1:2])


def test_a_teacher_begins_with_its_students_tokens_and_does_not_learn(vectors: Path) -> None:
    method = cell_lines.add(prepared("U2OS", "A549"), chosen(vectors), seed=0).method.eval()
    with torch.no_grad():
        assert float(method(images([0, 1])).loss) == 0.0
    student, teacher = method.method.encoder.trunk.lines, method.method.teacher.net.trunk.lines
    assert all(p.requires_grad for p in student.parameters())
    assert not any(p.requires_grad for p in teacher.parameters())
    fresh = {name for name, _ in method.method.named_parameters() if ".lines." in name}
    assert fresh
    assert all(name.endswith(("project.weight", "project.bias", "unknown")) and ".trunk.lines." in name for name in fresh)


def test_a_run_gets_its_tokens_back(vectors: Path) -> None:
    made = cell_lines.add(prepared("U2OS", "A549"), chosen(vectors, tokens=3), seed=0)
    again = Watched().eval()
    assert cell_lines.reattach(again, made.facts) == "trained with cell-line tokens; read as of an unknown line"
    again.load_state_dict(made.method.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(again.embed(images([0])), made.method.embed(images([0])))
    plain = Watched()
    before = set(plain.state_dict())
    assert cell_lines.reattach(plain, {"old": 1}) == ""
    assert set(plain.state_dict()) == before
    with cell_lines.reading(plain, torch.tensor([0])):
        pass


def test_pairs_of_two_lines_and_methods_and_data_without_lines_are_refused(vectors: Path) -> None:
    method = cell_lines.add(prepared("U2OS", "A549", "U2OS"), chosen(vectors), seed=0).method
    method(images([0, 1], [2, 1]))
    with pytest.raises(InputError, match="a pair joins two cell lines; pair within one"):
        method(images([0, 1], [1, 1]))
    with pytest.raises(InputError, match="has none of the cell lines nobody, someone"):
        cell_lines.add(prepared("someone", "nobody"), chosen(vectors), seed=0)
    with pytest.raises(InputError, match="the data have no column cell_line"):
        cell_lines.add(Prepared(Watched(), None, None, {}, units=pd.DataFrame({"plate": ["P"]})), chosen(vectors), seed=0)
    with pytest.raises(InputError, match="need an encoder with a trunk of tokens"):
        cell_lines.attach(nn.Sequential(ResNet(channels=1, layers=18)), dim=3, tokens=1, drop=0.0)


def test_what_is_left_out_is_as_documented() -> None:
    fields = CellLineSettings.model_fields
    assert (fields["tokens"].default, fields["drop"].default) == (2, 0.1)
