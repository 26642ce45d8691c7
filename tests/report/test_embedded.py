"""What a report carries equals what the explorer answers; its pictures stand for the brightness that was measured."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import tifffile
from PIL import Image

from impasto import profiles as tables
from impasto.atlas import building
from impasto.atlas.consensus import TREATED_AS
from impasto.explorer import cards, near
from impasto.plates import ingest
from impasto.report import embedded
from impasto.simulate import plates
from impasto.simulate.plan import Plan

PLAN = Plan(perturbations=4, mechanisms=2, controls=4, batches=1, plates=2, pixels=260, cells=3, layout="fixed", doses=[0.5, 1.0])


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> embedded.Carried:
    folder = tmp_path_factory.mktemp("embedded")
    plates.write(PLAN, folder / "sim", seed=1)
    images = ingest.find([folder / "sim" / "images"], platemaps=[folder / "sim" / "platemap.csv"])
    ingest.write(images, folder / "images")
    profiles = tables.read(folder / "sim" / "profiles.parquet")
    profiles.obs.loc[profiles.obs["perturbation"] == "SIM-000", "moa"] = "</script><script>alert(1)</script>"
    building.build(profiles, folder / "index", images=folder / "images", dose_unit="µM", title="t")
    carried = embedded.carried(folder / "index")
    assert carried is not None
    return carried


@pytest.fixture(scope="module")
def values(kept: embedded.Carried) -> dict[str, Any]:
    return json.loads(embedded.data(kept))


def test_it_may_stand_in_a_script(kept: embedded.Carried) -> None:
    text = embedded.data(kept)
    assert "<" not in text
    assert ":NaN" not in text
    assert text == embedded.data(kept)


def test_every_answer_is_that_of_the_explorer(kept: embedded.Carried, values: dict[str, Any]) -> None:
    contents = kept.contents
    assert set(values) == {"format", "about", "columns", "cards", "near", "why", "structures", "images", "pictures"}
    whole = np.flatnonzero(~contents.is_dose & ~contents.negative)
    assert {int(row) for row in values["cards"]} == set(whole.tolist())
    treated = np.flatnonzero(~contents.negative)
    assert {int(row) for row in values["near"]} == set(treated.tolist())
    for row in (int(whole[0]), int(whole[-1])):
        assert values["cards"][str(row)] == json.loads(json.dumps(cards.card(contents, row)))
        asked = near.near(contents, row, space=values["about"]["spaces"][0], top=embedded.TOP)
        assert values["near"][str(row)] == json.loads(json.dumps(asked))
        for other in asked["rows"][: embedded.REASONS]:
            reasons = values["why"][f"{row}/{other['row']}"]
            assert reasons["cosine"] == pytest.approx(other["score"], abs=2e-3)
    for level in ("wells", "perturbations"):
        file = pa.ipc.open_file(base64.b64decode(values["columns"][level])).read_all()
        assert file.num_rows == contents.table(level).num_rows
        assert file.column_names == contents.table(level).column_names
    assert len(values["structures"]) == len(whole)


def test_two_wells_of_each_on_two_plates_and_controls(kept: embedded.Carried, values: dict[str, Any]) -> None:
    rows = kept.contents.well_rows
    carried = {(kept.contents.plates[int(n)], well) for n, own in values["images"].items() for well in own["well"]}
    for row in kept.rows:
        own = [tuple(rows.loc[well, ["plate", "well"]]) for well in kept.contents.members(row)]
        there = [place for place in own if place in carried]
        assert len({plate for plate, _ in there}) == 2
    for plate in kept.contents.plates:
        controls = rows[kept.contents.is_control_well & (rows["plate"] == plate)]
        assert sum((plate, well) in carried for well in controls["well"]) == 4
    for own in values["images"].values():
        assert (own["width"], own["height"]) == (224, 224)
        assert len(own["well"]) == len(own["site"]) == len(own["image"])


def test_a_picture_is_the_middle_of_its_field(kept: embedded.Carried, values: dict[str, Any]) -> None:
    table, root = kept.contents.tables["images"], kept.contents.facts["image_root"]
    row = next(iter(values["pictures"]))
    picture = values["pictures"][row]
    plane = tifffile.imread(Path(root) / table["path"].iloc[int(row)]).astype(float)
    middle = plane[18 : 18 + 224, 18 : 18 + 224]
    number = kept.contents.plates.index(table["plate"].iloc[int(row)])
    channel = values["about"]["channels"].index(table["channel"].iloc[int(row)])
    low, high = values["about"]["windows"][kept.contents.plates[number]][channel]
    assert picture["low"] == low
    assert picture["high"] == pytest.approx(low + 1.5 * (high - low))
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(picture["webp"]))).convert("L")).astype(float)
    back = picture["low"] + (shown / 255) ** 2 * (picture["high"] - picture["low"])
    assert shown.shape == (224, 224)
    assert np.corrcoef(back.ravel(), np.clip(middle, picture["low"], picture["high"]).ravel())[0, 1] > 0.95


def test_eight_bits_by_hand() -> None:
    pixels = np.array([[0, 100, 200, 500, 900]], dtype=np.uint16)
    # (p - 100) / 400: 0, 0, .25, 1, above; roots 0, 0, .5, 1, 1
    assert embedded.encoded(pixels, low=100, high=500).tolist() == [[0, 0, 128, 255, 255]]


def test_neighbours_for_the_table_of_hits(kept: embedded.Carried) -> None:
    table = embedded.near_table(kept)
    assert table.groupby("perturbation").size().eq(embedded.REASONS).all()
    row = kept.rows[0]
    own = table[table["perturbation"] == str(kept.contents.rows[TREATED_AS].iloc[row])]
    assert own["q"].tolist() == [pytest.approx(answer["q"]) for answer in kept.near[row]["rows"][:3]]


def test_the_script_is_that_of_the_explorer() -> None:
    built = embedded.bundle()
    assert built is not None
    assert "</script" not in built[0]
