"""The scores of a result one at a time, so that a test can say `score.value`."""

from __future__ import annotations

import pandas as pd

from impasto.evaluation.result import Result
from impasto.evaluation.tidy import NUMBERS, Score


def rows(result: Result) -> list[Score]:
    """One score a row; an interval or chance that is not there is None."""
    records = result.scores.to_dict("records")
    return [Score(**{k: None if k in NUMBERS and pd.isna(v) else v for k, v in r.items()}) for r in records]


def rows_and_details(result: Result) -> tuple[list[Score], dict[str, pd.DataFrame]]:
    """The scores, and the tables of detail by name."""
    return rows(result), result.details()
