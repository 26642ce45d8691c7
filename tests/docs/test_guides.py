"""The guides, followed literally: their blocks of code become the files they name, in a copy, and are run."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from tests.correction.plated import plates

from impasto import profiles as tables

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_FILE = re.compile(r'^```python title="(?P<path>[^"]+)"\n(?P<text>.*?)^```', re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^```bash\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL)
GUIDES = {"add-a-corrector.md": "C.parquet", "add-a-task.md": "scores/results.csv", "add-a-reader.md": "INGESTED/images.parquet"}
"""Page -> what its command leaves."""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package, and what its tests need, in a folder of its own. What is compiled comes too, for its files keep their times."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("*.pyc.*"))  # those are being written
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
    tables.write(plates(), copy / "P.parquet")
    _paint(copy / "PLATES")
    (command,) = _COMMAND.finditer(page)
    name, *arguments = shlex.split(command["text"])
    assert name == "impasto"
    _run(copy, sys.executable, "-m", "impasto", *arguments)
    assert (copy / GUIDES[guide]).exists()


def test_the_guide_to_losses_is_followed_literally(copy: Path) -> None:
    """It has no command of its own: what every loss must have is tried instead, with the new one among them."""
    page = (DOCS / "add-a-loss.md").read_text()
    assert [_write(copy / match["path"], match["text"]) for match in _FILE.finditer(page)] == ["new file", "new file", "one line"]
    for name in ("test_losses.py", "by_hand.py"):
        shutil.copy(ROOT / "tests" / "losses" / name, copy / "tests" / "losses")
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    _run(copy, *command, "tests/losses/test_margin.py", "tests/losses/test_losses.py")


def _paint(folder: Path) -> None:
    """Two plates in the layout of the guide to readers."""
    for name in ("P1/DNA/A01=1.tif", "P1/ER/A01=1.tif", "P2/DNA/B02=2.tif", "P2/ER/B02=2.tif"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(folder / name, np.full((8, 8), 7, dtype=np.uint16))


def test_a_misspelt_name_is_answered_in_the_words_of_the_guide(copy: Path) -> None:
    for match in _FILE.finditer((DOCS / "add-a-corrector.md").read_text()):
        _write(copy / match["path"], match["text"])
    tables.write(plates(), copy / "P.parquet")
    with pytest.raises(AssertionError, match="did you mean 'centre'"):
        _run(copy, sys.executable, "-m", "impasto", "correct", "P.parquet", "--method", "center", "--out", "C.parquet")


def _write(path: Path, text: str) -> str:
    """Write a new file; or put a line into the table of a family that is there."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return "new file"
    assert len(text.splitlines()) == 1
    before = path.read_text()
    assert before.count("parts={") == 1
    path.write_text(before.replace("parts={", "parts={\n" + text))
    return "one line"


def _run(folder: Path, *command: str) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder / "src"), str(folder)]), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", sorted([*DOCS.glob("add-a*.md"), DOCS / "plugins.md"]), ids=lambda path: path.name)
def test_the_files_and_tables_that_a_guide_names_are_there(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    named = set(re.findall(r"`((?:src/impasto/|tests/|examples/)?[\w./-]+\.py)`", text))
    own = {"yours.py", "test_yours.py", "margin.py", "centre.py", "reach.py", "equals.py"}
    missing = [
        name
        for name in named
        if Path(name).name not in own and not any((base / name).exists() for base in (ROOT, ROOT / "src" / "impasto"))
    ]
    assert not missing
