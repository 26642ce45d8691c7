"""Values for JSON: a missing number is None, never NaN."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def number(value: Any, /) -> float | None:
    """A number of a table.

    Parameters
    ----------
    value
        Of any kind.

    Returns
    -------
    float | None
        None where it is missing, not finite, or no number.

    """
    try:
        known = float(value)
    except (TypeError, ValueError):
        return None
    return known if math.isfinite(known) else None


def shortest(value: Any, /) -> float | None:
    """A number that was kept in single precision, with the fewest digits that say it.

    Parameters
    ----------
    value
        Of any kind.

    Returns
    -------
    float | None
        0.1, and not 0.10000000149; None where it is missing.

    """
    known = number(value)
    return None if known is None else float(str(np.float32(known)))


def whole(value: Any, /) -> int:
    """A count of a table.

    Parameters
    ----------
    value
        Of any kind.

    Returns
    -------
    int
        0 where it is missing.

    """
    known = number(value)
    return 0 if known is None else round(known)


def word(value: Any, /) -> str:
    """A word of a table.

    Parameters
    ----------
    value
        Of any kind.

    Returns
    -------
    str
        `""` where it is missing.

    """
    return value if isinstance(value, str) else ""
