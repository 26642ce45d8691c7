"""The guides, followed literally: their blocks of code become the files they name, in a copy, and are run."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.correction.plated import plates

from impasto import profiles as tables

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_FILE = re.compile(r'^```python title="(?P<path>[^"]+)"\n(?P<text>.*?)^```', re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^```bash\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL)
GUIDES = {"add-a-corrector.md": ("P.parquet", "C.parquet"), "add-a-task.md": ("P.parquet", "scores/results.csv")}
"""Page -> the profiles that its command reads, and what it leaves."""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package, and what its tests need, in a folder of its own."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "tests" / "correction").mkdir(parents=True)
    shutil.copy(ROOT / "tests" / "correction" / "plated.py", tmp_path / "tests" / "correction")
    return tmp_path


@pytest.mark.parametrize("guide", GUIDES)
def test_a_guide_is_followed_literally(guide: str, copy: Path) -> None:
    page = (DOCS / guide).read_text()
    written = [_write(copy / match["path"], match["text"]) for match in _FILE.finditer(page)]
    # One new file, its test, and one line of a table.
    assert written == ["new file", "new file", "one line"]
    test = next(match["path"] for match in _FILE.finditer(page) if match["path"].startswith("tests/"))
    _run(copy, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test)
    profiles, left = GUIDES[guide]
    tables.write(plates(), copy / profiles)
    (command,) = _COMMAND.finditer(page)
    name, *arguments = shlex.split(command["text"])
    assert name == "impasto"
    _run(copy, sys.executable, "-m", "impasto", *arguments)
    assert (copy / left).exists()


def _write(path: Path, text: str) -> str:
    """Write a new file; or put a line into the table of a family that is there."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return "new file"
    assert len(text.splitlines()) == 1
    before = path.read_text()
    assert before.count("    parts={\n") == 1
    path.write_text(before.replace("    parts={\n", "    parts={\n" + text))
    return "one line"


def _run(folder: Path, *command: str) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder / "src"), str(folder)]), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", sorted([*DOCS.glob("add-a*.md"), DOCS / "plugins.md"]), ids=lambda path: path.name)
def test_the_files_and_tables_that_a_guide_names_are_there(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    named = set(re.findall(r"`((?:src/impasto/|tests/|examples/)?[\w./-]+\.py)`", text))
    own = {"yours.py", "test_yours.py", "centre.py", "reach.py"}
    missing = [
        name
        for name in named
        if Path(name).name not in own and not any((base / name).exists() for base in (ROOT, ROOT / "src" / "impasto"))
    ]
    assert not missing
