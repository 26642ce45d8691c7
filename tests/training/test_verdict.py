"""When a run counts as not trained: uniform answers, below chance, from before the end of the warm-up."""

from __future__ import annotations

from impasto.training import verdict


def line(epoch: int, **values: object) -> dict[str, object]:
    return {"epoch": epoch, "step": 10 * (epoch + 1), **values}


def test_a_run_that_learned_has_no_reasons() -> None:
    lines = [line(0, match_of_uniform=0.99, validation_score=0.3, validation_chance=0.2), line(1, match_of_uniform=0.7)]
    assert verdict.reasons(lines, warmup=9) == []
    assert verdict.reasons([], warmup=3) == []


def test_uniform_answers_at_the_end() -> None:
    lines = [line(0, match_of_uniform=0.5), line(1, match_of_uniform=2.05 / 2.08)]
    assert verdict.reasons(lines, warmup=0) == ["match is 0.99 of what uniform answers are worth"]
    assert verdict.reasons([line(0, match_of_uniform=0.95)], warmup=0) == []
    assert verdict.sentence(verdict.reasons(lines, warmup=0)) == "not trained: match is 0.99 of what uniform answers are worth"


def test_the_best_score_below_chance_and_weights_from_the_warmup() -> None:
    lines = [line(n, validation_score=score, validation_chance=0.5) for n, score in enumerate([0.4, 0.3, 0.2])]
    assert verdict.kept_line(lines)["epoch"] == 0
    assert verdict.reasons(lines, warmup=16) == [
        "its best validation score, 0.400, is below chance, 0.500",
        "the weights that are kept are of step 10, and the warm-up ends after step 16",
    ]
    assert len(verdict.reasons(lines, warmup=10)) == 2
    assert len(verdict.reasons(lines, warmup=9)) == 1
    assert verdict.kept_line([line(0), line(1)])["epoch"] == 1
