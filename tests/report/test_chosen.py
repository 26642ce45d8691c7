"""What a search chose, below its table."""

from __future__ import annotations

from pathlib import Path

from impasto.report import chosen
from impasto.stages import sweep_search
from impasto.stages.sweep_search import Trial


def test_each_row_and_seed_has_its_trials_its_score_and_its_settings(tmp_path: Path) -> None:
    tried = {
        ("a", 0): [Trial(0, {"m.lr": 1, "m.n": 5}, 0.2, 0.1), Trial(1, {"m.lr": 2, "m.n": 5}, 0.4, 0.1)],
        ("a", 1): [Trial(0, {"m.lr": 1, "m.n": 5}, 0.3, 0.1), Trial(1, {"m.lr": 2, "m.n": 5}, 0.1, 0.1)],
        ("b", 0): [Trial(0, {"m.lr": 1, "m.n": 5}, 0.3, None)],
    }
    sweep_search.table(tried).to_csv(tmp_path / chosen.FILE, index=False)
    assert chosen.text([tmp_path]) == (
        ["", "trials", "validation", "m.lr", "m.n"],
        [
            ["a, seed 0", "2", "0.400 (chance 0.100)", "2", "5"],
            ["a, seed 1", "2", "0.300 (chance 0.100)", "1", "5"],
            ["b, seed 0", "1", "0.300", "1", "5"],
        ],
    )
    assert chosen.text([tmp_path / "nowhere"]) is None
