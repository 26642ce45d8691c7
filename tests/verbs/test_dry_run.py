"""The dry run: options become settings and settings the command line again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile

from impasto.stages.ingest import IngestSettings
from impasto.verbs import dry_run


def settings(**values: object) -> IngestSettings:
    return IngestSettings.read({"sources": ["my plates"], **values}, where="test")


def test_words_are_added_to_settings() -> None:
    better = dry_run.with_options(
        settings(channels=["ch1=DNA"]), ("--depth", "3", "--channel", "a=ER", "--channels", "b=RNA,c=AGP", "--set", "columns.well=Position")
    )
    assert better.depth == 3
    assert better.channel == ["a=ER"]
    assert better.channels == ["ch1=DNA", "b=RNA", "c=AGP"]
    assert better.columns == {"well": "Position"}
    same = settings()
    assert dry_run.with_options(same, ("--nonsense", "1")) is same


def test_the_command_of_settings_is_quoted_and_leaves_out_what_was_not_said() -> None:
    command = dry_run.command_of(
        settings(channel=["Alexa 488=ER", "b=RNA"], channels=["x=DNA", "y=AGP"], depth=0, columns={"well": "Position"}), out=Path("o")
    )
    assert command.startswith("impasto ingest 'my plates' ")
    for words in ("--channel 'Alexa 488=ER' --channel b=RNA", "--channels x=DNA,y=AGP", "--depth 0", "--set columns.well=Position"):
        assert words in command
    assert command.endswith("--out o")
    assert dry_run.command_of(settings(), out=Path("o")) == "impasto ingest 'my plates' --out o"


def test_problems_are_solved_by_the_options_that_they_offer(tmp_path: Path) -> None:
    folder = tmp_path / "P1"
    folder.mkdir()
    for depth in (1, 2, 3):
        tifffile.imwrite(folder / f"r01c01f01p{depth:02d}-ch1sk1fk1fl1.tiff", np.zeros((8, 8), dtype=np.uint16))
    result, better, problems = dry_run.mended(settings(sources=[folder], channel=["ch1=DNA"]))
    assert better.depth == 2
    assert [problem.options for problem in problems] == [("--depth", "2")]
    assert len(result.planes) == 1


def test_channels_whose_stain_nobody_can_guess_are_asked_for_and_the_rest_is_told(tmp_path: Path) -> None:
    for number, name in enumerate(("w1", "w2", "Cy5"), start=1):
        tifffile.imwrite(tmp_path / f"A01--W00001--P00001--Z00000--T00000--{name}.tif", np.full((8, 8), number, dtype=np.uint16))
    result, better, problems = dry_run.mended(settings(sources=[tmp_path]))
    assert [problem.options for problem in problems] == [("--channel", "Cy5=Mito", "--channel", "w1=STAIN", "--channel", "w2=STAIN")]
    assert "Say what each is: --channel Cy5=Mito --channel w1=STAIN" in problems[0].sentence
    assert sorted(result.planes["channel"]) == ["Mito", "w1", "w2"]
    assert dry_run.command_of(better, out=Path("o")).endswith("--channel Cy5=Mito --channel w1=STAIN --channel w2=STAIN --out o")
