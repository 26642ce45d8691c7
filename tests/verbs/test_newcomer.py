"""A newcomer's first evening: two Opera Phenix plates and an Excel platemap, ingested by the first command that the dry run suggests."""

from __future__ import annotations

import itertools
import json
import shlex
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from tests.workbooks import xlsx

from impasto import cli

CHANNELS = ("HOECHST 33342", "Alexa 488", "SYTO 14", "Alexa 568", "MitoTracker Deep Red")
STAINS = {"HOECHST 33342": "DNA", "Alexa 488": "ER", "SYTO 14": "RNA", "Alexa 568": "AGP", "MitoTracker Deep Red": "Mito"}
FOLDERS = {
    "BR001": "BR001__2023-05-02T16_02_51-Measurement 1",
    "BR002": "BR002__2023-05-03T09_12_00-Measurement 1",
}
TREATMENTS = (
    ("A01", "DMSO", 0.0, "Negative control"),
    ("A02", "Paclitaxel", 1.0, "Sample"),
    ("B01", "Paclitaxel", 10.0, "Sample"),
    ("B02", "Bortezomib", 0.5, "Positive control"),
)


def plate(folder: Path, *, identity: str, first: int) -> None:
    """Two rows and columns, two fields, five channels; each plane holds one value of its own, counted from `first`."""
    images = folder / "Images"
    images.mkdir(parents=True)
    entries = []
    for number, (row, column, field, channel) in enumerate(itertools.product((1, 2), (1, 2), (1, 2), range(1, 6))):
        name = f"r{row:02d}c{column:02d}f{field:02d}p01-ch{channel}sk1fk1fl1.tiff"
        tifffile.imwrite(images / name, np.full((8, 8), first + number, dtype=np.uint16))
        entries.append(
            f"<Image><URL>{name}</URL><Row>{row}</Row><Col>{column}</Col><ChannelID>{channel}</ChannelID>"
            f"<ChannelName>{CHANNELS[channel - 1]}</ChannelName></Image>"
        )
    (images / "Index.idx.xml").write_text(
        '<EvaluationInputData xmlns="http://www.perkinelmer.com/PEHH/HarmonyV5"><Plates><Plate>'
        f"<PlateID>{identity}</PlateID></Plate></Plates><Images>{''.join(entries)}</Images></EvaluationInputData>"
    )


def run(command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """What `impasto COMMAND` prints; it must end with exit code 0."""
    monkeypatch.setattr(sys, "argv", ["impasto", *command])
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        cli.main()
    out, err = capsys.readouterr()
    assert not end.value.code, err
    return out


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the newcomer stands in."""
    for first, (name, folder) in zip((100, 500), FOLDERS.items(), strict=True):
        plate(tmp_path / folder, identity=name, first=first)
    header = ("Plate ID", "Well", "Compound", "Conc (µM)", "Type")
    xlsx(tmp_path / "platemap.xlsx", {"Layout": [header, *((name, *row) for name in FOLDERS for row in TREATMENTS)]})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


@pytest.mark.parametrize("as_json", [False, True], ids=["printed", "json"])
def test_the_first_command_that_the_dry_run_suggests_ingests_all(
    bench: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *, as_json: bool
) -> None:
    asked = ["ingest", *FOLDERS.values(), "--platemap", "platemap.xlsx", "--out", "screen", "--dry-run", *(["--json"] if as_json else [])]
    printed = run(asked, monkeypatch, capsys)
    assert not (bench / "screen").exists()
    if as_json:
        suggested = json.loads(printed)["next"]
    else:
        assert "2 channels are no stain's name: 'Alexa 488', 'Alexa 568'" in printed
        suggested = printed.rpartition("next:\n")[2].strip()
    assert suggested.startswith("impasto ingest ")
    run(shlex.split(suggested)[1:], monkeypatch, capsys)

    planes = pd.read_parquet(bench / "screen" / "images.parquet")
    assert len(planes) == 80
    # Every plane: its place and stain are those of its name, its pixels are those that were written there.
    stain_of = dict(enumerate((STAINS[name] for name in CHANNELS), start=1))
    expected = set()
    for first, name in ((100, "BR001"), (500, "BR002")):
        for number, (row, column, field, channel) in enumerate(itertools.product((1, 2), (1, 2), (1, 2), range(1, 6))):
            expected.add((name, f"{'AB'[row - 1]}{column:02d}", str(field), stain_of[channel], first + number))
    read = {(row.plate, row.well, row.site, row.channel, int(tifffile.imread(row.path)[0, 0])) for row in planes.itertuples(index=False)}
    assert read == expected

    wells = pd.read_parquet(bench / "screen" / "wells.parquet").sort_values(["plate", "well"])
    kinds = ["negcon", "trt", "trt", "poscon"]
    assert wells["plate"].tolist() == ["BR001"] * 4 + ["BR002"] * 4
    assert wells["well"].tolist() == [row[0] for row in TREATMENTS] * 2
    assert wells["perturbation"].tolist() == [row[1] for row in TREATMENTS] * 2
    assert wells["concentration"].tolist() == [row[2] for row in TREATMENTS] * 2
    assert wells["control_type"].tolist() == kinds * 2
