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


@pytest.mark.parametrize("source", ["min(a, b)", "np.maximum(a, b)"])
def test_arguments_that_mean_the_same_in_either_order_stay(source: str) -> None:
    function = source.partition("(")[0]
    made = {ast.unparse(other) for node in ast.walk(ast.parse(source)) for other in mutants.variants(node)}
    assert f"{function}(b, a)" not in made


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


def test_the_tests_of_a_file_are_its_mirror_then_those_that_import_it_then_the_rest_of_the_folder() -> None:
    tests = mutants.tests_of(CLIP, mirror_only=False)
    assert tests[0] == "tests/losses/test_clip.py"
    # Those that import the module come before the rest of the folder, each once.
    importing = [test for test in tests[1:] if "impasto.losses.clip import" in (mutants.ROOT / test).read_text()]
    assert importing
    assert tests[1 : 1 + len(importing)] == importing
    assert len(set(tests)) == len(tests)
    assert mutants.tests_of(CLIP, mirror_only=True) == ["tests/losses/test_clip.py"]
    assert mutants.tests_of(Path("src/impasto/whole.py"), mirror_only=False)[0] == "tests/test_whole.py"
    assert "tests/test_cli.py" not in mutants.tests_of(Path("src/impasto/whole.py"), mirror_only=False)


def test_what_only_people_look_at_is_left_out_unless_it_is_named() -> None:
    names = {str(path) for path in mutants.sources([])}
    assert "src/impasto/losses/clip.py" in names
    assert not any(name.startswith(("src/impasto/report/", "src/impasto/verbs/")) for name in names)
    assert mutants.sources(["src/impasto/losses/clip.py"]) == [CLIP]


def test_the_share_is_of_the_changes_that_mean_something_else() -> None:
    verdicts = ["caught"] * 17 + ["caught (time)"] * 2 + ["SURVIVED"] + ["equivalent"] * 3
    assert mutants.summary(verdicts) == "19 of 20 caught (95.0%); 1 survived, 0 without a test, 3 more mean the same"
    assert mutants.summary(["equivalent"]).startswith("0 of 0 caught;")


def test_every_listed_equivalent_is_a_change_of_today_with_a_reason() -> None:
    for (file, line), reason in mutants.equivalents().items():
        assert reason
        assert line in {mutants.changed_line(mutant) for mutant in mutants.mutants_of(Path(file))}, f"{file}: {line} is no change any more"


def test_a_change_is_judged_in_a_copy_and_the_copy_is_put_back(tmp_path: Path) -> None:
    place = tmp_path / "0"
    (place / "src" / "impasto" / "losses").mkdir(parents=True)
    (place / "tests").mkdir()
    (place / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    source = (mutants.ROOT / CLIP).read_text()
    target = place / CLIP
    target.write_text(source)
    test = "from pathlib import Path\n\ndef test_it():\n    assert 'PLANTED' not in Path('src/impasto/losses/clip.py').read_text()\n"
    (place / "tests" / "test_it.py").write_text(test)
    for planted, outcome in (("# PLANTED\n", "caught"), ("# harmless\n", "SURVIVED")):
        trial = mutants.plant(mutants.Mutant(CLIP, 1, planted, f"+{planted}"), place, ["tests/test_it.py"], seconds=60, beside=60)
        assert target.read_text() == planted
        verdict = None
        while verdict is None:
            verdict = mutants.verdict(trial)
        assert verdict == outcome
        assert target.read_text() == source
