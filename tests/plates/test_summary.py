"""The options that sentences offer, and plates counted."""

from __future__ import annotations

import pandas as pd
import pytest

from impasto.plates import summary


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("no negative control is marked; 12 wells are named DMSO: --negcon DMSO", ("--negcon", "DMSO")),
        (
            "X: 2 channels are no stain's name. Say what: --channel 'Alexa 488=ER' --channel 'Alexa 568=AGP', or --skip-channel NAME",
            ("--channel", "Alexa 488=ER", "--channel", "Alexa 568=AGP"),
        ),
        ("X: 3 planes in depth (0, 1, 2); choose one with --depth 1", ("--depth", "1")),
        ("X: 2 time points (1 to 2); choose one with --time 1, or ingest each into its own folder", ("--time", "1")),
        ("features: --features rest (or a regular expression); annotation: --annotation a,b,c", ("--features", "rest")),
        ("mend it or --leave-out b", ("--leave-out", "b")),
        ("tells them apart: --set columns.plate='Assay plate'; no row was chosen", ("--set", "columns.plate=Assay plate")),
        ("--level site for medians and counts, --level cell to keep them", ("--level", "site")),
        (
            "Say how yours are built: --pattern '{plate}/{well}_s{site}_w{channel}.tif' ({wellnumber} where wells are numbered)",
            (),
        ),
        ("say where they lie: --root FOLDER", ()),
        ("say so: --set columns.well=NAME", ()),
        ("keep one row a well", ()),
        ("X holds no values in X; choose with --layer: layers normalized, obsm X_dinov2 (6)", ("--layer", "normalized")),
        ("X holds no values in X; choose with --layer: obsm X_dinov2 (6)", ("--layer", "X_dinov2")),
        ("X holds no values in X; choose with --layer: there is none", ()),
        ("say the stains in their order: --channels DNA,ER,..., or else", ()),
        ("say the stains in their order: --channels DNA,ER,AGP, or else list them", ("--channels", "DNA,ER,AGP")),
    ],
)
def test_options_in_a_sentence(sentence: str, words: tuple[str, ...]) -> None:
    assert summary.options_in(sentence) == words


def test_plates_are_told_apart_by_batch_and_counted() -> None:
    planes = pd.DataFrame(
        {
            "source": "",
            "batch": ["B1", "B1", "B1", "B2"],
            "plate": "7",
            "well": ["A01", "A01", "A02", "A01"],
            "site": "1",
            "channel": ["DNA", "ER", "DNA", "DNA"],
        }
    )
    rows = summary.plates_of(planes, pd.DataFrame())
    assert [(r["name"], r["wells"], r["sites"], r["channels"], r["missing"]) for r in rows] == [
        ("B1/7", 2, 2, ["DNA", "ER"], 1),
        ("B2/7", 1, 1, ["DNA"], 0),
    ]
    assert summary.plates_of(pd.DataFrame(), pd.DataFrame({"well": ["A01"]})) == []


def test_lines_name_every_column_that_is_left_out() -> None:
    told = summary.lines(summary.Summary(features={"t": {"count": 3, "how": "embeddings"}}, left_out={"t": ["a", "b"], "u": []}))
    assert told == ["t: 3 features: embeddings", "t: 2 columns are no features and are left out: a, b"]


def test_lines_tell_plates_of_images_one_by_one_and_what_they_lack() -> None:
    plate = {"wells": 2, "sites": 4, "channels": ["DNA", "ER"], "type": ("uint16",), "size": ("8x8",)}
    plates = [{"name": f"P{n}", **plate, "missing": n} for n in range(8)]
    told = summary.lines(summary.Summary(plates=[*plates, {"name": "of a table", "wells": 3}]))
    assert told[0] == "plate P0: 2 wells, 4 sites, DNA, ER, uint16, 8x8"
    assert told[5] == "plate P5: 2 wells, 4 sites, DNA, ER, uint16, 8x8; 5 planes are missing"
    assert told[6:] == ["... and 2 more plates; 13 of their planes are missing"]
