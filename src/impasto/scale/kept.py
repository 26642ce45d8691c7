"""What an engine keeps up between the phases of a plan, as workers that take seconds to start. It ends with the plan, however that ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar

_RUNNING: ContextVar[ExitStack | None] = ContextVar("running_plan", default=None)


@contextmanager
def until_the_end() -> Iterator[None]:
    """Inside of it, what engines keep stays up; after it, done or failed, none of that does.

    Yields
    ------
    None
        Nothing.

    """
    with ExitStack() as stack:
        token = _RUNNING.set(stack)
        stack.callback(_RUNNING.reset, token)
        yield


def at_the_end(end: Callable[[], object], /) -> None:
    """End something with the plan that runs.

    Parameters
    ----------
    end
        Called once. Without a plan that runs, nobody calls it.

    """
    stack = _RUNNING.get()
    if stack is not None:
        stack.callback(end)
