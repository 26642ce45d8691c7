"""Segmentation: painted nuclei are found one by one, and where there is none nothing is found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

pytest.importorskip("skimage", reason="scikit-image is not installed (pip install 'impasto[classical]')")

from impasto.cells import segment
from impasto.simulate import truth

SIZE = 240
INSIDE = [(60, 60, 12), (60, 83, 11), (170, 100, 14), (120, 190, 10)]  # the first two touch
BORDER = [(4, 120, 13), (200, 238, 12)]


def painted(discs: list[tuple[int, int, int]], *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Bright discs in noise, and the number of the disc at every pixel."""
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    truth = np.zeros((SIZE, SIZE), dtype=int)
    for number, (row, column, radius) in enumerate(discs, start=1):
        truth[(y - row) ** 2 + (x - column) ** 2 <= radius**2] = number
    noise = np.random.default_rng(seed).normal(500, 20, truth.shape)
    return noise + 6000 * (truth > 0), truth


def test_every_disc_inside_is_one_nucleus_and_those_at_the_border_are_none() -> None:
    plane, truth = painted([*INSIDE, *BORDER])
    found = segment.objects(plane, nucleus=24)
    assert found.count == len(INSIDE)
    assert sorted(np.unique(found.nuclei)) == list(range(len(INSIDE) + 1))
    for number in range(1, len(INSIDE) + 1):
        disc = truth == number
        label = np.bincount(found.nuclei[disc]).argmax()
        overlap = (disc & (found.nuclei == label)).sum() / (disc | (found.nuclei == label)).sum()
        assert label > 0
        assert overlap > 0.8
    assert not found.nuclei[truth > len(INSIDE)].any()


def test_a_cell_is_what_is_nearest_to_its_nucleus_within_reach() -> None:
    """By all distances to all nuclei, those at the border too."""
    plane, _ = painted([*INSIDE, *BORDER])
    found = segment.objects(plane, nucleus=24)
    both = found.nuclei > 0
    np.testing.assert_array_equal(found.cells[both], found.nuclei[both])
    rng = np.random.default_rng(0)
    rows, columns = np.nonzero(found.nuclei)
    for row, column in rng.integers(0, SIZE, (300, 2)):
        distance = np.hypot(rows - row, columns - column)
        label = found.cells[row, column]
        if label:
            own = distance[found.nuclei[rows, columns] == label].min()
            assert own <= 24
            assert own <= distance.min() + 1e-9
        elif distance.min() <= 24:
            assert found.nuclei[rows, columns][distance.argmin()] > 0  # nearer to a nucleus at the border, which has gone
            assert min(np.hypot(row - r, column - c) - radius for r, c, radius in BORDER) < distance.min() + 3
    np.testing.assert_array_equal(found.cytoplasm, np.where(found.nuclei > 0, 0, found.cells))


@pytest.mark.parametrize(
    "plane",
    [np.full((64, 64), 7.0), np.zeros((64, 64)), np.random.default_rng(1).normal(500, 20, (200, 200))],
    ids=["flat", "black", "noise"],
)
def test_where_there_is_no_nucleus_none_is_found(plane: np.ndarray) -> None:
    assert segment.objects(plane, nucleus=24).count == 0


def test_dust_is_no_nucleus() -> None:
    plane, _ = painted([(100, 100, 12), (30, 30, 2), (200, 50, 2)])
    assert segment.objects(plane, nucleus=24).count == 1


@pytest.mark.parametrize(("apart", "stands_out"), [(3.9, False), (4.1, True), (4.9, True)])
def test_the_least_contrast_is_four_sd_of_the_background(apart: float, stands_out: bool) -> None:
    plane = np.where(np.indices((20, 20)).sum(0) % 2 == 0, 1.0, -1.0)
    plane[:4] = apart
    assert segment._foreground(plane, plane > 1.5).any() == stands_out
    assert not segment._foreground(plane, plane > -2.0).any()


SETS = {
    "easy": (0.93, {"cells": 60}),
    "crowded": (0.86, {"cells": 140}),
    "dim": (0.92, {"cells": 80, "dim": 0.3}),
    "mitotic": (0.93, {"cells": 80, "mitotic": 0.08}),
    "mix": (0.83, {"cells": 100, "dim": 0.3, "mitotic": 0.08, "debris": 15}),
}


