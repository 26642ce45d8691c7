"""Progress: every item comes through, and is counted on standard error."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from impasto import progress


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """A terminal that keeps what is drawn on it."""
    drawn = io.StringIO()
    monkeypatch.setattr(progress, "console", Console(file=drawn, force_terminal=True, width=140))
    return drawn


def test_items_come_through_in_order_and_are_counted(screen: io.StringIO) -> None:
    assert list(progress.track(iter("abc"), what="reading", unit="plates", total=5, done=2)) == ["a", "b", "c"]
    told = screen.getvalue()
    assert "reading" in told
    assert "5/5" in told  # two were done before
    assert "plates/s" in told


def test_an_item_counts_when_the_work_on_it_is_done(screen: io.StringIO) -> None:
    def stopped() -> None:
        for number in progress.track(range(4), what="reading", unit="plates", total=4):
            if number == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert "2/4" in screen.getvalue()
    assert "3/4" not in screen.getvalue()


def test_a_bar_moved_by_hand_counts_as_it_is_told(screen: io.StringIO) -> None:
    with progress.bar(what="writing", unit="rows", total=100) as advance:
        advance(30)
        advance(12)
    assert "42/100" in screen.getvalue()


def test_standard_output_stays_clean(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(progress.track([1], what="reading", unit="plates")) == [1]
    assert capsys.readouterr().out == ""


def test_a_sentence_is_printed_as_it_is_however_long(capsys: pytest.CaptureFixture[str]) -> None:
    sentence = "[bold]P1[/bold]: 3 of 12 wells [red] " + "word " * 60 + "'x' 12.5 https://a.b"
    progress.say(sentence)
    assert capsys.readouterr().out == sentence + "\n"
