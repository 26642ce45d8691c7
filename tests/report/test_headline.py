"""The figures that matter, from the tables of a run's evaluations."""

from __future__ import annotations

import pandas as pd

from impasto.report import headline


def test_the_best_profiles_beside_chance_and_baselines() -> None:
    rows = pd.DataFrame(
        {
            "metric": "mAP",
            "protocol": "any",
            "group": ["raw", "corrected", "shuffled labels", "position only"],
            "value": [0.3, 0.5, 0.9, 0.2],
            "chance": [0.1, 0.11, 0.1, 0.1],
        }
    )
    other = rows.assign(metric="recall", value=1.0)
    figure = headline._replicates(pd.concat([rows, other]), "any")
    assert (figure.value, figure.title) == ("0.500", "replicate mAP, corrected; any")
    assert figure.beside == "chance 0.110, shuffled labels 0.900, position only 0.200"


def test_retrieval_is_the_mean_of_both_ways() -> None:
    rows = pd.DataFrame(
        {"metric": ["R@10 profile to text", "R@10 text to profile", "MRR"], "value": [0.2, 0.4, 0.9], "chance": [0.05, 0.1, 0.0]}
    )
    figure = headline._retrieval(rows, "held out")
    assert figure.value == "30.0%"
    assert figure.beside == "20.0% profile to text (chance 5.0%); 40.0% text to profile (chance 10.0%)"
