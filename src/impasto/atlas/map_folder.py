"""A map that others can stand on: one folder with all that places a new plate on it, to be shared.

    map.json          format, title, licence, identity of the profiles before correction, features, steps, digests of all files
    index/            the index: vectors, annotation, positions (`impasto search` and `impasto explore` take the map's folder)
    fitted/           the fitted correction
    reach.npy         (rows,) of wells of the map, the cosine to the nearest well of another plate, sorted: how far its own wells lie
    calibration.csv   what `impasto evaluate hits` said of the spared control positions, where it was given

The digests are checked when a map is opened, so a file that was changed on its way is refused.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from impasto import border, identity, records, runs
from impasto.atlas import arrow_files, folder
from impasto.atlas.consensus import LEVEL
from impasto.atlas.index import Index, open_index
from impasto.atlas.stacked import Stacked
from impasto.correction import kept
from impasto.identity import Identity
from impasto.schema import InputError
from impasto.version import __version__

FORMAT = 1
DESCRIBED, INDEX, FITTED, REACH, CALIBRATION = "map.json", "index", "fitted", "reach.npy", "calibration.csv"
MOST_REACHED = 20_000
"""So many wells at most show how far the wells of a map lie from each other."""
_WHAT, _AGAIN = "description of a map", "bring the map again"
_RESULTS = "results.csv"
_MAKE = "make it: impasto map DIR --out MAP"
_BLOCK = 4096


@dataclass(frozen=True)
class Map:
    """An open map.

    Attributes
    ----------
    folder
        Where it lies.
    described
        What map.json says.

    """

    folder: Path
    described: dict[str, Any]

    @cached_property
    def index(self) -> Index:
        """Its index."""
        return open_index(self.folder / INDEX)

    @property
    def fitted(self) -> Path:
        """The folder of its fitted correction."""
        return self.folder / FITTED

    @property
    def features(self) -> list[str]:
        """The features of its corrected profiles, in order; none where the index names none."""
        return list(self.described["features"])

    @property
    def made(self) -> Identity:
        """What made the profiles before they were corrected."""
        return Identity.read(self.described["identity"])

    @cached_property
    def wells(self) -> npt.NDArray[np.intp]:
        """The rows of the index that are wells."""
        return np.flatnonzero((self.index.rows[LEVEL] == "well").to_numpy(dtype=bool))

    @cached_property
    def reach(self) -> npt.NDArray[np.float32]:
        """(wells,) how near the nearest well of another plate is, sorted."""
        return border.array(self.folder / REACH, "reach of a map", axes=1, remedy=_AGAIN)


def parts_of(where: Path, fitted: Path | None, /) -> tuple[Path, Path]:
    """The index and the fitted correction of a run.

    Parameters
    ----------
    where
        An index, or a folder that holds one below it.
    fitted
        The folder of the fitted correction; looked for in `where` without.

    Returns
    -------
    tuple[Path, Path]
        The folder of the index, and that of the fitted steps.

    Raises
    ------
    InputError
        There is not exactly one of each.

    """
    if not where.is_dir():
        raise InputError(f"{where} is no folder; give an index, or the folder of a run that holds one: impasto run RECIPE --out DIR")
    index = where if (where / folder.DESCRIBED).is_file() else _only(where, folder.DESCRIBED, what="index", say="give the index itself")
    return index, fitted if fitted is not None else _only(where, kept.STEPS, what="fitted correction", say="name one with --fitted")


def _only(where: Path, file: str, *, what: str, say: str) -> Path:
    folders = sorted(path.parent for path in where.rglob(file))
    if len(folders) != 1:
        listed = f" ({', '.join(str(path) for path in folders[:3])})" if folders else ""
        keeps = "; correct with --keep to have one" if what != "index" and not folders else ""
        raise InputError(f"{where} holds {len(folders)} folders of one {what}{listed}, and a map is made of one; {say}{keeps}")
    return folders[0]


def pack(index: Path, fitted: Path, out: Path, /, *, licence: str, title: str = "", hits: Path | None = None) -> None:
    """Write a map.

    Parameters
    ----------
    index
        The index of corrected profiles.
    fitted
        The correction that was fitted on them (`impasto correct --keep`).
    out
        The folder to write.
    licence
        Under which the map may be used.
    title
        The title of the map; by default that of the index.
    hits
        What `impasto evaluate hits` wrote of these profiles, for the calibration.

    Raises
    ------
    InputError
        The index is of embeddings, the steps are not those of its profiles, or a file is missing.

    """
    opened = open_index(index)
    if opened.run is not None:
        raise InputError(f"{index} is of embeddings of the run {opened.run}; a map is of profiles: impasto index CORRECTED --out INDEX")
    steps = kept.load(fitted)
    before = identity.read_from(fitted)
    _refuse_other_steps(opened, [*(str(step.get("method")) for step in before.steps), *(step.name for step in steps)], fitted)
    if hits is not None and not (hits / _RESULTS).is_file():
        raise InputError(f"{hits} holds no {_RESULTS}; give what impasto evaluate hits wrote")
    named = index / folder.NAMED_FEATURES
    features = arrow_files.frame(arrow_files.read(named))["name"].astype(str).tolist() if named.is_file() else []
    with runs.atomic(out) as temporary:
        temporary.mkdir(parents=True)
        shutil.copytree(index, temporary / INDEX, ignore=shutil.ignore_patterns(records.RUN, folder.IMAGES, folder.WINDOWS))
        _without_pictures(temporary / INDEX)
        shutil.copytree(fitted, temporary / FITTED)
        np.save(temporary / REACH, reach_of(opened), allow_pickle=False)
        if hits is not None:
            shutil.copyfile(hits / _RESULTS, temporary / CALIBRATION)
        files = {path.relative_to(temporary).as_posix(): records.content(path) for path in sorted(temporary.rglob("*")) if path.is_file()}
        described = {
            "format": FORMAT,
            "impasto": __version__,
            "title": title or str(folder.described(index)["title"]),
            "licence": licence,
            "identity": before.record(),
            "features": features,
            "steps": [step.name for step in steps],
            "wells": int((opened.rows[LEVEL] == "well").sum()),
            "files": files,
        }
        runs.write_json(temporary / DESCRIBED, described)


def _without_pictures(index: Path) -> None:
    """Take out of a copied index where its pictures lie: they stay with the one who made the map."""
    facts = folder.described(index) | {"image_root": ""}
    for word in (folder.CELLS, folder.CELLS_IMAGES):
        facts.pop(word, None)
    runs.write_json(index / folder.DESCRIBED, facts)


def _refuse_other_steps(index: Index, steps: list[str], fitted: Path) -> None:
    recorded = [str(step.get("method")) for step in index.made.steps]
    if recorded and recorded != steps:
        raise InputError(
            f"the index is of profiles corrected by {' -> '.join(recorded)}, and {fitted} holds {' -> '.join(steps)}; "
            "give the steps that were kept when these profiles were corrected"
        )


def reach_of(index: Index, /, *, seed: int = 0) -> npt.NDArray[np.float32]:
    """How near the nearest well of another plate is, of the wells of an index.

    Parameters
    ----------
    index
        With its wells; where it has one plate, wells of that plate are compared.
    seed
        Of the wells that are drawn, of more than 20,000.

    Returns
    -------
    npt.NDArray[np.float32]
        (wells,) cosines, sorted.

    """
    wells = np.flatnonzero((index.rows[LEVEL] == "well").to_numpy(dtype=bool))
    plate = index.plate_of_row[wells]
    several = len(np.unique(plate)) > 1
    asked = np.arange(len(wells))
    if len(asked) > MOST_REACHED:
        asked = np.sort(np.random.default_rng(seed).choice(asked, MOST_REACHED, replace=False))
    vectors, nearest = Stacked([np.asarray(index.vectors[wells])]), np.full(len(asked), -1, dtype=np.float32)
    for start in range(0, len(wells), _BLOCK):
        block = slice(start, start + _BLOCK)
        cosine = vectors[asked] @ vectors[block].T
        same = plate[asked][:, None] == plate[block][None] if several else asked[:, None] == np.arange(len(wells))[block][None]
        nearest = np.maximum(nearest, np.where(same, -1, cosine).max(axis=1))
    return np.sort(nearest).astype(np.float32)


def open_map(where: Path, /) -> Map:
    """Open a map and check the digests of its files.

    Parameters
    ----------
    where
        What `pack` wrote.

    Returns
    -------
    Map
        Its vectors stay in the file.

    Raises
    ------
    InputError
        The folder is no map, of a newer format, or one of its files is not as it was written.

    """
    path = where / DESCRIBED
    if not path.exists():
        raise InputError(f"{where} is no map ({DESCRIBED} is missing); {_MAKE}")
    described = border.json_object(path, _WHAT, remedy=_AGAIN)
    with border.reading(path, _WHAT, remedy=_AGAIN):
        files, known = dict(described["files"]), int(described["format"])
    if known != FORMAT:
        raise InputError(f"{where} is a map of format {known}, and this version reads format {FORMAT}; install a newer impasto")
    with border.reading(path, _WHAT, remedy=_AGAIN):
        _ = list(described["features"]), Identity.read(described["identity"]), str(described["title"])
    for name, digest in files.items():
        path = where / name
        if not path.is_file() or records.content(path) != digest:
            state = "is not as it was written" if path.is_file() else "is missing"
            raise InputError(f"{where}: {name} {state}; bring the map again")
    return Map(where, described)
