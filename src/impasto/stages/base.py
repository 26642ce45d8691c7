"""What every kind of stage says of itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from impasto.settings import Settings


@dataclass(frozen=True)
class Verb:
    """One kind of stage.

    Attributes
    ----------
    settings
        Checks what it is told.
    inputs
        The paths that a run with these settings reads.
    run
        `run(settings, out)` leaves the result at `out`.
    result
        The name of that result inside a stage's folder; `""` is the folder itself.

    """

    settings: type[Settings]
    inputs: Callable[[Any], Sequence[Path]]
    run: Callable[[Any, Path], None]
    result: str
