"""From channels as they are written to stains: what the user says, what the data set fixes, what is asked."""

from __future__ import annotations

import pytest
from tests.plates.frames import table

from impasto.plates import stains
from impasto.schema import InputError


def named(frame, channel=None, skip=(), fixed=None):  # type: ignore[no-untyped-def]
    planes, notes, problems = stains.named(frame, channel=channel or {}, skip=skip, fixed=fixed or {}, where="W")
    return planes["channel"].astype(str).tolist(), notes, problems


def test_the_user_comes_before_the_data_set_and_that_before_the_name() -> None:
    frame = table(channel=["DAPI", "x", "ch2", "Mito"], number=["1", "2", "3", "4"], well=["A01", "A02", "A03", "A04"])
    names, notes, problems = named(frame, channel={"x": "ER", "w3": "AGP", "ch4": "own:LIPIDS"}, fixed={"x": "RNA", "DAPI": "DNA"})
    assert names == ["DNA", "ER", "AGP", "LIPIDS"]
    assert problems == []
    assert notes == ["channels: AGP = ch2, DNA = DAPI, ER = x, LIPIDS = Mito"]
    names, notes, _ = named(table(channel=["DNA"]))
    assert (names, notes) == (["DNA"], [])


def test_what_is_skipped_is_left_out_and_what_is_not_there_is_said() -> None:
    frame = table(channel=["DNA", "odd"], number=["1", "2"])
    names, notes, problems = named(frame, skip=["w2"])
    assert names == ["DNA"]
    assert notes[0] == "left out, as asked: odd"
    assert problems == []
    assert named(frame, skip=["w3"])[2][0].sentence == "W: there is no channel 'w3'; it has 'DNA', 'odd'"


def test_a_source_of_which_nothing_stays_is_refused() -> None:
    names, _, problems = named(table(channel=["DNA", "ER"]), skip=["DNA", "ER"])
    assert names == []
    assert problems[0].sentence == "W: every channel is left out (DNA, ER); keep one: leave out its --skip-channel, or name its stain"


def test_several_planes_of_bright_field_are_left_out_unless_one_is_named() -> None:
    many = table(channel=["DNA", "Brightfield", "Brightfield H"], number=["1", "2", "3"])
    names, notes, _ = named(many, fixed={"Brightfield": "Brightfield", "Brightfield H": "Brightfield"})
    assert names == ["DNA"]
    assert "left out as bright field: Brightfield, Brightfield H (keep one with --channel Brightfield=Brightfield)" in notes
    names, _, _ = named(many, channel={"Brightfield": "Brightfield"}, fixed={"Brightfield H": "Brightfield"})
    assert "Brightfield" in names
    names, _, _ = named(many[:2].reset_index(drop=True), fixed={"Brightfield": "Brightfield"})
    assert names == ["DNA", "Brightfield"]


def test_unknown_channels_are_asked_for_with_a_guess() -> None:
    (problem,) = named(table(channel=["488", "Cy5"], well=["A01", "A02"]))[2]
    assert problem.options == ("--channel", "488=ER", "--channel", "Cy5=Mito")
    assert "W: 2 channels are no stain's name" in problem.sentence
    assert "(the usual panel; check yours)" in problem.sentence
    (problem,) = named(table(channel=["odd"]))[2]
    assert problem.options == ("--channel", "odd=STAIN")
    assert "W: 1 channel is no stain's name" in problem.sentence
    assert "usual panel" not in problem.sentence


def test_two_channels_of_one_stain_on_a_plate_are_a_problem_and_on_two_plates_are_not() -> None:
    frame = table(channel=["DAPI", "Hoechst"], plate=["P1", "P1"])
    (problem,) = named(frame)[2]
    assert "'DAPI' and 'Hoechst' of plate P1 are both DNA" in problem.sentence
    assert problem.options == ("--skip-channel", "Hoechst")
    assert named(table(channel=["DAPI", "Hoechst"], plate=["P1", "P2"]))[2] == []
    assert named(table(channel=["DAPI", "Hoechst"], batch=["B1", "B2"]))[2] == []


@pytest.mark.parametrize(("said", "stain"), [("ER", "ER"), ("dapi", "DNA"), ("own:LIPIDS", "LIPIDS"), ("own: my dye-2 ", "my dye-2")])
def test_what_the_user_may_say(said: str, stain: str) -> None:
    assert stains.stain_of(said) == stain


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("own:ER", "that is the stain ER"),
        ("own:", "a name has letters"),
        ("own:a_b", "a name has letters"),
        ("own:a|b", "a name has letters"),
        ("lipids", "is no stain"),
    ],
)
def test_what_the_user_may_not_say(said: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        stains.stain_of(said)