def scores(options: dict[str, float], seeds: range) -> float:
    painted_sites = [truth.site(seed, **options) for seed in seeds]  # type: ignore[arg-type]
    return float(np.mean([truth.f1(s.nuclei, segment.nuclei(s.planes[0], s.diameter)) for s in painted_sites]))


def test_painted_nuclei_are_found() -> None:
    assert scores({"cells": 40, "pixels": 512}, range(300, 302)) > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("name", SETS)
def test_painted_nuclei_of_each_kind_are_found(name: str) -> None:
    least, options = SETS[name]
    assert scores(options, range(300, 306)) >= least


@pytest.mark.parametrize("kind", ["lamp", "strong lamp", "ramp", "noise"])
def test_an_empty_field_under_any_light_has_no_nucleus(kind: str) -> None:
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:400, :400]
    light = np.exp(-((y - 200) ** 2 + (x - 200) ** 2) / (2 * 130**2))
    plane = {
        "lamp": 400 + 400 * light,
        "strong lamp": 400 + 2000 * light,
        "ramp": 300 + 300 * x / 400,
        "noise": np.full((400, 400), 500.0),
    }[kind]
    assert segment.nuclei((plane + 20 * rng.standard_normal(plane.shape)).astype(np.uint16), 30.0).max() == 0


def test_the_diameter_is_estimated_within_a_quarter() -> None:
    painted_site = truth.site(5, cells=50, pixels=512)
    assert 0.75 < segment.diameter_of(painted_site.planes[0]) / painted_site.diameter < 1.25
    assert np.isnan(segment.diameter_of(np.full((64, 64), 7)))


