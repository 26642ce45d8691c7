"""A molecule as a drawing, on light and on dark."""

from __future__ import annotations

import pytest

from impasto.explorer import structure
from impasto.schema import InputError

pytest.importorskip("rdkit")


def test_a_molecule_is_drawn_without_a_background() -> None:
    drawn = structure.svg("CC(=O)Oc1ccccc1C(=O)O", dark=False)
    assert "<svg" in drawn
    assert "<rect" not in drawn
    assert structure.svg("CC(=O)Oc1ccccc1C(=O)O", dark=True) != drawn


@pytest.mark.parametrize("text", ["not a structure", "C1CC", "<script>", "C(C"])
def test_what_is_no_molecule_is_a_sentence(text: str) -> None:
    with pytest.raises(InputError, match="cannot be read as SMILES"):
        structure.svg(text, dark=False)
