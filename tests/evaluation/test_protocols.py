"""The names of `--protocol` are those that the tasks take, help lists them, and a page says what each is for."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from typer.testing import CliRunner

from impasto.cli import app
from impasto.evaluation import TASKS, protocols

PAGE = Path(__file__).resolve().parents[2] / "docs" / "protocols.md"


@pytest.mark.parametrize("task", sorted(TASKS))
def test_a_task_takes_the_protocols_that_are_listed(task: str) -> None:
    function = TASKS[task]
    taken = get_args(get_type_hints(function)["protocol"]) if "protocol" in inspect.signature(function).parameters else ()
    assert taken == protocols.BY_TASK.get(task, ())


def test_help_lists_them_without_loading_torch() -> None:
    ran = CliRunner().invoke(app, ["evaluate", "--help"], env={"COLUMNS": "2000", "TERMINAL_WIDTH": "2000"})
    assert ran.exit_code == 0, ran.output
    words = re.sub(r"[\s│]+", " ", ran.output)
    for task, names in protocols.BY_TASK.items():
        assert f"{task}: {', '.join(names)}" in words
    code = "import sys; import impasto.evaluation.protocols; assert not {'torch', 'pandas', 'anndata'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_page_has_a_row_for_each() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    named = {
        (task, name) for line in rows for name in re.findall(r"`([\w-]+)`", line.split("|")[1]) for task in line.split("|")[2].split(", ")
    }
    named = {(task.strip(), name) for task, name in named}
    assert named == {(task, name) for task, names in protocols.BY_TASK.items() for name in names}
