"""Whether a training taught the net anything, judged by its own log: the first thing to read of a run.

A run is called *not trained* in three cases. A term of its loss ends within 5 % of what uniform answers are worth. The weights that are
kept score below chance on held-out rows. Or they are from before the end of the warm-up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

OF_UNIFORM = "_of_uniform"
"""After the name of a term: its value over that of uniform answers."""
MOST = 0.95
KEY = "not_trained"
"""The entry of the last line of a log."""


def kept_line(lines: Sequence[Mapping[str, Any]], /) -> Mapping[str, Any]:
    """The line of the epoch whose weights are kept.

    Parameters
    ----------
    lines
        Of a log, one an epoch; at least one.

    Returns
    -------
    Mapping[str, Any]
        The first with the best validation score; the last where nothing was validated.

    """
    scored = [line for line in lines if "validation_score" in line]
    return max(scored, key=lambda line: line["validation_score"]) if scored else lines[-1]


def reasons(lines: Sequence[Mapping[str, Any]], /, *, warmup: int) -> list[str]:
    """Why a run counts as not trained.

    Parameters
    ----------
    lines
        Of its log, one an epoch.
    warmup
        Steps of the warm-up.

    Returns
    -------
    list[str]
        Sentences; empty where nothing speaks against it.

    """
    if not lines:
        return []
    best = kept_line(lines)
    sentences = [
        f"{name.removesuffix(OF_UNIFORM)} is {value:.2f} of what uniform answers are worth"
        for name, value in lines[-1].items()
        if name.endswith(OF_UNIFORM) and value > MOST
    ]
    if "validation_chance" in best and best["validation_score"] < best["validation_chance"]:
        sentences.append(f"its best validation score, {best['validation_score']:.3f}, is below chance, {best['validation_chance']:.3f}")
    if best["step"] <= warmup:
        sentences.append(f"the weights that are kept are of step {best['step']}, and the warm-up ends after step {warmup}")
    return sentences


def sentence(sentences: Sequence[str], /) -> str:
    """The reasons as one sentence.

    Parameters
    ----------
    sentences
        At least one.

    Returns
    -------
    str
        Begins with `not trained`.

    """
    return f"not trained: {'; '.join(sentences)}"
