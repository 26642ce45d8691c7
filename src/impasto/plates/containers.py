"""Files that hold many planes of a plate: .nd2 (Nikon), .lif (Leica), .oif and .oib (Olympus), .czi (Zeiss).

Libraries of the extra `formats` read them.

Each library is asked for two things: what scenes a file has (positions, images), and one plane of one scene. A plane is stored as the path
of its file and its place (`at="s0t0c1z2"`): the scene, then axes by their names.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any, Protocol
from xml.etree import ElementTree as ET

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema
from impasto.failures import is_memory
from impasto.plates import files
from impasto.plates.listing import Listing
from impasto.plates.reader import Asked, Found, Reader
from impasto.schema import InputError

Plane = npt.NDArray[np.generic]
_AXES = "TCZ"
_WELL = re.compile(r"(?<![A-Za-z0-9])([A-Z]{1,2}|[a-z])[-_]?(\d{1,2})(?![0-9])")


@dataclass(frozen=True)
class Scene:
    """One field of a file.

    Attributes
    ----------
    name
        As the file gives it.
    sizes
        Name of an axis (`T`, `C`, `Z`, ...) -> its length.
    channels
        Their names.

    """

    name: str
    sizes: dict[str, int]
    channels: tuple[str, ...]


class Opened(Protocol):
    """A file that is open."""

    def scenes(self) -> list[Scene]:
        """The scenes of the file.

        Returns
        -------
        list[Scene]
            In their order.

        """

    def plane(self, scene: int, at: dict[str, int]) -> Plane:
        """One plane of a scene.

        Parameters
        ----------
        scene
            Its number, from 0.
        at
            Axis (`T`, `C`, `Z`) -> place on it, for those that the scene has.

        Returns
        -------
        Plane
            (H, W), perhaps with axes of length 1.

        """


class Nd2:
    """Nikon, through `nd2`: a scene is a position.

    Parameters
    ----------
    file
        An `nd2.ND2File` that is open.

    """

    def __init__(self, file: Any) -> None:
        self._file, self._sizes = file, dict(file.sizes)

    def scenes(self) -> list[Scene]:
        """Its positions; without any, the whole file.

        Returns
        -------
        list[Scene]
            In their order.

        """
        names = [""] * self._sizes.get("P", 1)
        for loop in self._file.experiment:
            if loop.type == "XYPosLoop":
                names = [str(point.name or "") for point in loop.parameters.points]
        channels = tuple(str(channel.channel.name) for channel in self._file.metadata.channels or ())
        sizes = {axis: size for axis, size in self._sizes.items() if axis != "P"}
        return [Scene(name, sizes, channels) for name in names]

    def plane(self, scene: int, at: dict[str, int]) -> Plane:
        """The frame of a position, time and depth; its channels lie in it.

        Parameters
        ----------
        scene, at
            As `Opened.plane` takes them.

        Returns
        -------
        Plane
            (H, W).

        Raises
        ------
        IndexError
            The file holds no such plane.

        """
        wanted = {"P": scene, **at}
        for number, place in enumerate(self._file.loop_indices):
            if all(place[axis] == wanted.get(axis, 0) for axis in place):
                frame = np.asarray(self._file.read_frame(number))
                return np.asarray(frame[at.get("C", 0)] if frame.ndim == 3 and "C" not in place else frame)
        raise IndexError(f"no plane {wanted}")


class Lif:
    """Leica, through `liffile`: a scene is an image.

    Parameters
    ----------
    file
        A `liffile.LifFile` that is open.

    """

    def __init__(self, file: Any) -> None:
        self._images = list(file.images)

    def scenes(self) -> list[Scene]:
        """Its images. A channel is named by its dye, or else by its colour.

        Returns
        -------
        list[Scene]
            In their order.

        """
        return [Scene(str(image.name), dict(image.sizes), self._channels(image)) for image in self._images]

    @staticmethod
    def _channels(image: Any) -> tuple[str, ...]:
        names = []
        for channel in image.xml_element.findall("./Data/Image/ImageDescription/Channels/ChannelDescription"):
            properties = {p.findtext("Key") or "": p.findtext("Value") or "" for p in channel.findall("ChannelProperty")}
            names.append(properties.get("DyeName") or channel.get("LUTName", ""))
        return tuple(names)

    def plane(self, scene: int, at: dict[str, int]) -> Plane:
        """One frame of an image.

        Parameters
        ----------
        scene, at
            As `Opened.plane` takes them.

        Returns
        -------
        Plane
            (H, W).

        """
        return np.asarray(self._images[scene].frame(**at))


class Oif:
    """Olympus, through `oiffile`: one scene.

    Parameters
    ----------
    file
        An `oiffile.OifFile` that is open.

    """

    def __init__(self, file: Any) -> None:
        self._file = file
        self._series = file.series[0]

    def scenes(self) -> list[Scene]:
        """The file.

        Returns
        -------
        list[Scene]
            One scene, the whole file.

        """
        sizes = dict(zip(str(self._series.axes), self._series.shape, strict=True))
        # Those that were recorded, in their order; the detectors of the program's window (`GUI Channel`) count idle ones too.
        settings = [self._file.mainfile.get(f"Channel {n} Parameters", {}) for n in range(1, sizes.get("C", 1) + 1)]
        return [Scene("", sizes, tuple(map(self._name, settings)))]

    @staticmethod
    def _name(channel: Any) -> str:
        dye = str(channel.get("DyeName") or "")
        return str(channel.get("CH Name") or "") if dye.lower() in ("", "none") else dye

    def plane(self, scene: int, at: dict[str, int]) -> Plane:  # noqa: ARG002 - it has one
        """The TIFF of that place in the file.

        Parameters
        ----------
        scene, at
            As `Opened.plane` takes them.

        Returns
        -------
        Plane
            (H, W).

        """
        index = tuple(at.get(axis, 0) for axis in str(self._series.axes))
        number = [tuple(one) for one in self._series.indices].index(index) if index else 0
        return np.asarray(self._file.asarray(self._series[number]))


class Czi:
    """Zeiss, through `czifile`: a scene is a scene.

    Parameters
    ----------
    file
        A `czifile.CziFile` that is open.

    """

    def __init__(self, file: Any) -> None:
        self._file = file
        self._keys = list(file.scenes)

    def scenes(self) -> list[Scene]:
        """Its scenes; that of a plate's carrier is named by its well.

        Returns
        -------
        list[Scene]
            In their order.

        """
        root = ET.fromstring(self._file.metadata() or "<none/>")
        named = {int(s.get("Index", -1)): s.findtext("ArrayName") or s.get("Name") or "" for s in root.iter("Scene")}
        images = [self._file.scenes[key] for key in self._keys]
        return [Scene(named.get(key, ""), dict(i.sizes), tuple(map(str, i.channels))) for key, i in zip(self._keys, images, strict=True)]

    def plane(self, scene: int, at: dict[str, int]) -> Plane:
        """One plane of a scene; the library counts from where the scene begins.

        Parameters
        ----------
        scene, at
            As `Opened.plane` takes them.

        Returns
        -------
        Plane
            (H, W), perhaps with axes of length 1.

        """
        image = self._file.scenes[self._keys[scene]]
        starts = dict(zip(image.dims, image.start, strict=True))
        return np.asarray(image(**{axis: starts[axis] + number for axis, number in at.items()}).asarray())


@dataclass(frozen=True)
class Kind:
    """A kind of container.

    Attributes
    ----------
    module, name
        The library and the class in it that opens a file.
    opened
        Ours that asks it.
    needs
        What the library needs, for the sentence that names it.
    asks
        What the class must have; an older one lacks it.

    """

    module: str
    name: str
    opened: Callable[[Any], Opened]
    needs: str = ""
    asks: str = "__enter__"

    @property
    def installed(self) -> bool:
        """Whether its library is here, and new enough."""
        return self._opener() is not None

    def _opener(self) -> Callable[[str], AbstractContextManager[Any]] | None:
        try:
            opener: Callable[[str], AbstractContextManager[Any]] = getattr(importlib.import_module(self.module), self.name)
        except ImportError:
            return None
        return opener if hasattr(opener, self.asks) else None

    def lacking(self, suffix: str) -> str:
        """What a kind of files needs (sentence 20 of the borders).

        Parameters
        ----------
        suffix
            Of the files, with its point.

        Returns
        -------
        str
            The extra of impasto, and the command that installs it.

        """
        return f"{suffix.lower()} needs impasto[formats]{self.needs}: pip install 'impasto[formats]'"

    def open(self, path: str) -> AbstractContextManager[Any]:
        """Open a file with the library.

        Parameters
        ----------
        path
            A path or URL.

        Returns
        -------
        AbstractContextManager[Any]
            The library's own object; it closes the file at the end of the context.

        Raises
        ------
        InputError
            The library is not installed, or is too old.

        """
        opener = self._opener()
        if opener is None:
            raise InputError(f"{path}: {self.lacking('.' + path.rpartition('.')[2])}")
        return opener(str(files.local(path)))


_OLYMPUS = Kind("oiffile", "OifFile", Oif)
KINDS = {
    ".nd2": Kind("nd2", "ND2File", Nd2),
    ".lif": Kind("liffile", "LifFile", Lif),
    ".oif": _OLYMPUS,
    ".oib": _OLYMPUS,
    ".czi": Kind("czifile", "CziFile", Czi, " and Python 3.12", asks="scenes"),
}


def kind_of(path: str, /) -> Kind | None:
    """The kind of container that a path is.

    Parameters
    ----------
    path
        A path or URL.

    Returns
    -------
    Kind | None
        By its suffix; None where it is no container.

    """
    return KINDS.get("." + path.rpartition(".")[2].lower())


def scenes(path: str, /) -> list[Scene]:
    """The scenes of a file.

    Parameters
    ----------
    path
        A path or URL of a container.

    Returns
    -------
    list[Scene]
        In their order.

    Raises
    ------
    InputError
        Its library is not installed or cannot read the file, or a scene has an axis that is not read.

    """
    kind = KINDS["." + path.rpartition(".")[2].lower()]
    with _damage_told(path), kind.open(path) as file:
        inside = kind.opened(file).scenes()
    for scene in inside:
        other = next((axis for axis, size in scene.sizes.items() if axis not in (*_AXES, "Y", "X") and size > 1), None)
        if other:
            raise InputError(
                f"{path}: axis {other} of {scene.name or 'its image'} has {scene.sizes[other]} planes; T, C, Z, Y and X are read"
            )
    return inside


def pixels(path: str, places: Sequence[str | int], /) -> list[Plane]:
    """Planes of a file.

    Parameters
    ----------
    path
        A path or URL of a container.
    places
        Each as `"s0t0c1z2"`, or the number of a channel of its first scene.

    Returns
    -------
    list[Plane]
        (H, W) each, in their order.

    Raises
    ------
    InputError
        The file cannot be read.
    IndexError
        It has no such plane, or several.

    """
    kind = KINDS["." + path.rpartition(".")[2].lower()]
    with _damage_told(path), kind.open(path) as file:
        opened = kind.opened(file)
        sizes = [scene.sizes for scene in opened.scenes()]
        planes = []
        for place in places:
            at = {axis.upper(): int(n) for axis, n in re.findall(r"([a-z])(\d+)", f"c{place}" if isinstance(place, int) else place)}
            scene = at.pop("S", 0)
            if scene >= len(sizes) or any(number >= sizes[scene].get(axis, 1) for axis, number in at.items()):
                raise IndexError(f"no plane {place}: it has {len(sizes)} scenes of {sizes[0]}")
            several = [axis for axis in _AXES if sizes[scene].get(axis, 1) > 1 and axis not in at]
            if several:
                raise IndexError(f"{sizes[scene][several[0]]} planes along {several[0]}, of which none is named")
            pixels = opened.plane(scene, {axis: number for axis, number in at.items() if axis in sizes[scene]})
            # A copy: a library may give a view of the file's memory, which ends with the file.
            planes.append(np.array(np.squeeze(pixels)))
    return planes


@contextmanager
def _damage_told(path: str) -> Iterator[None]:
    """Whatever a library raises on a file is said of that file; how it fails on damage is written nowhere."""
    try:
        yield
    except (InputError, IndexError):
        raise
    except Exception as error:
        if is_memory(error):
            raise  # says nothing of the file
        cause = (str(error).splitlines() or [""])[0][:120]
        odd = "" if cause and isinstance(error, ValueError | OSError) else f"{type(error).__name__}: "
        raise InputError(f"{path} cannot be read ({odd}{cause}); copy it again") from error


def fits(listing: Listing, /) -> int:
    """How many containers a listing holds.

    Parameters
    ----------
    listing
        What lies at a source.

    Returns
    -------
    int
        Files with the suffix of one.

    """
    return sum(kind_of(name) is not None for folder in listing.folders for name in folder.images())


def planes(listing: Listing, asked: Asked, /) -> Found:
    """The planes of all containers of a listing.

    Parameters
    ----------
    listing
        What lies at a source.
    asked
        What the user said; `order` is used here.

    Returns
    -------
    Found
        A row a plane.

    Raises
    ------
    InputError
        Where a library is not installed, or neither a file nor its scenes name a well.

    """
    paths = [f"{folder.path}/{name}" for folder in listing.folders for name in folder.images() if kind_of(name)]
    rows = [row for path in paths for row in _of_file(path, asked.order)]
    return Found(pd.DataFrame(rows), folders=frozenset(path.rpartition("/")[0] for path in paths), stores=frozenset())


def _of_file(path: str, order: Sequence[str]) -> Iterator[dict[str, object]]:
    head, _, name = path.rpartition("/")
    own = _WELL.search(name.rpartition(".")[0])
    inside = scenes(path)
    named = [_WELL.search(scene.name) for scene in inside]
    lacking = [scene.name for scene, well in zip(inside, named, strict=True) if well is None and own is None]
    if lacking:
        raise InputError(
            f"{path}: no well is named by the file or its scenes (first: {lacking[0] or 'without a name'}); "
            "list its planes in a sheet (path,channel,plate,well,site,at), at as s0c0"
        )
    # A file that holds wells is a plate; files that are wells lie in the plate's folder.
    whole_plate = all(named) and (own is None or len({match[0] for match in named if match}) > 1)
    plate = name.rpartition(".")[0] if whole_plate else head.rpartition("/")[2]
    counts: dict[str, int] = {}
    for number, (scene, match) in enumerate(zip(inside, named, strict=True)):
        place = match or own
        assert place is not None, "every scene has a well by now"
        well = schema.normal_well(place[1] + place[2])
        counts[well] = counts.get(well, 0) + 1
        yield from _rows(
            scene,
            path,
            number,
            order,
            {schema.PLATE: plate, schema.WELL: well, schema.SITE: str(counts[well]), "base": path if whole_plate else head},
        )


def _rows(scene: Scene, path: str, number: int, order: Sequence[str], place: dict[str, str]) -> Iterator[dict[str, object]]:
    count = scene.sizes.get("C", 1)
    names = tuple(scene.channels) if len(scene.channels) == count and all(scene.channels) else ()
    labels = tuple(order) or names or tuple(f"channel {n}" for n in range(1, count + 1))
    if len(labels) != count:
        raise InputError(f"{path}: {len(labels)} channels are named ({', '.join(labels)}), but it holds {count}")
    axes = [axis for axis in _AXES if axis in scene.sizes]
    for indices in product(*(range(scene.sizes[axis]) for axis in axes)):
        at = dict(zip(axes, indices, strict=True))
        chosen = {word: str(at[axis]) if scene.sizes.get(axis, 1) > 1 else "" for axis, word in (("Z", "depth"), ("T", "time"))}
        place_in_file = f"s{number}" + "".join(f"{axis.lower()}{n}" for axis, n in at.items())
        channel = at.get("C", 0)
        yield {"path": path, "at": place_in_file, schema.CHANNEL: labels[channel], "number": str(channel + 1), **chosen, **place}


READER = Reader("containers", "A01.nd2, A01.lif, A01.czi, A01.oib", fits, planes)
