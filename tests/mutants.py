"""Small wrong changes, and whether a test notices: `make mutants`, or `python tests/mutants.py --sample 20 --seed 0`.

A change is drawn by a seed from the syntax trees of the source: a comparison turned round, plus for minus, another constant, a `not` or a
`.T` taken away, two arguments exchanged, `max` for `min`. It is planted in a copy of the working tree, never in the tree itself, and the
tests that mirror the file run there: `tests/X/test_y.py` of `src/impasto/X/y.py`, and the others of that folder that import it. A change
that no test notices is a missing test. A change that means the same (a tolerance, a default that nothing reaches) is no fault.
"""

from __future__ import annotations

import argparse
import ast
import copy
import difflib
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

ROOT = Path(__file__).resolve().parent.parent
SOURCE = Path("src/impasto")
LEFT_OUT = ("report", "verbs", "stages", "explorer")
COPIED = ("src", "tests", "recipes", "pyproject.toml", "examples", "docs")

_COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Gt: ast.LtE, ast.GtE: ast.Lt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.In: ast.NotIn,
    ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_COMPUTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
    ast.FloorDiv: ast.Mult,
}  # fmt: skip
_EXCHANGED = {"max": "min", "min": "max", "any": "all", "all": "any", "argmax": "argmin", "argmin": "argmax", "mean": "sum", "sum": "mean"}


@dataclass(frozen=True)
class Mutant:
    """One change: a file, the line, and the whole text with the change in it."""

    path: Path
    line: int
    text: str
    diff: str


def variants(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that may stand in the place of this one."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _COMPARED:
        yield ast.Compare(node.left, [_COMPARED[type(node.ops[0])]()], node.comparators)
    if isinstance(node, ast.BinOp) and type(node.op) in _COMPUTED:
        yield ast.BinOp(node.left, _COMPUTED[type(node.op)](), node.right)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.Invert | ast.USub):
        yield node.operand
    if isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.And() if isinstance(node.op, ast.Or) else ast.Or(), node.values)
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        yield ast.Constant(node.value + 1)
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    if isinstance(node, ast.Attribute) and node.attr in ("T", "mT"):
        yield node.value
    if isinstance(node, ast.Attribute) and node.attr in _EXCHANGED:
        yield ast.Attribute(node.value, _EXCHANGED[node.attr], node.ctx)
    if isinstance(node, ast.Call) and len(node.args) >= 2 and not any(isinstance(a, ast.Starred) for a in node.args[:2]):
        yield ast.Call(node.func, [node.args[1], node.args[0], *node.args[2:]], node.keywords)
    if isinstance(node, ast.IfExp):
        yield ast.IfExp(node.test, node.orelse, node.body)


