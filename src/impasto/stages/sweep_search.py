"""The search of a sweep: every row draws the same settings, as many trials as every other, and its validation part chooses.

Lu et al., CellCLIP, appendix E.2 gives each baseline a learning rate, a warm-up and epochs of its own. Here each seed chooses for itself,
since another seed holds out other perturbations: no trial sees what its row is scored on.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, JsonValue, model_validator

from impasto.schema import InputError
from impasto.settings import Settings
from impasto.training import log

if TYPE_CHECKING:
    import pandas as pd

Changes = dict[str, JsonValue]
"""`STAGE.KEY` of another recipe -> a value. The stages of that recipe say which keys there are, and check the values."""
COLUMNS = ("row", "seed", "trial", "validation", "chance", "chosen", "settings")


class SearchSettings(Settings):
    """How many trials each row and seed has, and among which values they draw."""

    trials: int = Field(ge=1, description="Trials of each row and seed; the first has the first value of each list.")
    values: dict[str, list[JsonValue]] = Field(description="`STAGE.KEY` of the row's recipe -> the values that are tried.")
    seed: int = Field(default=0, description="Of the draw, which is the same for all rows.")

    @model_validator(mode="after")
    def _there_are_so_many(self) -> SearchSettings:
        empty = [key for key, values in self.values.items() if not values]
        if empty or not self.values:
            raise InputError(f"a search needs values to choose among{f'; {empty[0]} has none' if empty else ''}")
        combinations = len(list(itertools.product(*self.values.values())))
        if self.trials > combinations:
            raise InputError(f"{self.trials} trials of {combinations} combinations of values; ask for {combinations} at most")
        return self


@dataclass(frozen=True)
class Trial:
    """One trial of a row and seed.

    Attributes
    ----------
    number
        From 0.
    changes
        What it sets.
    score, chance
        The best validation score of its training, and what a model scores that knows nothing.

    """

    number: int
    changes: Changes
    score: float
    chance: float | None


def draws(settings: SearchSettings, /) -> list[Changes]:
    """What each trial sets.

    Parameters
    ----------
    settings
        The search.

    Returns
    -------
    list[Changes]
        Distinct combinations, `trials` of them: the first values first, the others drawn.

    """
    first, *others = itertools.product(*settings.values.values())
    random.Random(settings.seed).shuffle(others)
    return [dict(zip(settings.values, one, strict=True)) for one in [first, *others][: settings.trials]]


def validated(run: Path, /) -> tuple[float, float | None]:
    """The best validation score of a training.

    Parameters
    ----------
    run
        The folder of a train stage.

    Returns
    -------
    score : float
        Of the weights that were kept.
    chance : float | None
        Of that score, where it is known.

    Raises
    ------
    InputError
        Where the training had no validation part.

    """
    lines = log.read(run / log.FILE)
    scored = [line for line in lines if "validation_score" in line]
    if not scored:
        raise InputError(f"{run} was trained without a validation part, by which a search chooses; set split.validation above 0")
    best = max(scored, key=lambda line: float(line["validation_score"]))
    return float(best["validation_score"]), best.get("validation_chance")


def best(trials: Sequence[Trial], /) -> Trial:
    """The trial with the highest validation score; the earlier one of equal ones.

    Parameters
    ----------
    trials
        Of one row and seed.

    Returns
    -------
    Trial
        One of them.

    """
    return max(trials, key=lambda trial: (trial.score, -trial.number))


def table(tried: Mapping[tuple[str, int], Sequence[Trial]], /) -> pd.DataFrame:
    """Every trial as a row, as `report.chosen.FILE` holds it.

    Parameters
    ----------
    tried
        (row, seed) -> its trials.

    Returns
    -------
    pandas.DataFrame
        With the columns `COLUMNS`.

    """
    import pandas as pd

    return pd.DataFrame(list(_lines(tried)), columns=list(COLUMNS))


def _lines(tried: Mapping[tuple[str, int], Sequence[Trial]]) -> Iterator[tuple[object, ...]]:
    for (label, seed), trials in tried.items():
        for one in trials:
            yield label, seed, one.number, one.score, one.chance, one is best(trials), json.dumps(one.changes, sort_keys=True)
