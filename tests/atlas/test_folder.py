"""The folder of an index: names of files, and what cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from impasto.atlas import folder
from impasto.schema import InputError


def test_files_have_their_places() -> None:
    assert folder.table("wells") == "wells.arrow"
    assert folder.vectors("joint", "perturbations") == "vectors/joint.perturbations.npy"
    assert folder.table_of_hits("curves") == "curves.parquet"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "is not an index; make one with: impasto index"),
        ("[", "cannot be read"),
        ("[1]", "cannot be read"),
        ('{"version": 3}', "is an index of version 3; this impasto reads 1 and 2; make the index again"),
    ],
)
def test_what_cannot_be_read_is_a_sentence(tmp_path: Path, text: str | None, sentence: str) -> None:
    if text is not None:
        (tmp_path / "index.json").write_text(text)
    with pytest.raises(InputError, match=sentence):
        folder.described(tmp_path)


def test_a_folder_without_a_version_is_the_first(tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text("{}")
    assert folder.described(tmp_path)["version"] == 1
