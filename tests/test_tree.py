"""`tests/` mirrors `src/`: `src/impasto/X/y.py` is tested by `tests/X/test_y.py`."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "impasto"
_PRINTS = "prints what its stage gives: the options in tests/test_options.py, a run in tests/verbs"
_THIN = "reads, calls one function that has its own mirror, and writes; run by the recipes in tests/recipes and tests/verbs"
_PAGE = "its words and numbers are read from whole pages, in tests/report"
_BITS = "its shards make the bits of a table in tests/correction/test_by_plate.py"
SCORES = ("compound_gene_scores", "cross_modal_scores", "replicate_scores", "sister_scores", "naming")
ELSEWHERE = {
    **{
        f"verbs/{name}.py": _PRINTS
        for name in ("check", "embed", "explore", "export", "expression", "finetune", "graph", "index", "status")
    },
    **{f"verbs/{name}.py": _PRINTS for name in ("choose", "map", "montage", "panels", "place", "profile", "report", "table", "train")},
    **{f"stages/{name}.py": _THIN for name in ("cells", "check", "embed", "graph", "index", "montage", "profile", "report", "simulate")},
    **{
        f"stages/{name}.py": "one function with its own mirror; from the command line in tests/verbs/test_maps.py"
        for name in ("map", "place")
    },
    **{f"{where}/import_run.py": "a run from the command line in tests/joint/test_cellclip_weights.py" for where in ("verbs", "stages")},
    "stages/finetune.py": "the protocol by hand in tests/evaluation/test_fine_tuning.py, a run in tests/verbs/test_knowledge.py",
    **{f"report/{name}.py": _PAGE for name in ("neighbours",)},
    "report/choice.py": "its page is read line by line in tests/stages/test_choose.py",
    **{f"evaluation/{name}.py": "parts of a task, by hand in the test of that task" for name in SCORES},
    "version.py": "one word, held against every file that says it in tests/test_release.py",
    "assay/settings.py": "two numbers, which tests/assay/test_check.py reads through the check",
    **{f"correction/{name}.py": _BITS for name in ("plate_plan", "plate_shards", "receipt_shards")},
}
"""Files without a test of their own, and why."""


def without_a_test() -> set[str]:
    files = [file.relative_to(SOURCE) for file in sorted(SOURCE.rglob("*.py")) if file.name not in ("__init__.py", "__main__.py")]
    return {str(file) for file in files if not (ROOT / "tests" / file.parent / f"test_{file.name}").exists()}


def test_every_file_has_its_mirror() -> None:
    missing = without_a_test()
    assert not missing - set(ELSEWHERE), "add tests/X/test_y.py for each src/impasto/X/y.py"
    assert not set(ELSEWHERE) - missing, "these have a test now; take them off the list"


def test_every_exception_has_a_reason() -> None:
    assert all(len(reason.split()) > 1 for reason in ELSEWHERE.values())


def test_only_a_user_asks_the_front_door_for_a_name() -> None:
    # What stands in `impasto/__init__.py` imports the whole house; a module that took a name from there would close a circle.
    modules = {path.stem for path in SOURCE.iterdir()}
    taken = [
        (str(file.relative_to(SOURCE)), name.name)
        for file in sorted(SOURCE.rglob("*.py"))
        if file != SOURCE / "__init__.py"
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "impasto"
        for name in node.names
        if name.name not in modules
    ]
    assert taken == []
