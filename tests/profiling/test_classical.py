"""Classical features: CellProfiler's names, values that can be checked by hand, and sites without cells counted."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("cp_measure", reason="cp_measure is not installed (pip install 'impasto[classical]')")

from impasto import feature_names, identity, schema
from impasto import profiles as tables
from impasto.cells import segment
from impasto.plates.ingest import find, write
from impasto.plates.read import BadImage
from impasto.plates.sites import Sites
from impasto.profiling import classical, deep
from impasto.profiling.classical import CpMeasure
from impasto.schema import InputError
from impasto.simulate import plates as simulated
from impasto.simulate.plan import Plan

CHANNELS = ["DNA", "ER", "Mito"]


def site(*, cells: int = 4) -> np.ndarray:
    """A 16-bit site (3, 160, 160): discs of DNA, ER around them, Mito proportional to ER."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:160, 0:160]
    planes = rng.normal(400, 5, (3, 160, 160))
    for row, column in [(40, 40), (40, 110), (110, 50), (115, 118)][:cells]:
        distance = np.hypot(y - row, x - column)
        planes[0] += 8000 * (distance < 11) * (1 + 0.1 * rng.standard_normal(y.shape))
        planes[1] += 3000 * np.exp(-((distance / 18) ** 2))
    planes[2] = 2 * planes[1]
    return planes.clip(0, 65535).astype(np.uint16)


@pytest.fixture(scope="module")
def measured() -> dict[str, float]:
    encoder = CpMeasure(nucleus=22, slow=False)
    return dict(zip(encoder.features(encoder.channels(CHANNELS)), encoder([encoder.prepare(site())])[0].tolist(), strict=True))


def test_names_are_cellprofilers(measured: dict[str, float]) -> None:
    slow = CpMeasure(nucleus=22)
    names = slow.features(slow.channels(CHANNELS))
    assert set(measured) < set(names)
    assert len(names) == len(set(names))
    assert all(feature_names.parse(name).known for name in names)
    expected = {
        "Nuclei_AreaShape_Area",
        "Cells_AreaShape_Zernike_2_0",
        "Cytoplasm_Intensity_MeanIntensity_ER",
        "Cells_Texture_Contrast_Mito_3_00_256",
        "Nuclei_Granularity_1_DNA",
        "Cells_RadialDistribution_FracAtD_ER_2of4",
        "Cells_Correlation_Correlation_DNA_ER",
        "Cells_Correlation_Manders_ER_DNA",
        "Cells_Correlation_RWC_DNA_Mito",
    }
    assert expected <= set(names)
    assert not [n for n in names if "Location" in n or "Center_" in n or "BoundingBoxM" in n]
    parsed = feature_names.parse("Cells_Correlation_Manders_ER_DNA")
    assert (parsed.compartment, parsed.group, parsed.channel) == ("Cells", "Correlation", "ER|DNA")


def test_values_are_medians_over_the_cells_measured_by_hand(measured: dict[str, float]) -> None:
    pixels = site() / 65535
    found = segment.objects(classical.scaled(site()[0]), nucleus=22)
    assert found.count == 4 == measured[classical.COUNT]
    for compartment, labels in (("Nuclei", found.nuclei), ("Cells", found.cells), ("Cytoplasm", found.cytoplasm)):
        each = [labels == number for number in range(1, 5)]
        assert measured[f"{compartment}_AreaShape_Area"] == np.median([one.sum() for one in each])
        for index, channel in enumerate(CHANNELS):
            means = np.median([pixels[index][one].mean() for one in each])
            assert measured[f"{compartment}_Intensity_MeanIntensity_{channel}"] == pytest.approx(means, rel=1e-4)
        together = np.median([np.corrcoef(pixels[0][one], pixels[1][one])[0, 1] for one in each])
        assert measured[f"{compartment}_Correlation_Correlation_DNA_ER"] == pytest.approx(together, rel=1e-3, abs=1e-5)
    assert measured["Cells_Correlation_Correlation_ER_Mito"] == pytest.approx(1, abs=1e-3)


def test_dna_is_found_whatever_its_place(measured: dict[str, float]) -> None:
    assert CpMeasure().channels(["ER", "Mito", "DNA"]) == ["DNA", "ER", "Mito"]
    with pytest.raises(InputError, match="there is no channel DNA; there are ER, Mito"):
        CpMeasure().channels(["ER", "Mito"])