def mutants_of(path: Path) -> list[Mutant]:
    """All changes of a file that change its text and still parse. Annotations, messages and docstrings stay as they are."""
    text = (ROOT / path).read_text()
    tree = ast.parse(text)
    silent: set[int] = set()
    for node in ast.walk(tree):
        hidden = [*(getattr(node, name, None) for name in ("annotation", "returns")), *(getattr(node, "decorator_list", []))]
        hidden += [node] if isinstance(node, ast.Raise | ast.JoinedStr | ast.Import | ast.ImportFrom) else []
        hidden += node.bases if isinstance(node, ast.ClassDef) else []
        silent |= {id(inner) for part in hidden if part is not None for inner in ast.walk(part)}
    found: list[Mutant] = []
    for node in ast.walk(tree):
        if id(node) in silent or not hasattr(node, "lineno"):
            continue
        for other in variants(node):
            changed = _with(text, node, ast.unparse(ast.fix_missing_locations(copy.deepcopy(other))))
            try:
                ast.parse(changed)
            except SyntaxError:
                continue
            lines = difflib.unified_diff(text.splitlines(), changed.splitlines(), n=0, lineterm="")
            diff = "\n".join(line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---"))
            if diff:
                found.append(Mutant(path, node.lineno, changed, diff))
    return found


def _with(text: str, node: ast.AST, replacement: str) -> str:
    """The text with another expression in the place of a node. Offsets of `ast` count bytes."""
    lines = text.encode().splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    first = starts[node.lineno - 1] + node.col_offset  # type: ignore[attr-defined]
    last = starts[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined]
    return (text.encode()[:first] + f"({replacement})".encode() + text.encode()[last:]).decode()


def tests_of(path: Path) -> list[str]:
    """The mirrored test, and the tests of the same folder that import the module."""
    inside = path.relative_to(SOURCE)
    folder = ROOT / "tests" / inside.parent
    module = "impasto." + ".".join(inside.with_suffix("").parts).removesuffix(".__init__")
    parent, _, name = module.rpartition(".")
    chosen = [folder / f"test_{inside.stem}.py"]
    for test in sorted(folder.glob("test_*.py")):
        text = test.read_text()
        if module in text or any(line.startswith(f"from {parent} import") and name in line for line in text.splitlines()):
            chosen.append(test)
    return [str(test.relative_to(ROOT)) for test in dict.fromkeys(chosen) if test.exists()]


def verdict(mutant: Mutant, copy_of_tree: Path, *, limit: float) -> str:
    """`caught`, `caught (time)` or `SURVIVED`, or `NO TEST` where none mirrors the file."""
    tests = tests_of(mutant.path)
    if not tests:
        return "NO TEST"
    target = copy_of_tree / mutant.path
    before = target.read_text()
    target.write_text(mutant.text)
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "-p", "no:cacheprovider", *tests]
    environment = {**os.environ, "PYTHONPATH": str(copy_of_tree / "src"), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(command, cwd=copy_of_tree, env=environment, capture_output=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        return "caught (time)"
    finally:
        target.write_text(before)
    return "SURVIVED" if done.returncode == 0 else "caught"


def sources(paths: Sequence[str]) -> list[Path]:
    """The files to change: those named, or all outside of what only people look at."""
    chosen = [Path(path) for path in paths] or [SOURCE]
    files = [file.relative_to(ROOT) for path in chosen for file in sorted([ROOT / path] if path.suffix else (ROOT / path).rglob("*.py"))]
    return [file for file in files if file.relative_to(SOURCE).parts[0] not in LEFT_OUT or paths]


def main() -> int:
    parser = argparse.ArgumentParser(description="Plant small wrong changes in a copy of the source, and say which no test notices.")
    parser.add_argument("--sample", type=int, default=20, help="how many")
    parser.add_argument("--seed", type=int, default=0, help="which")
    parser.add_argument("--paths", nargs="*", default=[], help="files or folders, as src/impasto/pretrain")
    parser.add_argument("--workers", type=int, default=2, help="at a time")
    parser.add_argument("--limit", type=float, default=240.0, help="seconds for the tests of one change")
    chosen = parser.parse_args()
    everything = [mutant for file in sources(chosen.paths) for mutant in mutants_of(file)]
    sample = random.Random(chosen.seed).sample(everything, min(chosen.sample, len(everything)))
    sys.stdout.write(f"{len(sample)} of {len(everything)} changes, seed {chosen.seed}\n")
    with tempfile.TemporaryDirectory(prefix="impasto-mutants-") as scratch:
        copies: Queue[Path] = Queue()
        for number in range(chosen.workers):
            place = Path(scratch) / str(number)
            place.mkdir()
            for name in COPIED:
                if (ROOT / name).is_dir():
                    shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
                elif (ROOT / name).exists():
                    shutil.copy(ROOT / name, place / name)
            copies.put(place)

        def judged(mutant: Mutant) -> str:
            place = copies.get()
            try:
                found = verdict(mutant, place, limit=chosen.limit)
            finally:
                copies.put(place)
            sys.stdout.write(f"{found:14} {mutant.path}:{mutant.line}\n" + "".join(f"    {line}\n" for line in mutant.diff.splitlines()))
            sys.stdout.flush()
            return found

        with ThreadPoolExecutor(chosen.workers) as pool:
            verdicts = list(pool.map(judged, sample))
    caught = sum(found.startswith("caught") for found in verdicts)
    sys.stdout.write(
        f"{caught} of {len(verdicts)} caught, {verdicts.count('SURVIVED')} survived, {verdicts.count('NO TEST')} without a test\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
