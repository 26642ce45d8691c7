from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

pytest.importorskip("skimage", reason="scikit-image is not installed (pip install 'impasto[classical]')")

from impasto import recipe
from impasto.cells import image_run, segmenters
from impasto.cells.folder import Cells
from impasto.cells.segment import nuclei
from impasto.schema import InputError
from impasto.simulate import paint, truth
from impasto.stages.cells import CellsSettings, understood
from impasto.stages.ingest import IngestSettings

AREAS = [f"{compartment}_AreaShape_Area" for compartment in ("Nuclei", "Cytoplasm", "Cells")]
WELLS = ("A01", "A02", "B01", "B02")


@pytest.fixture(scope="module")
def sites() -> list[truth.Painted]:
    return [truth.site(seed, cells=12, pixels=256, magnification=1.0) for seed in range(4)]


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory, sites: list[truth.Painted]) -> Path:
    folder = tmp_path_factory.mktemp("plates")
    (folder / "P1").mkdir()
    for well, site in zip(WELLS, sites, strict=True):
        for channel, plane in zip(paint.CHANNELS, site.planes, strict=True):
            empty = np.random.default_rng(0).normal(500, 20, plane.shape).astype(np.uint16)
            tifffile.imwrite(folder / "P1" / f"{well}_s1_{channel}.tif", empty if well == "B02" else plane)
    (folder / "map.csv").write_text("well,perturbation,control_type\nA01,DMSO,negcon\nA02,DMSO,negcon\nB01,x,trt\nB02,dead,trt\n")
    settings = {"sources": [str(folder / "P1")], "platemap": [str(folder / "map.csv")], "pattern": "{well}_s{site}_{channel}.tif"}
    recipe.execute("ingest", IngestSettings.read(settings, where="test"), out=folder / "ingested")
    return folder / "ingested"


def cells_of(ingested: Path, out: Path, **settings: object) -> Cells:
    recipe.execute("cells", CellsSettings.read({"sources": [str(ingested)], **settings}, where="test"), out=out)
    return Cells(out)


def test_cells_of_images_lie_where_they_were_painted(ingested: Path, sites: list[truth.Painted], tmp_path: Path) -> None:
    cells = cells_of(ingested, tmp_path / "cells")
    for well, site in zip(WELLS[:3], sites, strict=False):
        own = cells.well("P1", well)
        assert 0.6 * site.nuclei.max() <= own.n_obs <= 1.2 * site.nuclei.max()
        under = site.nuclei[own.obs["center_y"].round().astype(int), own.obs["center_x"].round().astype(int)]
        assert (under > 0).mean() > 0.85
        at_border = (own.obs[["box_x0", "box_y0"]].min(axis=1) <= 0) | (own.obs[["box_x1", "box_y1"]].max(axis=1) >= 256)
        assert (((own.obs["qc"] & 4) > 0) == at_border).all()
        area = own[:, "Nuclei_AreaShape_Area"].X.ravel()
        assert np.isclose(np.median(np.sqrt(area * 4 / np.pi)), site.diameter, rtol=0.35)
    assert cells.wells["perturbation"].tolist() == ["DMSO", "DMSO", "x", "dead"]


