"""The search of a sweep: the same draws for all rows, the first values first, the best by validation, the earlier of two equal ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from impasto.schema import InputError
from impasto.stages import sweep_search
from impasto.stages.sweep_search import SearchSettings, Trial

VALUES = {"a.lr": [1, 2, 3], "a.epochs": [10, 20]}


def test_draws_are_distinct_and_begin_with_the_first_values() -> None:
    found = sweep_search.draws(SearchSettings(trials=4, values=VALUES))
    assert found[0] == {"a.lr": 1, "a.epochs": 10}
    assert len({tuple(one.items()) for one in found}) == 4
    assert found == sweep_search.draws(SearchSettings(trials=4, values=VALUES))
    assert len({tuple(map(str, sweep_search.draws(SearchSettings(trials=4, values=VALUES, seed=s)))) for s in range(5)}) > 1
    whole = sweep_search.draws(SearchSettings(trials=6, values=VALUES))
    assert sorted((one["a.lr"], one["a.epochs"]) for one in whole) == [(lr, n) for lr in (1, 2, 3) for n in (10, 20)]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"trials": 7, "values": VALUES}, "7 trials of 6 combinations of values; ask for 6 at most"),
        ({"trials": 1, "values": {"a.lr": []}}, "a.lr has none"),
        ({"trials": 1, "values": {}}, "needs values to choose among"),
    ],
)
def test_searches_that_cannot_be_made_are_sentences(given: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        SearchSettings.read(given, where="search")


def test_the_best_is_the_one_with_the_highest_validation_and_the_earlier_of_equal_ones() -> None:
    trials = [Trial(n, {}, score, None) for n, score in enumerate([0.1, 0.3, 0.3, 0.2])]
    assert sweep_search.best(trials).number == 1


def test_the_score_is_that_of_the_weights_that_were_kept(tmp_path: Path) -> None:
    lines = [{"epoch": n, "validation_score": s, "validation_chance": 0.1} for n, s in enumerate([0.2, 0.5, 0.4])]
    (tmp_path / "log.jsonl").write_text("\n".join(map(json.dumps, [*lines, {"epoch": 3}])))
    assert sweep_search.validated(tmp_path) == (0.5, 0.1)
    (tmp_path / "log.jsonl").write_text(json.dumps({"epoch": 0}))
    with pytest.raises(InputError, match=r"without a validation part.*split.validation above 0"):
        sweep_search.validated(tmp_path)


def test_every_trial_is_written_down() -> None:
    trials = [Trial(0, {"a": 1}, 0.1, 0.05), Trial(1, {"a": 2}, 0.3, 0.05)]
    found = sweep_search.table({("CLIP", 3): trials})
    assert found[["row", "seed", "trial", "validation", "chosen"]].to_numpy().tolist() == [
        ["CLIP", 3, 0, 0.1, False],
        ["CLIP", 3, 1, 0.3, True],
    ]
    assert [json.loads(one) for one in found["settings"]] == [{"a": 1}, {"a": 2}]
