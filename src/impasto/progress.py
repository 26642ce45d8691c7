"""One progress bar for every long run (how many, at which rate, how long still), and the sentences that a run says.

The bar goes to standard error, so pipes stay clean. Sentences go to standard output, and to standard error where JSON is printed.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

T = TypeVar("T")
# Plain text in notebooks too: rich's widgets there need a package of their own, and warn without it.
console = Console(stderr=True, force_jupyter=False)
# A pipe has no width of its own: 80 columns would fold all tables.
spoken = Console(width=None if sys.stdout.isatty() else 140, force_jupyter=False)


def say(sentence: str) -> None:
    """Print a sentence as it is: what was inferred, left out or counted while a run works.

    Parameters
    ----------
    sentence
        One line.

    """
    spoken.print(sentence, highlight=False, markup=False, soft_wrap=True)


@contextlib.contextmanager
def silent(quiet: bool, /) -> Iterator[None]:
    """Send sentences to standard error until the end, so that standard output holds JSON only.

    Parameters
    ----------
    quiet
        Whether to do so.

    Yields
    ------
    None
        The block runs under this setting.

    """
    before, spoken.stderr = spoken.stderr, quiet or spoken.stderr
    try:
        yield
    finally:
        spoken.stderr = before


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f} {task.fields['unit']}/s" if task.speed else f"- {task.fields['unit']}/s")


Advance = Callable[[int], None]
"""Call it with how many more are done."""


@contextlib.contextmanager
def bar(*, what: str, unit: str, total: int | None = None, done: int = 0) -> Iterator[Advance]:
    """A progress bar that is moved by hand.

    Parameters
    ----------
    what
        The work, as written before the bar.
    unit
        What one item is: `sites`, `plates`.
    total
        How many items; None where that is not known.
    done
        Items that count as finished before the start (a resumed run).

    Yields
    ------
    Advance
        Call it with how many more are done.

    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=not console.is_terminal) as shown:
        task = shown.add_task(what, total=total, completed=done, unit=unit)
        yield lambda count: shown.advance(task, count)


def track(items: Iterable[T], *, what: str, unit: str, total: int | None = None, done: int = 0) -> Iterator[T]:
    """Iterate under a progress bar.

    Parameters
    ----------
    items
        What to iterate over.
    what, unit, total, done
        See `bar`.

    Yields
    ------
    T
        The items, in order.

    """
    with bar(what=what, unit=unit, total=total, done=done) as advance:
        for item in items:
            yield item
            advance(1)


def hide() -> None:
    """Show no bars in this process: it is a worker of another, which shows its own."""
    console.quiet = True
