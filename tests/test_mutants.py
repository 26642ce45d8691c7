"""The changes that `make mutants` plants: each differs from the source, parses, and is judged by the tests that mirror the file."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from tests import mutants

CLIP = Path("src/impasto/losses/clip.py")


@pytest.mark.parametrize(
    ("source", "changed"),
    [
        ("a < b", "a >= b"),
        ("a == b", "a != b"),
        ("a + b", "a - b"),
        ("not a", "a"),
        ("a and b", "a or b"),
        ("a.T", "a"),
        ("f(a, b)", "f(b, a)"),
        ("a.max()", "a.min"),
        ("a if c else b", "b if c else a"),
        ("True", "False"),
        ("0.5", "1.5"),
    ],
)
def test_each_kind_of_change(source: str, changed: str) -> None:
    made = {ast.unparse(other) for node in ast.walk(ast.parse(source)) for other in mutants.variants(node)}
    assert changed in made


def test_a_change_is_one_place_of_one_file_and_leaves_annotations_and_messages_alone() -> None:
    found = mutants.mutants_of(CLIP)
    text = (mutants.ROOT / CLIP).read_text()
    assert any("candidates" in mutant.diff and ".T" not in mutant.diff.splitlines()[-1] for mutant in found)
    for mutant in found:
        assert mutant.text != text
        ast.parse(mutant.text)
        removed, added = mutant.diff.splitlines()
        assert removed.startswith("-")
        assert added.startswith("+")
        assert text.splitlines()[mutant.line - 1] == removed[1:]


def test_the_tests_of_a_file_are_its_mirror_and_those_beside_it_that_import_it() -> None:
    assert mutants.tests_of(CLIP)[0] == "tests/losses/test_clip.py"
    assert "tests/losses/test_cwcl.py" not in mutants.tests_of(Path("src/impasto/losses/nt_xent.py"))


def test_what_only_people_look_at_is_left_out_unless_it_is_named() -> None:
    names = {str(path) for path in mutants.sources([])}
    assert "src/impasto/losses/clip.py" in names
    assert not any(name.startswith(("src/impasto/report/", "src/impasto/verbs/")) for name in names)
    assert mutants.sources(["src/impasto/losses/clip.py"]) == [CLIP]
