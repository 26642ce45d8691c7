"""What an engine keeps up between the phases of a plan, as workers that take seconds to start. It ends with the plan, however that ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar

_KEPT: ContextVar[ExitStack | None] = ContextVar("kept", default=None)


@contextmanager
def until_the_end() -> Iterator[None]:
    """Inside of it, what engines keep stays up; after it, done or failed, none of that does.

    Yields
    ------
    None
        Nothing.

    """
    with ExitStack() as stack:
        token = _KEPT.set(stack)
        stack.callback(_KEPT.reset, token)
        yield


def at_the_end(end: Callable[[], object], /) -> None:
    """End something with the plan that runs.

    Parameters
    ----------
    end
        Called once. Without a plan that runs, nobody calls it.

    """
    stack = _KEPT.get()
    if stack is not None:
        stack.callback(end)
