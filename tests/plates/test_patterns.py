"""The pattern language: every preset reads back the names made from words, and no other vendor's."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impasto import schema
from impasto.plates import patterns
from impasto.schema import InputError

PRESETS = {preset.name: preset for preset in patterns.presets()}
Words = dict[str, str]
UUID = st.uuids().map(lambda u: str(u).upper())


def row_letter(row: int) -> str:
    return chr(64 + row) if row < 27 else "A" + chr(64 + row - 26)


@st.composite
def words(draw: st.DrawFn) -> Words:
    """A place, a channel, a prefix: what a microscope puts into a name."""
    row, column = draw(st.integers(1, 32)), draw(st.integers(1, 48))
    letter = row_letter(row)
    lower = draw(st.booleans())
    prefix = draw(st.from_regex(r"[A-Za-z][A-Za-z0-9 -]{0,8}", fullmatch=True))
    return {
        "row": str(row),
        "col": str(column),
        "letter": letter.lower() if lower else letter,
        "site": str(draw(st.integers(1, 99))),
        "number": str(draw(st.integers(1, 9))),
        "depth": str(draw(st.integers(0, 40))),
        "time": str(draw(st.integers(1, 40))),
        "channel": draw(st.sampled_from(["DAPI", "FITC - FITC", "Alexa 488", "Cy5 wix", "µM", "TL-Brightfield"])),
        "prefix": prefix,
        "uuid": draw(UUID),
    }


def n(value: str, width: int) -> str:
    return value.zfill(width)


def imagexpress(w: Words) -> str:
    return (
        f"TimePoint_{w['time']}/ZStep_{w['depth']}/{w['prefix']}_{w['letter']}{n(w['col'], 2)}_s{w['site']}_w{w['number']}{w['uuid']}.TIF"
    )


# Each written from the annex, not from presets.toml: a name, and the words that it must give back.
MADE: dict[str, tuple[Callable[[Words], str], tuple[str, ...]]] = {
    "phenix": (
        lambda w: f"r{n(w['row'], 2)}c{n(w['col'], 2)}f{n(w['site'], 2)}p{n(w['depth'], 2)}rc1-ch{w['number']}sk{w['time']}fk1fl1.tiff",
        ("row", "col", "site", "number", "depth", "time"),
    ),
    "phenix7": (
        lambda w: f"flex_r{n(w['row'], 2)}c{n(w['col'], 2)}f{n(w['site'], 2)}p{n(w['depth'], 2)}-ch{w['number']}t{n(w['time'], 2)}.tiff",
        ("row", "col", "site", "number", "depth", "time"),
    ),
    "columbus": (lambda w: f"{n(w['row'], 3)}{n(w['col'], 3)}-{w['site']}-001001{n(w['number'], 3)}.tif", ("row", "col", "site")),
    "yokogawa": (
        lambda w: (
            f"{w['prefix']}_{w['letter']}{n(w['col'], 2)}_T{n(w['time'], 4)}F{n(w['site'], 3)}"
            f"L01A01Z{n(w['depth'], 2)}C{n(w['number'], 2)}.tif"
        ),
        ("well", "site", "number", "depth", "time"),
    ),
    "cq1": (
        lambda w: f"W{w['site']}F{n(w['number'], 3)}T{n(w['time'], 4)}Z{n(w['depth'], 2)}C{w['number']}.tif",
        ("number", "depth", "time"),
    ),
    "scanr": (
        lambda w: f"{w['letter']}{w['col']}--W00007--P{n(w['site'], 5)}--Z{n(w['depth'], 5)}--T{n(w['time'], 5)}--{w['channel']}.tif",
        ("well", "site", "channel", "depth", "time"),
    ),
    "incell": (
        lambda w: (
            f"{w['prefix']}_{w['letter']} - {n(w['col'], 2)}(fld {w['site']} "
            f"wv {w['channel']} z {w['depth']} time {w['time']} - 12.5 ms).tif"
        ),
        ("row", "col", "site", "channel", "depth", "time"),
    ),
    "incell7": (
        lambda w: f"{w['letter']}_{n(w['col'], 2)}_f{w['site']}_c1_xUV_m{w['channel']}_z{w['depth']}_t{w['time']}.tif",
        ("row", "col", "site", "channel", "depth", "time"),
    ),
    "evos": (
        lambda w: f"{w['prefix']}_R_p{w['time']}_z{w['depth']}_0_{w['letter']}{n(w['col'], 2)}f{n(w['site'], 2)}d{w['number']}.TIF",
        ("well", "site", "number", "depth", "time"),
    ),
    "cellomics": (
        lambda w: f"{w['prefix']}_{w['letter']}{n(w['col'], 2)}f{n(w['site'], 2)}d{w['number']}.C01",
        ("well", "site", "number"),
    ),
    "cytation": (
        lambda w: f"{w['letter']}{w['col']}ROI2_01_3_{w['site']}_{w['channel']}_{n(w['time'], 3)}.tif",
        ("well", "site", "channel", "time"),
    ),
    "incucyte": (lambda w: f"{w['prefix']}_{w['letter']}{w['col']}_{w['site']}_2023y04m05d_12h00m.tif", ("well", "site")),
    "rxrx3": (
        lambda w: f"gene-{n(w['time'], 3)}/Plate{w['site']}/{w['letter']}{n(w['col'], 2)}_s{w['site']}_{w['number']}.jp2",
        ("well", "site", "number"),
    ),
    "rxrx": (
        lambda w: f"HEPG2-{n(w['time'], 2)}/Plate{w['site']}/{w['letter']}{n(w['col'], 2)}_s{w['site']}_w{w['number']}.png",
        ("well", "site", "number"),
    ),
    "micromanager1": (
        lambda w: f"{w['letter']}{w['col']}-Site_{w['site']}/img_{n(w['time'], 9)}_{w['channel']}_{n(w['depth'], 3)}.tif",
        ("well", "site", "channel", "depth", "time"),
    ),
    "micromanager2": (
        lambda w: (
            f"{w['letter']}{w['col']}-Site_{w['site']}/img_channel{n(w['number'], 3)}_"
            f"position004_time{n(w['time'], 9)}_z{n(w['depth'], 3)}.tif"
        ),
        ("well", "site", "number", "depth", "time"),
    ),
    "nikonjobs": (
        lambda w: f"{w['prefix']}_Well{w['letter']}{n(w['col'], 2)}_Channel{w['channel']}_Seq{n(w['site'], 4)}.tif",
        ("well", "site", "channel"),
    ),
    "imagexpress": (imagexpress, ("well", "site", "number", "depth", "time", "prefix", "uuid")),
    "imagexpress1": (
        lambda w: f"TimePoint_{w['time']}/ZStep_{w['depth']}/{w['prefix']}_{w['letter']}{w['col']}_s{w['site']}_w{w['number']}.png",
        ("well", "site", "number", "depth", "time", "prefix"),
    ),
    "ometiff": (lambda w: f"{w['prefix']}_{w['letter']}{n(w['col'], 2)}_f{w['site']}.ome.tif", ("well", "site", "prefix")),
}
SHARED = {frozenset({"evos", "cellomics"}), *(frozenset(two) for two in itertools.combinations(("imagexpress", "imagexpress1", "rxrx"), 2))}
"""Presets that may match the same name: EVOS ends as Cellomics does, RxRx as ImageXpress; the narrower one stands before the other."""


def test_every_preset_is_tried() -> None:
    assert set(MADE) == set(PRESETS)


@pytest.mark.parametrize("name", PRESETS)
@given(w=words())
def test_names_come_back(name: str, w: Words) -> None:
    make, told = MADE[name]
    path = "/data/some folder/" + make(w)
    tail = "/".join(PurePosixPath(path).parts[-1 - PRESETS[name].parents :])
    matched = PRESETS[name].regex.fullmatch(tail)
    assert matched is not None, path
    groups = matched.groupdict()
    for word in told:
        if word == "well":
            assert schema.normal_well(groups["well"]) == f"{w['letter'].upper()}{n(w['col'], 2)}"
        elif word == "row":
            assert groups["row"].upper() in (w["letter"].upper(), n(w["row"], len(groups["row"])))
        elif word in ("col", "site", "number", "depth", "time"):
            assert int(groups[word]) == int(w[word]), (word, path)
        else:
            assert groups[word] == w[word], (word, path)


@pytest.mark.parametrize("name", PRESETS)
@given(w=words())
def test_no_other_preset_takes_them(name: str, w: Words) -> None:
    path = "/data/some folder/" + MADE[name][0](w)
    for other in PRESETS.values():
        tail = "/".join(PurePosixPath(path).parts[-1 - other.parents :])
        if other.name != name and other.regex.fullmatch(tail):
            assert frozenset({name, other.name}) in SHARED, (path, other.name)


@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda p: p.name)
def test_examples_are_names_of_their_preset(preset: patterns.Preset) -> None:
    example = preset.example.replace("<identifier>", "4FC267CE-A735-4A7D-B526-F166E3852A5E")
    assert preset.regex.fullmatch(example)


@pytest.mark.parametrize(
    ("name", "well", "site", "number", "prefix"),
    [
        ("B02_s1_w1836B6AC1-40E4-45B7-BECB-8FA010B76684.tif", "B02", "1", "1", None),
        ("B02_s1_w1C35C9F3D-31AC-4C3A-867E-D1BD72B9219D.tif", "B02", "1", "1", None),
        ("E07_s1512345678-40E4-45B7-BECB-8FA010B76684.tif", "E07", "15", None, None),
        ("IXMtest_A01_s1_w14FC267CE-A735-4A7D-B526-F166E3852A5E.tif", "A01", "1", "1", "IXMtest"),
        ("a_b_c_AF48_w3.TIF", "AF48", None, "3", "a_b_c"),
        ("A01_B02_s3.tif", "B02", "3", None, "A01"),
        ("p_C11.tif", "C11", None, None, "p"),
    ],
)
def test_the_traps_of_imagexpress(name: str, well: str, site: str | None, number: str | None, prefix: str | None) -> None:
    matched = PRESETS["imagexpress"].regex.fullmatch(name)
    assert matched is not None
    assert (matched["well"], matched["site"], matched["number"], matched["prefix"]) == (well, site, number, prefix)


@pytest.mark.parametrize(
    "name",
    [
        "r33c01f01p01-ch1sk1fk1fl1.tiff",
        "r01c49f01p01-ch1sk1fk1fl1.tiff",
        "r00c01f01p01-ch1sk1fk1fl1.tiff",
        "x_AG01_s1_w1.tif",
        "x_A49_s1_w1.tif",
        "x_A00_s1_w1.tif",
        "033001-1-001001001.tif",
        "W1537F001T0001Z01C1.tif",
        "W0F001T0001Z01C1.tif",
        "x_A1_w1.tif",
        "1 - 01(fld 1).tif",
        "B02_s1_w1836B6AC1-40E4-45B7-BECB-8FA010B7668.tif",
    ],
)
def test_a_well_is_never_invented(name: str) -> None:
    assert not [p.name for p in PRESETS.values() if p.regex.fullmatch(name)]


def test_wells_of_the_patterns_are_the_wells_of_the_schema() -> None:
    import re

    letters = [row_letter(row) for row in range(1, 33)]
    for text in [f"{letter}{column:02d}" for letter in [*letters, "AG", "AZ", "BA"] for column in range(52)]:
        assert bool(re.fullmatch(schema.WELL_PATTERN, text)) == schema.is_well(text), text


def test_words_in_braces_and_counts() -> None:
    preset = patterns.own(r"{source}/{batch}/{plate}/{plate}_{well}_\d{3}_{channel}.tif")
    matched = preset.regex.fullmatch("x/lab/b1/P 7/P 7_b3_001_Alexa 488.tif")
    assert matched is not None
    assert {k: matched[k] for k in ("source", "batch", "plate", "well", "channel")} == {
        "source": "lab",
        "batch": "b1",
        "plate": "P 7",
        "well": "b3",
        "channel": "Alexa 488",
    }
    assert preset.regex.fullmatch("lab/b1/P7/P8_b3_001_x.tif") is None, "a word that stands twice is one text"


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("{plate}/{wel}.tif", r"there is no word \{wel\} \(did you mean 'well'\?\); the words are \{source\}, "),
        ("{plate}/{well}(.tif", "is no regular expression"),
        ("{plate}/{site}.tif", r"does not say the well; it needs \{well\}, or \{row\} and \{col\}, or \{wellnumber\}"),
    ],
)
def test_patterns_that_are_none(pattern: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        patterns.own(pattern)


def test_long_names_do_not_hold_any_preset_up() -> None:
    hostile = [
        "A01_" * 60 + "zz.tif",
        "a" * 400 + ".tif",
        "_" * 300 + ".tif",
        "r1c1f1p1-ch1" * 40 + ".tiff",
        "A01_s1_w1" * 30 + ".tif",
        "1_" * 200 + "A1.tif",
    ]
    for preset in PRESETS.values():
        start = time.process_time()
        for name in hostile:
            preset.regex.fullmatch("/".join(["x"] * max(0, preset.parents) + [name]))
        assert time.process_time() - start < 0.5, preset.name
