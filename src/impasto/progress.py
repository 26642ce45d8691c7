"""One progress bar for every long run: how many, at which rate, how long still. On standard error, so pipes stay clean."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

T = TypeVar("T")
console = Console(stderr=True)


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f} {task.fields['unit']}/s" if task.speed else f"- {task.fields['unit']}/s")


Advance = Callable[[int], None]
"""Call it with how many more are done."""


@contextlib.contextmanager
def bar(*, what: str, unit: str, total: int | None = None, done: int = 0) -> Iterator[Advance]:
    """A progress bar that is moved by hand; `done` items count as finished before the start (a resumed run)."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=not console.is_terminal) as shown:
        task = shown.add_task(what, total=total, completed=done, unit=unit)
        yield lambda count: shown.advance(task, count)


def track(items: Iterable[T], *, what: str, unit: str, total: int | None = None, done: int = 0) -> Iterator[T]:
    """Iterate under a progress bar."""
    with bar(what=what, unit=unit, total=total, done=done) as advance:
        for item in items:
            yield item
            advance(1)
