"""What a row needs and this machine lacks: files, weights and extras, each by what brings it, and the words of a table."""

from __future__ import annotations

from pathlib import Path

import pytest

from impasto import lacking
from impasto.nets.encoders import weights
from impasto.report import not_run
from impasto.schema import InputError


def test_a_file_that_is_not_there_is_named_without_detours(tmp_path: Path) -> None:
    (tmp_path / "here.csv").touch()
    paths = [tmp_path / "here.csv", tmp_path / "x" / ".." / "gone.csv", tmp_path]
    assert lacking.of_files(paths) == [str(tmp_path / "gone.csv")]


def test_weights_are_brought_by_fetch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "is_here", lambda name: name == "efficientnet_lite0")
    assert lacking.of_weights(["efficientnet_lite0", "dinov2_s14"]) == ["impasto fetch dinov2_s14"]
    with pytest.raises(InputError, match="packaged weights"):
        lacking.of_weights(["dinov9"])


def test_an_extra_is_brought_by_pip_and_none_is_needed_where_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(lacking.EXTRAS, "scvi", "a_module_that_nobody_has")
    monkeypatch.setitem(lacking.EXTRAS, "scanorama", "json")
    assert lacking.of_extra("scvi") == ["pip install 'impasto[scvi]'"]
    assert lacking.of_extra("scanorama") == [] == lacking.of_extra("")


def test_a_table_and_the_terminal_say_it_in_one_way() -> None:
    needs = ["a.csv", "impasto fetch minilm"]
    assert lacking.said(needs) == "not run: needs a.csv and impasto fetch minilm"
    (_, joined), _ = not_run.frame([("mine", needs), ("theirs", [])]).itertuples(index=False)
    assert not_run.line("mine", joined, columns=3) == ["mine", "not run: needs a.csv and impasto fetch minilm", "", ""]
