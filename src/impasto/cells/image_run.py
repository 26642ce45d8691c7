"""Cells of ingested images, as a run: sites are segmented and measured once, and wait in a hidden folder until all are.

The outlines of cells are kept in the folder of cells, a label image a site. `sites.parquet` tells files, size and the side of a pixel.

The diameter of a nucleus is estimated for each plate over 16 fields of its controls (single fields stray), and printed. A site is
quarantined with its reason, and has no cells, where it cannot be read or nothing stands out. So is one with more than four times the
plate's usual count, and one whose foreground is mostly larger than four nuclei.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from impasto import progress, runs, texts, wells
from impasto.cellprofiler_tables import LOCATION, OBJECT
from impasto.cells import crops, measure, outlines, segment
from impasto.cells.columns import WORDS
from impasto.cells.labels import LabelFiles, checked
from impasto.cells.measure import More
from impasto.cells.pixel_sizes import PIXEL_UM
from impasto.cells.segment import Labels, Objects, Plane
from impasto.cells.segmenters import DNA, Segmenter
from impasto.object_tables.run import Part
from impasto.plates import quarantine
from impasto.plates.read import BadImage
from impasto.plates.sites import Sites
from impasto.schema import InputError

QUARANTINE = "quarantine.csv"
SIZES = ("Height", "Width", PIXEL_UM)
"""Height and width of a site, and the side of its pixels."""
EMPTY = "no nucleus stands out"
"""Why a site that was read has no cells."""
LEFT_OUT = "left out by impasto check"
UNIT = "Cells"
FIELDS_OF_ESTIMATE = 16
Spread = Callable[[Sequence[str]], Mapping[str, Mapping[int, str] | str]]
"""Segments plates, wherever that is done: plate -> site -> why it has no cells, or why the whole plate has none."""
MOST_CELLS, LARGE, MOST_LARGE = 4.0, 4.0, 0.4
"""Of the plate's median count; of the disc of a nucleus; share of the foreground in such objects."""


