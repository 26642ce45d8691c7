"""Which wells share a source token: the widest column that holds several values, named by all keys that the run knows."""

from __future__ import annotations

import pandas as pd
import pytest

from impasto.correction.cellpaintr import sources


@pytest.mark.parametrize(
    ("columns", "by", "expected"),
    [
        ({"source": ["S1", "S2"], "plate": ["P1", "P2"]}, "auto", "source"),
        ({"source": ["S1", "S1"], "batch": ["B1", "B2"], "plate": ["P1", "P2"]}, "auto", "batch"),
        ({"source": ["S1", "S2"], "batch": ["B1", "B2"], "plate": ["P1", "P2"]}, "auto", "source"),
        ({"source": ["S1", "S2", "S1"], "batch": ["B1", "B2", "B3"], "plate": ["P1", "P2", "P3"]}, "auto", "batch"),
        ({"source": ["S1", "S2"], "batch": ["B1", "B1"], "plate": ["P1", "P2"]}, "auto", "source"),
        ({"source": ["S1", None], "plate": ["P1", "P2"]}, "auto", "plate"),
        ({"batch": ["B1", "B1"], "plate": ["P1", "P1"]}, "auto", "batch"),
        ({"well": ["A01", "A02"]}, "auto", "source"),
        ({"source": ["S1", "S2"], "plate": ["P1", "P2"]}, "plate", "plate"),
    ],
)
def test_the_column_of_the_tokens(columns: dict[str, list[str]], by: str, expected: str) -> None:
    assert sources.column(pd.DataFrame(columns), by) == expected


def test_plates_of_one_name_in_two_batches_are_two_unless_the_run_knew_plates_by_name_only() -> None:
    obs = pd.DataFrame({"batch": ["B1", "B2", "B1"], "plate": ["P1", "P1", "P2"]})
    apart = sources.names(obs, {"by": "plate", "source_keys": ["batch", "plate"]})
    assert len(set(apart)) == 3
    assert sources.names(obs, {"by": "plate"}).tolist() == ["P1", "P1", "P2"]
