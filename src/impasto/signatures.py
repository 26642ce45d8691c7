"""Settings from the signature of a function, which is their one owner."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from functools import cache
from typing import Any, get_type_hints

from pydantic import create_model

from impasto.settings import Settings


@cache
def of_function(function: Callable[..., Any], /, *, without: Collection[str] = ()) -> type[Settings]:
    """The settings that a function's keyword-only parameters describe.

    Parameters
    ----------
    function
        Whatever takes its settings by keyword, with types: `evaluate(profiles, /, *, draws: int = 1000)`.
    without
        Parameters that are no settings.

    Returns
    -------
    type
        A class of settings with one field a parameter.

    """
    hints = get_type_hints(function, include_extras=True)
    fields = {
        name: (hints[name], ... if parameter.default is inspect.Parameter.empty else parameter.default)
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and name not in without
    }
    made: type[Settings] = create_model(f"{function.__module__}.{function.__qualname__}", __base__=Settings, **fields)  # type: ignore[call-overload]
    return made