def graded(diameter: int, *, step: float, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Sixteen discs in noise, each a step brighter than the one before; and their labels."""
    y, x = np.mgrid[0:160, 0:160]
    plane, labels = np.random.default_rng(seed).normal(500, 20, y.shape), np.zeros(y.shape, dtype=np.int32)
    for number in range(16):
        disc = (y - 20 - 40 * (number // 4)) ** 2 + (x - 20 - 40 * (number % 4)) ** 2 <= (diameter / 2) ** 2
        labels[disc], plane[disc] = number + 1, plane[disc] + step * (number + 1)
    return plane, labels


def nearest(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of every pixel, how far the nearest pixel of an object is, and whose it is."""
    from scipy.spatial import KDTree

    within = np.argwhere(labels)
    far, at = KDTree(within).query(np.argwhere(labels >= 0))
    return far.reshape(labels.shape), labels[tuple(within[at].T)].reshape(labels.shape)


def test_a_nucleus_stands_eight_times_the_noise_above_the_ring_around_it() -> None:
    """The ring reaches from a twelfth to a quarter of the diameter; noise is the scatter of what is farther, less its blur."""
    from scipy.ndimage import gaussian_filter

    diameter = 24
    plane, labels = graded(diameter, step=20.0)
    far, owner = nearest(labels)
    plane = plane + 8.0 * owner * ((far > 2) & (far <= 3))  # a halo that is in the ring, as what is nearer is not
    fine = (plane - gaussian_filter(plane, diameter / 6))[far > diameter / 4]
    noise = 1.4826 * np.median(np.abs(fine))
    rings = [(owner == n) & (far > diameter / 12) & (far <= diameter / 4) for n in range(1, 17)]
    above = [(plane[labels == n].mean() - plane[ring].mean()) / noise for n, ring in enumerate(rings, start=1)]
    expected = [value > 8 for value in above]
    assert {True, False} == set(expected)
    assert max(v for v in above if v < 8) > 7
    assert min(v for v in above if v > 8) < 9
    assert segment._stand_out(plane, labels, diameter).tolist() == expected


def test_the_steepness_of_a_rim_is_by_hand() -> None:
    from scipy.ndimage import gaussian_filter, sobel

    diameter = 24
    plane, labels = graded(diameter, step=200.0)
    smooth = gaussian_filter(plane, diameter / 24)
    gradient = np.hypot(sobel(smooth, 0), sobel(smooth, 1)) / 8  # of a ramp of one a pixel: one
    far, owner = nearest(labels)
    dark = np.percentile(smooth, 5)
    expected = []
    for number in range(1, 17):
        padded = np.pad(labels == number, 2)
        inner = np.all([padded[dy : dy + 160, dx : dx + 160] for dy in range(5) for dx in range(5)], axis=0)
        rim = gradient[(owner == number) & (far <= 2) & ~inner]
        expected.append(np.percentile(rim, 75, method="lower") * diameter / (np.median(smooth[labels == number]) - dark))
    np.testing.assert_allclose(segment.steepness(plane, labels, diameter), expected, rtol=1e-9)


def test_the_estimated_diameter_is_that_of_the_discs_that_hold_half_of_the_area() -> None:
    """1.62 radii of a disc: dim rims of nuclei are left out, so the disc that fits is smaller than what is drawn."""
    y, x = np.mgrid[0:240, 0:240]
    plane = np.random.default_rng(0).normal(500, 5, y.shape)
    # Five discs of radius 12, one of 20 and one of 30: of the area, the largest holds less than half, and so do the small ones.
    for row, column, radius in [(30, 30, 12), (30, 70, 12), (30, 110, 12), (30, 150, 12), (30, 190, 12), (100, 40, 20), (150, 150, 30)]:
        plane[(y - row) ** 2 + (x - column) ** 2 <= radius**2] += 4000
    assert segment.diameter_of(plane) == pytest.approx(1.62 * 20, rel=0.08)


def test_a_black_corner_of_less_than_a_hundredth_of_a_field_moves_no_diameter() -> None:
    y, x = np.mgrid[0:240, 0:240]
    plane = np.random.default_rng(0).normal(500, 5, y.shape)
    for row, column in [(60, 60), (60, 120), (60, 180), (140, 60), (140, 120), (140, 180)]:
        plane[(y - row) ** 2 + (x - column) ** 2 <= 12**2] += 300
    whole = segment.diameter_of(plane)
    assert whole == pytest.approx(1.62 * 12, rel=0.1)
    plane[:20, :20] = 0
    assert segment.diameter_of(plane) == whole


def test_a_blurred_nucleus_has_a_flat_rim() -> None:
    from scipy.ndimage import gaussian_filter

    plane, _ = painted(INSIDE)
    labels = segment.nuclei(plane, 24)
    sharp, blurred = (segment.steepness(p, labels, 24) for p in (plane, gaussian_filter(plane, 4)))
    assert (blurred < 0.6 * np.median(sharp)).all()
    assert (sharp > 0.6 * np.median(sharp)).all()


def test_cells_end_where_their_stains_end_and_keep_the_numbers_of_their_nuclei() -> None:
    painted_site = truth.site(3, cells=14, pixels=512)
    nuclei = segment.nuclei(painted_site.planes[0], painted_site.diameter)
    bodies = segment.bodies(nuclei, {"ER": painted_site.planes[1], "Mito": painted_site.planes[4]}, painted_site.diameter)
    np.testing.assert_array_equal(bodies[nuclei > 0], nuclei[nuclei > 0])
    dice = lambda labels: 2 * ((labels > 0) & (painted_site.bodies > 0)).sum() / ((labels > 0).sum() + (painted_site.bodies > 0).sum())  # noqa: E731
    assert dice(bodies) > 0.8 > dice(nuclei)
    expanded = segment.bodies(nuclei, {"Mito": painted_site.planes[4]}, painted_site.diameter)
    assert (expanded > 0).sum() > (nuclei > 0).sum()


def test_cells_of_real_fields_lie_where_their_authors_drew_them(shared_data: Path) -> None:
    """Four fields of Schwann cells with hand-checked masks (NF1): a watershed through ER and actin beside a fixed reach."""
    followed, expanded = [], []
    for file in sorted((shared_data / "images" / "nf1_wells").glob("*_masks.tif")):
        drawn = tifffile.imread(file)[1] > 0
        dna, er, actin = tifffile.imread(file.with_name(file.name.replace("_masks", "")))
        diameter = segment.diameter_of(dna)
        nuclei = segment.nuclei(dna, diameter)
        for stains, told in (({"ER": er, "Actin": actin}, followed), ({}, expanded)):
            found = segment.bodies(nuclei, stains, diameter) > 0
            told.append(2 * (found & drawn).sum() / (found.sum() + drawn.sum()))
    assert len(followed) == 4
    assert min(followed) > 0.63
    assert np.mean(followed) > 0.69
    assert all(0.57 < reach < own - 0.04 for reach, own in zip(expanded, followed, strict=True))
