"""Small wrong changes, and whether a test notices: `make mutants`, or `python tests/mutants.py --sample 20 --seed 0`.

A change is drawn by a seed from the syntax trees of the source: a comparison turned round, plus for minus, another constant, a `not` or a
`.T` taken away, two arguments exchanged, `max` for `min`. It is planted in a copy of the working tree, never in the tree itself. The tests
run there in this order until one fails: the mirror of the file, the tests beside it that import it, the rest of that folder. The mirror
runs whole; the others until `--beside` seconds of processor time are spent, so a change that only a late test would notice survives.

A change that no test notices is a missing test. A change that means the same is no fault: it is listed with its reason in
`equivalent_mutants.toml`, and the share is of the others. The libraries are imported once; each change is judged in a fork of that process.
"""

from __future__ import annotations

import argparse
import ast
import compileall
import contextlib
import copy
import difflib
import importlib
import importlib.util
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = Path("src/impasto")
LEFT_OUT = ("report", "verbs", "stages", "explorer")
COPIED = ("src", "tests", "recipes", "pyproject.toml", "examples", "docs", "data")
EQUIVALENT = ROOT / "tests" / "equivalent_mutants.toml"
BASELINE_SECONDS = 3600
LIBRARIES = (
    *("numpy", "pandas", "anndata", "pyarrow.parquet", "scipy.stats", "sklearn.pipeline", "torch", "transformers", "matplotlib.pyplot"),
    *("networkx", "zarr", "tifffile", "imagecodecs", "pydantic", "typer", "rich", "safetensors.torch", "rdkit.Chem"),
)
"""What takes long to import and is not ours."""

_COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Gt: ast.LtE, ast.GtE: ast.Lt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.In: ast.NotIn,
    ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_COMPUTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
    ast.FloorDiv: ast.Mult,
}  # fmt: skip
_EXCHANGED = {"max": "min", "min": "max", "any": "all", "all": "any", "argmax": "argmin", "argmin": "argmax", "mean": "sum", "sum": "mean"}

_SYMMETRIC = ("max", "min", "maximum", "minimum")
"""Functions whose arguments can be exchanged without a change."""


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
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name not in _SYMMETRIC:
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
            if ast.dump(other) == ast.dump(node):
                continue  # two equal arguments, exchanged
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


def tests_of(path: Path, *, mirror_only: bool) -> list[str]:
    """The mirrored test, then the tests of its folder that import the module, then the rest of that folder (not of `tests/` itself).

    `mirror_only`: the mirror alone, where there is one.
    """
    inside = path.relative_to(SOURCE)
    folder = ROOT / "tests" / inside.parent
    module = "impasto." + ".".join(inside.with_suffix("").parts).removesuffix(".__init__")
    parent, _, name = module.rpartition(".")
    chosen = [folder / f"test_{inside.stem}.py"]
    if mirror_only and chosen[0].exists():
        return [str(chosen[0].relative_to(ROOT))]
    beside = sorted(folder.glob("test_*.py"))
    for test in beside:
        text = test.read_text()
        if module in text or any(line.startswith(f"from {parent} import") and name in line for line in text.splitlines()):
            chosen.append(test)
    if folder != ROOT / "tests":
        chosen += beside or sorted(folder.parent.glob("test_*.py"))
    return [str(test.relative_to(ROOT)) for test in dict.fromkeys(chosen) if test.exists()]


def equivalents() -> dict[tuple[str, str], str]:
    """File and changed line -> why that change means the same."""
    listed = tomllib.loads(EQUIVALENT.read_text()).get("mutant", []) if EQUIVALENT.exists() else []
    return {(entry["file"], entry["line"]): entry["reason"] for entry in listed}


def changed_line(mutant: Mutant) -> str:
    """The line as the change leaves it, without its indent."""
    return " ".join(line[1:].strip() for line in mutant.diff.splitlines() if line.startswith("+"))


@dataclass
class Trial:
    """A change whose tests run in a fork: the copy it is planted in, the text that stood there before, and the process."""

    mutant: Mutant
    place: Path
    before: str
    process: int


