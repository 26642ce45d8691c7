"""A training curve: loss on the left, the first score that the log has on the right."""

from __future__ import annotations

from matplotlib.figure import Figure

from impasto.report.figures import curve


def test_points_are_those_of_the_log() -> None:
    axes = Figure().subplots()
    log = [{"epoch": 1, "loss": 3.0}, {"epoch": 2, "loss": 2.0, "embedding_rank": 7.0}, {"epoch": 3, "loss": 1.0, "embedding_rank": 9.0}]
    assert curve.draw(log, axes) is axes
    assert axes.lines[0].get_xydata().tolist() == [[1, 3], [2, 2], [3, 1]]
    right = axes.figure.axes[1]
    assert right.lines[0].get_xydata().tolist() == [[2, 7], [3, 9]]
    assert right.get_ylabel() == "rank of embeddings"
    log[0]["validation_score"] = 0.5
    both = Figure().subplots()
    curve.draw(log, both)
    assert both.figure.axes[1].get_ylabel() == "validation MRR"
    alone = Figure().subplots()
    curve.draw([{"epoch": 1, "loss": 3.0}], alone)
    assert len(alone.figure.axes) == 1