class ImageRun:
    """The sites of an ingested folder.

    Parameters
    ----------
    folder
        What `impasto ingest` wrote.
    nucleus
        The diameter of a nucleus in pixels; None to estimate it for each plate.
    segmenter
        What finds nuclei; None where they are given.
    labels
        The user's own label images of nuclei.
    more
        Further measurements of each cell.
    skip
        Sites that are left out, as `impasto check` lists them.
    cache
        A hidden folder for what is measured of each site.
    spread
        Segments the plates, into the same `cache`; None where a run is only looked at, or segments single plates.

    """

    def __init__(
        self,
        folder: Path,
        /,
        *,
        nucleus: float | None,
        segmenter: Segmenter | None,
        labels: LabelFiles | None = None,
        more: Sequence[More] = (),
        skip: pd.DataFrame | None = None,
        cache: Path,
        spread: Spread | None,
    ) -> None:
        segment.require()
        self.where, self._cache, self._nucleus = str(folder), cache, nucleus
        self._find, self._labels, self._spread = segmenter, labels, spread
        self._sites = Sites.read(folder)
        self._skipped = frozenset[str]() if skip is None else quarantine.sites_of(self._sites, skip)
        self._channels = self._sites.channels
        if DNA not in self._channels:
            raise InputError(
                f"{folder}: cells are found by their nuclei, and there is no channel DNA; there are {', '.join(self._channels)}"
            )
        if labels is not None and not any(labels.path(self._place(number)).exists() for number in range(len(self._sites))):
            raise InputError(
                f"--labels: no site has a label image; the first should be {labels.path(self._place(0))}; say how they are named"
            )
        self._more, self._windows = more, dict[str, measure.Numbers]()
        self._columns = [*measure.names(self._channels), *(name for part in more for name in part.names(self._channels))]
        self.objects: Mapping[str, Sequence[str]] = {UNIT: tuple(self._columns)}
        self.number: Mapping[str, str] = {UNIT: OBJECT}
        if not set(segment.STAINS_OF_BODIES) & set(self._channels):
            progress.say("  no stain of bodies (RNA, AGP, ER, Actin): a cell is what lies within a nucleus's diameter of it")

    def images(self, columns: Mapping[str, str], /) -> pd.DataFrame:  # noqa: ARG002 - ingest has named them
        table = self._sites.table.replace("", pd.NA)
        sizes = [texts.read(file).split() if (file := self._size(n)).exists() else [""] * len(SIZES) for n in range(len(table))]
        for place, side in enumerate(SIZES):
            table[side] = pd.to_numeric(pd.Series([size[place] for size in sizes], index=table.index), errors="coerce")
        files = [self._sites.files(number) for number in range(len(table))]
        for channel in self._channels:
            table[f"FileName_{channel}"] = [own.get(channel) for own in files]
        if self._spread is not None:
            kept = [None if n in self.quarantined else outlines.name_of(self._place(n)) for n in range(len(table))]
            table[outlines.COLUMN] = pd.Series(kept, index=table.index, dtype="string")
        return table.astype({word: "string" for word in WORDS if word in table})

    def parts(self, kind: str, columns: Sequence[str], /) -> Iterator[Part]:  # noqa: ARG002 - there is one kind
        at = [self._columns.index(c) for c in columns]
        for number in range(len(self._sites)):
            cells = np.empty((0, len(self._columns))) if number in self.quarantined else np.load(self._file(number))
            yield np.full(len(cells), number), cells[:, at]

    def feature(self, kind: str, column: str, /) -> str:  # noqa: ARG002 - the names are whole
        return column

    def notes(self) -> list[str]:
        left_out = [f"quarantined: {self._sites.name(number)}: {reason}" for number, reason in self.quarantined.items()]
        lines = [*left_out[:10], *([f"{len(left_out)} sites are quarantined: {QUARANTINE}"] if left_out else [])]
        files = [self._pieces(number) for number in range(len(self._sites)) if number not in self.quarantined]
        counts = [int(texts.read(file)) for file in files if file.exists()]
        if counts:
            lines.append(f"{sum(counts)} labels of {len(counts)} sites lie in several pieces; the largest piece of each is the nucleus")
        return lines

    @cached_property
    def quarantined(self) -> dict[int, str]:
        """Site -> why it has no cells. All sites are segmented when this is first asked for."""
        runs.note(self._cache)
        plates = self._sites.plates()
        assert self._spread is not None, "a run that is only looked at segments nothing"
        plates_done = self._spread(plates)
        reasons: dict[int, str] = {}
        for plate, outcome in plates_done.items():
            reasons |= dict.fromkeys(map(int, self._sites.of_plate(plate)), outcome) if isinstance(outcome, str) else outcome
        return dict(sorted(reasons.items()))

    def segment(self, plate: str, /, *, say: Callable[[str], None]) -> dict[int, str]:
        """Segment and measure the sites of a plate, but for those that are done.

        Parameters
        ----------
        plate
            Its name.
        say
            Takes the sentence about the diameter of its nuclei.

        Returns
        -------
        dict[int, str]
            Site -> why it has no cells.

        Raises
        ------
        InputError
            No field shows nuclei to estimate their diameter by.

        """
        diameter = self._diameter(plate, say)
        numbers = [int(number) for number in self._sites.of_plate(plate)]
        reasons: dict[int, str] = {}
        with progress.bar(what=f"segmenting {plate}", unit="sites", total=len(numbers)) as advance:
            for number in numbers:
                reason = LEFT_OUT if self._sites.name(number) in self._skipped else self._measured(number, diameter)
                reasons |= {number: reason} if reason else {}
                advance(1)
        counts = {n: len(np.load(self._file(n))) for n in numbers if n not in reasons}
        usual = float(np.median(list(counts.values()))) if counts else 0.0
        many = {n: count for n, count in counts.items() if usual and count > MOST_CELLS * usual}
        return reasons | {n: f"{count} nuclei, the plate's usual count is {usual:g}" for n, count in many.items()}

    def quarantine(self) -> pd.DataFrame:
        """The sites without cells, as `impasto profile --quarantine` reads them.

        Returns
        -------
        pandas.DataFrame
            One row a site: its place and the reason.

        """
        rows = self._sites.table.iloc[list(self.quarantined)][list(WORDS)].reset_index(drop=True)
        return rows.assign(reason=list(self.quarantined.values()))

    def keep_outlines(self, folder: Path, /) -> None:
        """Move the label images of all sites with cells to their place, unless a run that was killed has done so.

        Parameters
        ----------
        folder
            Of the cells.

        """
        names = [outlines.name_of(self._place(number)) for number in range(len(self._sites)) if number not in self.quarantined]
        outlines.remove(folder, but=names)
        runs.note(folder / outlines.FOLDER)
        for name in names:
            if (self._cache / name).exists():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (self._cache / name).replace(folder / name)

    def _outline(self, number: int) -> Path:
        """The label image of a site, until all are made."""
        return self._cache / outlines.name_of(self._place(number))

    def _file(self, number: int) -> Path:
        return self._cache / f"{number:07d}.npy"

    def _measure(self, number: int, planes: Mapping[str, Plane], objects: Objects, diameter: float) -> measure.Numbers:
        """(cells, columns) of a site."""
        whole = measure.of_site(planes, objects, diameter=diameter)
        if not self._more:
            return whole
        plate = crops.short_name(self._place(number))
        if plate not in self._windows:
            self._windows |= crops.windows(self._sites, [plate], self._channels)
        at = [self._columns.index(name) for name in LOCATION]
        side = crops.side_for(diameter)
        parts = [part.of_site(planes, objects, centers=whole[:, at], windows=self._windows[plate], side=side) for part in self._more]
        return np.concatenate([whole, *parts], axis=1)

    def _size(self, number: int) -> Path:
        """The file that says how many rows and columns of pixels a site has, and the side of one."""
        return self._file(number).with_suffix(".size")

    def _pieces(self, number: int) -> Path:
        """The file that says how many labels of a site were in several pieces."""
        return self._file(number).with_suffix(".pieces")

    def _nuclei(self, number: int, planes: Mapping[str, Plane], diameter: float, pixel_um: float | None) -> tuple[Labels, int]:
        """The nuclei of a site, and how many labels were in several pieces."""
        if self._find is None:
            return self._given(number, planes[DNA].shape)
        return checked(self._find(planes, diameter=diameter, pixel_um=pixel_um), planes[DNA].shape, whose="the segmenter")

    def _given(self, number: int, shape: tuple[int, ...]) -> tuple[Labels, int]:
        """The same, as the user's label image has them."""
        assert self._labels is not None
        return checked(self._labels.read(self._place(number), shape), shape, whose=f"the label image of {self._sites.name(number)}")

    def _place(self, number: int) -> Mapping[str, object]:
        return dict(self._sites.table.iloc[number][list(WORDS)])

    def _estimate(self, number: int) -> float:
        """The diameter of the nuclei of one field: of the given labels, or by the discs that fit into what is bright."""
        plane = self._sites.image(number, [DNA])[0]
        if self._find is not None:
            return segment.diameter_of(plane)
        sizes = np.bincount(self._given(number, plane.shape)[0].ravel())[1:]
        return float(np.sqrt(4 * np.median(sizes) / np.pi)) if len(sizes) else float("nan")

    def _diameter(self, plate: str, say: Callable[[str], None]) -> float:
        """What was said, or the median over fields of the plate's controls."""
        if self._nucleus is not None:
            return self._nucleus
        numbers = self._sites.of_plate(plate)
        of_controls = numbers[wells.negative(self._sites.table.iloc[numbers])]
        chosen = of_controls if len(of_controls) else numbers
        spaced = chosen[np.unique(np.linspace(0, len(chosen) - 1, min(FIELDS_OF_ESTIMATE, len(chosen))).astype(np.intp))]
        estimates = []
        for number in spaced:
            try:
                estimates.append(self._estimate(int(number)))
            except BadImage:
                continue
        usual = float(np.nanmedian(estimates)) if np.isfinite(estimates).any() else float("nan")
        if not np.isfinite(usual):
            raise InputError(f"plate {plate}: no field shows nuclei to estimate their diameter by; say it: --nucleus PIXELS")
        kind = "controls" if len(of_controls) else "the plate (no control is marked)"
        say(f"  {plate}: nuclei of {usual:.1f} pixels, the median over {len(spaced)} fields of {kind}; say another: --nucleus PIXELS")
        return usual

    def _measured(self, number: int, diameter: float) -> str:
        """Segment and measure a site, unless that is done; why it is quarantined, or nothing."""
        file, refused = self._file(number), self._file(number).with_suffix(".txt")
        if file.exists() or refused.exists():
            return texts.read(refused) if refused.exists() else ""
        try:
            planes = dict(zip(self._channels, self._sites.image(number), strict=True))
            pixel_um = self._sites.pixel_um(number, DNA)
            with runs.atomic(self._size(number)) as temporary:
                texts.write(temporary, " ".join(map(str, (*planes[DNA].shape, pixel_um))))
            nuclei, pieces = self._nuclei(number, planes, diameter, pixel_um)
            objects = _objects(nuclei, planes, diameter)
            reason = _refusal(objects, diameter)
        except BadImage as error:
            reason = error.reason
        if not reason and pieces:
            with runs.atomic(self._pieces(number)) as temporary:
                texts.write(temporary, str(pieces))
        if not reason:
            self._outline(number).parent.mkdir(parents=True, exist_ok=True)
            with runs.atomic(self._outline(number)) as temporary:
                outlines.write(temporary, objects.cells)
        with runs.atomic(refused if reason else file) as temporary:
            if reason:
                texts.write(temporary, reason)
            else:
                np.save(temporary, self._measure(number, planes, objects, diameter))
        return reason


def _objects(nuclei: Labels, planes: Mapping[str, Plane], diameter: float) -> Objects:
    """Nuclei and the cells around them."""
    cells = segment.bodies(nuclei, planes, diameter)
    return Objects(nuclei, cells, np.where(nuclei > 0, 0, cells))


def _refusal(objects: Objects, diameter: float) -> str:
    """Why a site has no cells, by what was found in it."""
    if not objects.count:
        return EMPTY
    sizes = np.bincount(objects.nuclei.ravel())[1:]
    large = sizes[sizes > LARGE * np.pi / 4 * diameter**2].sum() / sizes.sum()
    return f"{large:.0%} of what is bright lies in objects larger than {LARGE:g} nuclei" if large > MOST_LARGE else ""
