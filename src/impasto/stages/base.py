"""What every kind of stage says of itself: what it reads, what it writes, and how it is run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from impasto import records, runs
from impasto.need import Need
from impasto.schema import PROFILES_FILES, InputError
from impasto.settings import Settings
from impasto.stages.held import Held, Sizes


@dataclass(frozen=True)
class Writes:
    """What a verb writes: a folder of files, or one file.

    Attributes
    ----------
    folder
        Whether it can be a folder.
    suffixes
        How the name of a file ends; where both can be written, the name decides.

    """

    folder: bool
    suffixes: tuple[str, ...] = ()

    def is_folder(self, out: Path, /) -> bool:
        """Whether the result at `out` is a folder of files.

        Parameters
        ----------
        out
            Where the result goes.

        Returns
        -------
        bool
            True for a folder, False for one file.

        Raises
        ------
        InputError
            Where the name fits nothing that the verb writes.

        """
        named_as_file = out.name.lower().endswith(self.suffixes)
        if not named_as_file and not self.folder:
            raise InputError(f"{out}: cannot tell the kind of file from its name; allowed: {', '.join(self.suffixes)}")
        return not named_as_file


FOLDER = Writes(folder=True)
PROFILES = Writes(folder=False, suffixes=PROFILES_FILES)


def digest_of_images(path: Path, /) -> str:
    """The digest of an input that may hold images or name them (`plates.digest`).

    Parameters
    ----------
    path
        A file or folder.

    Returns
    -------
    str
        Another for other content.

    """
    from impasto.plates.digest import digest  # reads formats of images, so it is imported when it is asked for

    return digest(path)


@dataclass(frozen=True)
class Verb:
    """One kind of stage.

    Attributes
    ----------
    settings
        The class of its settings.
    inputs
        `inputs(settings)` gives the paths that a run reads.
    run
        `run(settings, out)` leaves the result at `out`. It raises InputError where what it reads is not as it must be.
    result
        The name of that result inside a stage's folder; `""` is the folder itself.
    writes
        Whether the result is a folder or a file.
    beside
        What else is written: `beside(settings, out)`.
    may_lie_in_input
        Whether the result may stand among what is read.
    digest
        The digest of an input.
    need
        `need(settings, out, sizes)`: what a run will take of the machine, from headers only; None where that is not known.
    leaves
        `leaves(settings, out, sizes)`: path -> what a run will leave there, for the estimates of later stages; empty where nobody knows.

    """

    settings: type[Settings]
    inputs: Callable[[Any], Sequence[Path]]
    run: Callable[[Any, Path], None]
    result: str
    writes: Writes
    beside: Callable[[Any, Path], Sequence[Path]] = lambda _settings, _out: ()
    may_lie_in_input: bool = False
    digest: Callable[[Path], str] = runs.digest
    need: Callable[[Any, Path, Sizes], Need | None] = lambda _settings, _out, _sizes: None
    leaves: Callable[[Any, Path, Sizes], Mapping[Path, Held]] = lambda _settings, _out, _sizes: {}

    def record(self, out: Path, /) -> Path:
        """Where the record of a result at `out` is kept.

        Parameters
        ----------
        out
            Where the result lies.

        Returns
        -------
        Path
            The file of the record.

        """
        return records.path_of(out, folder=self.writes.is_folder(out))