def test_without_cp_measure_it_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cp_measure", None)
    with pytest.raises(InputError, match=r"pip install 'impasto\[classical\]'"):
        CpMeasure(nucleus=1).channels(CHANNELS)


def test_pixels_are_shares_of_the_largest_of_their_type() -> None:
    assert classical.scaled(np.array([[255]], dtype=np.uint8)) == 1
    assert classical.scaled(np.array([[65535 // 5]], dtype=np.uint16)) == pytest.approx(0.2)
    assert classical.scaled(np.array([[0.5]], dtype=np.float32)) == 0.5
    assert classical.scaled(np.array([[131070.0, 6553.5]], dtype=np.float32)).tolist() == [[1.0, pytest.approx(0.1)]]


def test_a_site_without_a_nucleus_is_not_a_row() -> None:
    with pytest.raises(BadImage, match="no nucleus was found"):
        CpMeasure(nucleus=22).prepare(site(cells=0))


def test_cells_without_cytoplasm_miss_its_features_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = CpMeasure(nucleus=22, slow=False)
    names = np.array(encoder.features(CHANNELS))
    whole = encoder.prepare(site())
    objects = segment.objects

    def crowded(plane: np.ndarray, *, nucleus: float) -> segment.Objects:
        found = objects(plane, nucleus=nucleus)
        return segment.Objects(found.nuclei, found.cells, np.zeros_like(found.cytoplasm))

    monkeypatch.setattr(segment, "objects", crowded)
    less = encoder.prepare(site())
    of_cytoplasm = np.char.startswith(names, "Cytoplasm_")
    assert np.isnan(less[of_cytoplasm]).all()
    np.testing.assert_array_equal(less[~of_cytoplasm], whole[~of_cytoplasm])


def test_a_measurement_that_fails_is_a_reason() -> None:
    encoder = CpMeasure(nucleus=22, slow=False)

    def fails(*_: object, **__: object) -> None:
        raise ValueError("no such thing")

    encoder.__dict__["_functions"] = dict.fromkeys(("sizeshape", "zernike", "feret"), fails)
    with pytest.raises(BadImage, match=r"sizeshape failed \(no such thing\)"):
        encoder._call("sizeshape", None)


def test_plates_are_measured_and_empty_sites_counted(tmp_path: Path) -> None:
    plan = Plan(batches=1, plates=1, perturbations=2, mechanisms=2, controls=2, pixels=160, cells=8)
    simulated.write(plan, tmp_path / "sim", seed=0)
    image = next((tmp_path / "sim" / "images").rglob("*-ch1*.tiff"))
    import tifffile

    tifffile.imwrite(image, np.full_like(tifffile.imread(image), 400))
    write(find([tmp_path / "sim" / "images"], platemaps=[tmp_path / "sim" / "platemap.csv"]), tmp_path / "ingested")
    sites = Sites.read(tmp_path / "ingested")
    found = deep.profile(sites, CpMeasure(nucleus=9, slow=False), shards=tmp_path / "s")
    assert found.n_obs == len(sites) - 1
    assert [q["reason"] for q in found.uns["quarantine"]] == ["segmentation: no nucleus was found inside the field"]
    assert classical.COUNT not in found.var_names
    assert (found.obs[schema.CELL_COUNT] > 0).all()
    assert identity.of(found).encoder["name"].startswith("cp_measure")
    tables.write(found, tmp_path / "p.parquet")
    again = tables.read(tmp_path / "p.parquet")
    np.testing.assert_array_equal(again.X, found.X)
    assert again.obs[schema.CELL_COUNT].tolist() == found.obs[schema.CELL_COUNT].tolist()
    assert {"Cells", "Cytoplasm", "Nuclei"} == set(again.var["compartment"])
    assert deep.to_wells(again).obs[schema.CELL_COUNT].sum() == found.obs[schema.CELL_COUNT].sum()


def test_the_slow_measurements_are_left_out_by_name_only() -> None:
    from impasto.profiling.settings import EncoderSettings

    slow, fast = (classical.cp_measure(EncoderSettings(encoder=name)) for name in ("cp_measure", "cp_measure_fast"))
    assert (slow.slow, fast.slow) == (True, False)
    assert (slow.describe()["name"], fast.describe()["name"]) == ("cp_measure", "cp_measure_fast")