def test_a_field_without_nuclei_is_quarantined_with_its_reason(ingested: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cells = cells_of(ingested, tmp_path / "cells", check=True)
    checked = pd.read_parquet(tmp_path / "cells" / "quality" / "wells.parquet").set_index("well")
    assert checked.loc["B02", ["cell_count", "cell_count_all"]].tolist() == [0, 0]
    assert np.isnan(checked.loc["B02", "edge"])
    whole = [values for plate in cells.plates for _, values in cells.groups(cells.plate(plate), features=AREAS)]
    nuclei, around, both = np.concatenate(whole, axis=1)
    np.testing.assert_allclose(np.nan_to_num(around), both - nuclei, rtol=4e-4, atol=0.5)
    table = pd.read_csv(tmp_path / "cells" / image_run.QUARANTINE, keep_default_na=False)
    assert table[["plate", "well", "reason"]].to_numpy().tolist() == [["P1", "B02", "no nucleus stands out"]]
    assert cells.wells["cell_count_all"].tolist()[-1] == 0
    said = capsys.readouterr().out
    assert "the median over 2 fields of controls" in said
    assert "quarantined: plate P1, well B02, site 1: no nucleus stands out" in said


def test_a_run_that_was_killed_goes_on_with_the_next_site(ingested: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = cells_of(ingested, tmp_path / "whole")
    calls: list[int] = []
    plain = image_run.measure.of_site

    def second_fails(*given: object, **options: object) -> np.ndarray:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return plain(*given, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(image_run.measure, "of_site", second_fails)
    with pytest.raises(KeyboardInterrupt):
        cells_of(ingested, tmp_path / "cells")
    resumed = cells_of(ingested, tmp_path / "cells")
    assert len(calls) == 4  # the first site was measured once
    name = whole.plate("P1").file.relative_to(whole.folder)
    assert (resumed.folder / name).read_bytes() == (whole.folder / name).read_bytes()
    assert not list(resumed.folder.glob(".cells-*"))


def test_a_segmenter_of_ones_own_is_checked(ingested: Path, tmp_path: Path) -> None:
    def own(planes: dict[str, np.ndarray], *, diameter: float, pixel_um: float | None) -> np.ndarray:
        return nuclei(planes["DNA"], diameter) * 7  # numbers with gaps do

    segmenters.SEGMENTERS.add("own", own)
    segmenters.SEGMENTERS.add("mask", lambda planes, *, diameter, pixel_um: np.minimum(nuclei(planes["DNA"], diameter), 1))
    segmenters.SEGMENTERS.add("wrong", lambda planes, *, diameter, pixel_um: np.zeros((3, 3)))
    one, other = (cells_of(ingested, tmp_path / name, nucleus=40.0, segmenter=name) for name in ("own", "watershed"))
    np.testing.assert_array_equal(one.well("P1", "A01").X, other.well("P1", "A01").X)
    with pytest.raises(InputError, match=r"the segmenter gave one number in .* pieces: a mask, and no labels"):
        cells_of(ingested, tmp_path / "pieces", nucleus=40.0, segmenter="mask")
    with pytest.raises(InputError, match="labels are whole numbers from 0 on, of 256 x 256"):
        cells_of(ingested, tmp_path / "w", nucleus=40.0, segmenter="wrong")


def test_given_labels_are_the_nuclei(
    ingested: Path, sites: list[truth.Painted], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "labels"
    folder.mkdir()
    for number, (well, site) in enumerate(zip(WELLS[:3], sites, strict=False)):
        own = site.nuclei.astype(np.uint16) * 3
        own[0, 0] = own.max() if number == 0 and not own[0, 0] else own[0, 0]  # a second piece of the last label
        tifffile.imwrite(folder / f"{well}_1.tif", own)
    cells = cells_of(ingested, tmp_path / "cells", labels=str(folder / "{well}_{site}.tif"))
    for well, site in zip(WELLS[:3], sites, strict=False):
        own, count = cells.well("P1", well), int(site.nuclei.max())
        assert own.obs["object"].tolist() == list(range(1, count + 1))
        sizes = np.bincount(site.nuclei.ravel())[1:]
        np.testing.assert_allclose(own[:, "Nuclei_AreaShape_Area"].X.ravel(), sizes, rtol=4e-5)
    table = pd.read_csv(tmp_path / "cells" / image_run.QUARANTINE, keep_default_na=False)
    assert table[["well", "reason"]].to_numpy().tolist() == [["B02", "there is no label image B02_1.tif"]]
    said = capsys.readouterr().out
    assert "1 labels of 1 sites lie in several pieces; the largest piece of each is the nucleus" in said
    usual = np.median([np.sqrt(4 * np.median(np.bincount(s.nuclei.ravel())[1:]) / np.pi) for s in sites[:2]])
    assert f"P1: nuclei of {usual:.1f} pixels" in said
    with pytest.raises(InputError, match=r"no site has a label image; the first should be .*A01-1\.tif"):
        cells_of(ingested, tmp_path / "none", labels=str(folder / "{well}-{site}.tif"))
    with pytest.raises(InputError, match="--segmenter finds nuclei, and --labels gives them"):
        cells_of(ingested, tmp_path / "both", labels=str(folder), segmenter="watershed")


def test_sites_of_far_too_many_or_far_too_large_nuclei_are_quarantined(ingested: Path, tmp_path: Path) -> None:
    """Four nuclei are usual: 17 are more than four times as many, and 16 are not."""
    folder = tmp_path / "labels"
    folder.mkdir()
    counts = dict(zip(WELLS, (4, 4, 17, 0), strict=True))
    for well, count in counts.items():
        labels = np.zeros((256, 256), dtype=np.uint16)
        for number in range(count):
            labels[10 * (number // 20) + 2 :, :][:6, 10 * (number % 20) + 2 :][:, :6] = number + 1
        if well == "B02":
            labels[:200, :200] = 1
            labels[210:216, :6] = 2
        tifffile.imwrite(folder / f"{well}_1.tif", labels)
    run = {"labels": str(folder / "{well}_{site}.tif"), "nucleus": 8.0}
    cells_of(ingested, tmp_path / "cells", **run)
    table = pd.read_csv(tmp_path / "cells" / image_run.QUARANTINE, keep_default_na=False)
    assert dict(table[["well", "reason"]].to_numpy().tolist()) == {
        "B01": "17 nuclei, the plate's usual count is 4",
        "B02": "100% of what is bright lies in objects larger than 4 nuclei",
    }
    sites = pd.read_parquet(tmp_path / "cells" / "sites.parquet")
    assert sites[["Height", "Width"]].to_numpy().tolist() == [[256, 256]] * 4
    labels = tifffile.imread(folder / "B01_1.tif")
    labels[labels == 17] = 0
    tifffile.imwrite(folder / "B01_1.tif", labels)
    cells_of(ingested, tmp_path / "again", **run)
    assert pd.read_csv(tmp_path / "again" / image_run.QUARANTINE)["well"].tolist() == ["B02"]


def test_a_segmenter_gets_the_side_of_a_pixel_and_the_table_of_sites_tells_it(
    sites: list[truth.Painted], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "P1").mkdir()
    for well, site in zip(WELLS[:2], sites, strict=False):
        for channel, plane in zip(paint.CHANNELS, site.planes, strict=True):
            said = {"imagej": True, "resolution": (1 / 0.65,) * 2, "metadata": {"unit": "um"}} if well == "A02" else {}
            tifffile.imwrite(tmp_path / "P1" / f"{well}_s1_{channel}.tif", plane, **said)
    settings = {"sources": [str(tmp_path / "P1")], "pattern": "{well}_s{site}_{channel}.tif"}
    recipe.execute("ingest", IngestSettings.read(settings, where="test"), out=tmp_path / "ingested")
    given: list[float | None] = []

    def own(planes: dict[str, np.ndarray], *, diameter: float, pixel_um: float | None) -> np.ndarray:
        given.append(pixel_um)
        return nuclei(planes["DNA"], diameter)

    segmenters.SEGMENTERS.add("asks", own)
    cells = cells_of(tmp_path / "ingested", tmp_path / "cells", nucleus=40.0, segmenter="asks")
    assert given == [None, pytest.approx(0.65)]
    np.testing.assert_allclose(cells.sites["pixel_um"], [np.nan, 0.65])
    assert cells.sites["FileName_DNA"].tolist() == [str(tmp_path / "P1" / f"{well}_s1_DNA.tif") for well in WELLS[:2]]
    assert "a pixel is 0.65 µm wide, as 1 of 2 images say" in capsys.readouterr().out
    assert "pixel_um" not in cells.wells


def test_masked_needs_an_encoder(ingested: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--masked is for the crops that an encoder sees, and none is named"):
        cells_of(ingested, tmp_path / "cells", nucleus=40.0, masked=True)
    cells = cells_of(ingested, tmp_path / "cells", nucleus=40.0, masked=True, features=["shape", "intensity"])
    assert "Cells_intensity_masked_Image_Intensity_mean_DNA" in cells.features


def test_options_of_the_other_kind_are_refused(ingested: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--negcon does not fit"):
        cells_of(ingested, tmp_path / "cells", negcon=["DMSO"])
    with pytest.raises(InputError, match="holds images, and more is given"):
        recipe.execute("cells", CellsSettings.read({"sources": [str(ingested), str(ingested)]}, where="test"), out=tmp_path / "c")


def test_sites_that_the_check_of_images_left_out_have_no_cells(ingested: Path, tmp_path: Path) -> None:
    row = {"source": "", "batch": "", "plate": "P1", "well": "A02", "site": "1", "reason": "blurred"}
    pd.DataFrame([row]).to_csv(tmp_path / "q.csv", index=False)
    cells = cells_of(ingested, tmp_path / "cells", nucleus=40.0, quarantine=str(tmp_path / "q.csv"))
    assert (cells.wells.set_index("well")["cell_count_all"] > 0).to_dict() == {"A01": True, "A02": False, "B01": True, "B02": False}
    table = pd.read_csv(tmp_path / "cells" / image_run.QUARANTINE, keep_default_na=False).set_index("well")
    assert table["reason"].to_dict() == {"A02": "left out by impasto check", "B02": "no nucleus stands out"}


def test_a_dry_run_of_images_segments_nothing_and_writes_nothing(ingested: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_run.ImageRun, "segment", lambda *_, **__: pytest.fail("a site was segmented"))
    said = understood(CellsSettings.read({"sources": [str(ingested)]}, where="test"), tmp_path / "cells")
    assert said[0].startswith("1 run, 4 images of 4 wells")
    assert not (tmp_path / "cells").exists()