class Budget:
    """A pytest plugin that begins no test any more once the processor time is spent."""

    def __init__(self, seconds: float) -> None:
        self.end = time.process_time() + seconds
        self.spent = False

    def pytest_runtest_logfinish(self) -> None:
        self.spent = self.spent or time.process_time() > self.end

    def pytest_runtest_protocol(self) -> bool | None:
        """True where a test is passed over."""
        return True if self.spent else None


def plant(mutant: Mutant, place: Path, tests: list[str], *, seconds: int, beside: int) -> Trial:
    """Write the change into a copy of the tree and start its tests in a fork of this process."""
    target = place / mutant.path
    before = target.read_text()
    target.write_text(mutant.text)
    # Two texts of one size, written within a second, would share their bytecode.
    Path(importlib.util.cache_from_source(str(target))).unlink(missing_ok=True)
    process = os.fork()
    if process == 0:
        _run_tests(place, tests, seconds=seconds, beside=beside)
    return Trial(mutant, place, before, process)


def _run_tests(place: Path, tests: list[str], *, seconds: int, beside: float = float("inf")) -> None:
    """Run the tests of a copy, the first file whole, and end this process with pytest's exit code: 0 only where all that ran passed."""
    code = 1
    try:
        os.setsid()
        # Processor time, so that a busy machine makes no change look like an endless loop.
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 10))
        os.chdir(place)
        silence = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(silence, stream)
        sys.dont_write_bytecode = True
        os.environ |= {"PYTHONPATH": str(place / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
        sys.path[:] = [str(place), str(place / "src"), *sys.path]
        import pytest

        # Libraries that bring a plugin were imported before pytest could rewrite their assertions; they have none that matter here.
        quiet = ("-q", "-x", "-W", "ignore::pytest.PytestAssertRewriteWarning", "-p", "no:cacheprovider", "-p", "no:xdist")
        code = int(pytest.main([*quiet, tests[0]]))
        if code in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED) and tests[1:]:
            code = int(pytest.main([*quiet, *tests[1:]], plugins=[Budget(beside)]))
        code = 0 if code == pytest.ExitCode.NO_TESTS_COLLECTED else code
    finally:
        os._exit(code)


def verdict(trial: Trial) -> str | None:
    """`caught`, `caught (time)`, `SURVIVED`, or None while the tests still run. Puts the source back where they have ended."""
    ended, status = os.waitpid(trial.process, os.WNOHANG)
    if not ended:
        return None
    with contextlib.suppress(ProcessLookupError):
        os.killpg(trial.process, signal.SIGKILL)
    (trial.place / trial.mutant.path).write_text(trial.before)
    code = os.waitstatus_to_exitcode(status)
    return "SURVIVED" if code == 0 else "caught (time)" if code == -signal.SIGXCPU else "caught"


def judge(
    sample: Sequence[Mutant], places: list[Path], *, seconds: int, beside: int, mirror_only: bool, tell: Callable[[Mutant, str], None]
) -> None:
    """The verdict of every change, as many at a time as there are copies."""
    waiting, running = list(reversed(sample)), dict[int, Trial]()
    same = equivalents()
    while waiting or running:
        while waiting and places:
            mutant = waiting.pop()
            tests = tests_of(mutant.path, mirror_only=mirror_only)
            if (str(mutant.path), changed_line(mutant)) in same:
                tell(mutant, "equivalent")
            elif not tests:
                tell(mutant, "NO TEST")
            else:
                trial = plant(mutant, places.pop(), tests, seconds=seconds, beside=beside)
                running[trial.process] = trial
        for process, trial in list(running.items()):
            outcome = verdict(trial)
            if outcome is not None:
                del running[process]
                places.append(trial.place)
                tell(trial.mutant, outcome)
        time.sleep(0.02)


def pass_unchanged(sample: Sequence[Mutant], place: Path, *, mirror_only: bool) -> bool:
    """Whether the tests pass without any change, all in one process; tests that fail anyway would catch everything."""
    paths = dict.fromkeys(mutant.path for mutant in sample)
    tests = list(dict.fromkeys(test for path in paths for test in tests_of(path, mirror_only=mirror_only)))
    process = os.fork()
    if process == 0:
        _run_tests(place, tests, seconds=BASELINE_SECONDS)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0


def sources(paths: Sequence[str]) -> list[Path]:
    """The files to change: those named, or all outside of what only people look at."""
    chosen = [Path(path) for path in paths] or [SOURCE]
    files = [file.relative_to(ROOT) for path in chosen for file in sorted([ROOT / path] if path.suffix else (ROOT / path).rglob("*.py"))]
    return [file for file in files if file.relative_to(SOURCE).parts[0] not in LEFT_OUT or paths]


def copies(scratch: Path, number: int) -> list[Path]:
    """So many copies of the working tree, compiled."""
    places = [scratch / str(count) for count in range(number)]
    for place in places:
        place.mkdir()
        for name in COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
            elif (ROOT / name).exists():
                shutil.copy(ROOT / name, place / name)
        compileall.compile_dir(place / "src", quiet=1)
    if (ROOT.parent / "shared").is_dir():
        (scratch / "shared").symlink_to(ROOT.parent / "shared")
    return places


def main() -> int:
    parser = argparse.ArgumentParser(description="Plant small wrong changes in a copy of the source, and say which no test notices.")
    parser.add_argument("--sample", type=int, default=20, help="how many")
    parser.add_argument("--seed", type=int, default=0, help="which")
    parser.add_argument("--paths", nargs="*", default=[], help="files or folders, as src/impasto/pretrain")
    parser.add_argument("--workers", type=int, default=2, help="at a time")
    parser.add_argument("--seconds", type=int, default=240, help="processor time for the tests of one change")
    parser.add_argument("--beside", type=int, default=40, help="processor time for the tests beside the mirror")
    parser.add_argument("--skip", type=int, default=0, help="leave out so many of the sample: a run goes on where another ended")
    parser.add_argument("--no-baseline", action="store_true", help="do not run the tests without a change first")
    parser.add_argument("--mirror-only", action="store_true", help="run the mirror of a file alone, where it has one")
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "mutants.txt", help="where the list is written")
    chosen = parser.parse_args()
    everything = [mutant for file in sources(chosen.paths) for mutant in mutants_of(file)]
    sample = random.Random(chosen.seed).sample(everything, min(chosen.sample, len(everything)))
    verdicts: list[str] = []
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="impasto-mutants-") as scratch, chosen.out.open("w") as listing:

        def say(text: str) -> None:
            for stream in (sys.stdout, listing):
                stream.write(text + "\n")
                stream.flush()

        def tell(mutant: Mutant, outcome: str) -> None:
            verdicts.append(outcome)
            say(f"{outcome:14} {mutant.path}:{mutant.line}\n" + "\n".join(f"    {line}" for line in mutant.diff.splitlines()))

        say(f"{len(sample)} of {len(everything)} changes, seed {chosen.seed}")
        os.environ["OMP_NUM_THREADS"] = "1"
        for name in LIBRARIES:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
        places = copies(Path(scratch), chosen.workers)
        if not chosen.no_baseline and not pass_unchanged(sample, places[0], mirror_only=chosen.mirror_only):
            say("the tests of these files fail without a change, so they would catch anything; run them and mend them first")
            return 1
        judge(sample[chosen.skip :], places, seconds=chosen.seconds, beside=chosen.beside, mirror_only=chosen.mirror_only, tell=tell)
        say(summary(verdicts))
    return 0


def summary(verdicts: Sequence[str]) -> str:
    """The share that is caught, of the changes that are not listed as equivalent."""
    caught = sum(outcome.startswith("caught") for outcome in verdicts)
    same, survived, untested = (verdicts.count(outcome) for outcome in ("equivalent", "SURVIVED", "NO TEST"))
    share = f" ({caught / (len(verdicts) - same):.1%})" if len(verdicts) > same else ""
    return f"{caught} of {len(verdicts) - same} caught{share}; {survived} survived, {untested} without a test, {same} more mean the same"


if __name__ == "__main__":
    sys.path.remove(str(Path(__file__).resolve().parent))
    sys.exit(main())
