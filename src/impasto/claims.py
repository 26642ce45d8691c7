"""Outputs are claimed before they are written: nothing of the user's is ever replaced or removed.

An output that is, holds or lies in an input is refused. So is a folder that holds anything but an earlier result of the same verb, and a
file that is not such a result (or, with `KEEP_OLD`, it is renamed with the date). What a killed run left is told by its record `started`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from impasto import records
from impasto.schema import InputError

KEEP_OLD: ContextVar[bool] = ContextVar("keep_old", default=False)
"""Whether a file of somebody else that stands where a result goes is renamed with the date (`--keep-old`), instead of refused."""


# ---------------------------------------------------------------- outputs and inputs
def lies_in(path: Path, folder: Path, /) -> bool:
    """Whether a path is a file or folder, or lies in it. What is on disk decides, whatever links or `..` the path is named by.

    Parameters
    ----------
    path
        A path, there or not.
    folder
        A file or a folder.

    Returns
    -------
    bool
        False where `folder` is not there.

    """
    if not folder.exists():
        return False
    real = Path(os.path.realpath(path))
    return any(p.exists() and p.samefile(folder) for p in (real, *real.parents))


def settled(out: Path, /, *, folder: bool) -> Path:
    """The same place named without links and `..`. A link that stands for a file itself stays.

    Parameters
    ----------
    out
        The place of a result.
    folder
        Whether the result is a folder.

    Returns
    -------
    Path
        `out` itself where its name holds neither.

    """
    whole = folder or out.name in ("", "..")
    real = Path(os.path.realpath(out)) if whole else Path(os.path.realpath(out.parent)) / out.name
    return out if ".." not in out.parts and real == Path(os.path.abspath(out)) else real


def refuse_overlap(out: Path, inputs: Sequence[Path], /, *, may_lie_in_input: bool = False) -> None:
    """Refuse an output that is, holds or lies in an input.

    Parameters
    ----------
    out
        The place of a result.
    inputs
        All that the run reads.
    may_lie_in_input
        Whether the result may lie in an input.

    Raises
    ------
    InputError
        The two overlap.

    """
    for path in inputs:
        if out.exists() and path.exists() and out.samefile(path):
            how = "is"
        elif lies_in(path, out):
            how = "holds"
        elif lies_in(out, path) and not may_lie_in_input:
            how = "lies in"
        else:
            continue
        raise InputError(f"--out {out} {how} the input {path}; results never go into what is read: give another folder")


def refuse_place(out: Path, verb: str, /, *, folder: bool) -> None:
    """Refuse a name under which no result can stand: a folder where a file is written, a device, a name too long.

    Parameters
    ----------
    out
        The place of a result.
    verb
        The verb that writes it.
    folder
        Whether the result is a folder.

    Raises
    ------
    InputError
        The result cannot stand there.

    """
    if "\0" in str(out) or any(len(os.fsencode(part)) > 255 for part in out.parts):
        raise InputError(f"--out {str(out)[:60]!r}... is no name for a file; give a shorter one, of letters and numbers")
    if folder and out.is_symlink() and not out.exists():
        raise InputError(f"--out {out} is a link that leads nowhere; give another place")
    above = next((parent for parent in out.parents if parent.exists()), None)
    if above is not None and not above.is_dir():
        raise InputError(f"--out {out} lies in {above}, which is a file; give another place")
    if not out.exists():
        return
    if folder and not out.is_dir():
        raise InputError(f"--out {out} is a file, and impasto {verb} writes a folder; give a new folder")
    if not folder and out.is_dir() and out.suffix.lower() != ".zarr":
        raise InputError(f"--out {out} is a folder, and impasto {verb} writes a file; give the name of a file")
    if not (out.is_file() or out.is_dir()):
        raise InputError(f"--out {out} is neither a file nor a folder; give another name")


# ---------------------------------------------------------------- what is there already
def refuse_strangers(out: Path, verb: str, previous: dict[str, Any] | None, /) -> None:
    """Refuse a folder that holds anything but an earlier result of this verb.

    Parameters
    ----------
    out
        The folder of a result.
    verb
        The verb that writes it.
    previous
        The record in the folder, or None.

    Raises
    ------
    InputError
        The folder holds files that no record lists as they are now, or a result of another verb.

    """
    strangers = records.strangers(out) if out.is_dir() else []
    if previous is None and strangers:
        raise InputError(f"{out} is not empty and impasto did not write it (it holds {records.told(strangers)}); give a new folder")
    if previous is not None and previous["verb"] != verb:
        raise InputError(f"{out} holds a result of impasto {previous['verb']}; give impasto {verb} a new folder")
    if strangers:
        raise InputError(
            f"{out} holds {records.told(strangers)}, which impasto {verb} did not leave like this; move it away, or give a new folder"
        )


def free(path: Path, verb: str, listed: records.Files, /, *, name: str) -> None:
    """See that a file may be written. With `KEEP_OLD`, a file of somebody else is renamed with the date.

    Parameters
    ----------
    path
        The file.
    verb
        The verb that writes it.
    listed
        The files of the earlier result, with their digests.
    name
        The name of the file in that list.

    Raises
    ------
    InputError
        The file is there, is not as the earlier result left it, and `KEEP_OLD` is not set.

    """
    if not (path.exists() or path.is_symlink()):
        return
    if path.is_dir() and not path.is_symlink() and not any(path.iterdir()):
        return
    if name in listed and records.is_as_listed(path, listed[name]):
        return
    if not KEEP_OLD.get():
        raise InputError(
            f"{path} is there and is not as impasto {verb} left it; give another name, or rename it with today's date by --keep-old"
        )
    path.rename(dated(path))


def dated(path: Path, /) -> Path:
    """A free name beside a path that holds today's date: `a.parquet` -> `a.2026-01-31.parquet`.

    Parameters
    ----------
    path
        A file or folder.

    Returns
    -------
    Path
        With a number behind the date where that name is taken.

    """
    suffixes = path.suffixes[-2:] if path.suffix == ".gz" else path.suffixes[-1:]
    stem, ending = path.name.removesuffix("".join(suffixes)), "".join(suffixes)
    day = time.strftime("%Y-%m-%d")
    names = (f"{stem}.{day}{number}{ending}" for number in ("", *(f"-{n}" for n in range(2, 10_000))))
    return next(place for name in names if not (place := path.with_name(name)).exists() and not place.is_symlink())


# ---------------------------------------------------------------- a claim
class Claim:
    """A place that one run may write: its record is there from the start, and lists each file before it appears.

    Parameters
    ----------
    out
        The result: a file, or a folder.
    verb
        Who writes it.
    folder
        Whether `out` is a folder of files; a `.zarr` counts as a file.
    beside
        Further files and folders that the run writes beside a file.

    """

    def __init__(self, out: Path, verb: str, /, *, folder: bool, beside: Sequence[Path] = ()) -> None:
        self.out, self.verb, self.folder, self.beside = out, verb, folder, tuple(beside)
        self.place = records.path_of(out, folder=folder)
        self.previous = records.read(self.place)
        self.files = dict(records.files_of(self.previous))
        self._record: Mapping[str, Any] = {}
        self._is_written = False
        self._new_folders: list[Path] = []

    def is_done(self, key: str, /) -> bool:
        """Whether the run of this key has finished here and its files are as it left them.

        Parameters
        ----------
        key
            The key of the run: version, verb, settings and digests of the inputs.

        Returns
        -------
        bool
            True where there is nothing to do.

        """
        before = self.previous
        if before is None or not records.is_finished(before) or before["key"] != key or not self.out.exists():
            return False
        paths = {self._path(name): digest for name, digest in self.files.items()}
        return all(path.exists() and records.is_as_listed(path, digest) for path, digest in paths.items())

    def start(self, record: Mapping[str, Any], /) -> None:
        """Write the record `started`.

        Parameters
        ----------
        record
            What is known of the run: key, settings, inputs. It may be added to until `finish`.

        Raises
        ------
        InputError
            Something is there that is not an earlier result of this verb.

        """
        verb, self._record = self.verb, record
        if self.folder:
            refuse_strangers(self.out, verb, self.previous)
        else:
            if self.previous is None:
                free(self.place, verb, {}, name="")
            elif self.previous["verb"] != verb and self.out.exists() and not KEEP_OLD.get():
                raise InputError(
                    f"{self.out} is a result of impasto {self.previous['verb']}; give another name, or rename it by --keep-old"
                )
            listed = self.files if self.previous is not None and self.previous["verb"] == verb else {}
            for path in (self.out, *self.beside):
                free(path, verb, listed, name=self._name(path))
        self._new_folders = [p for p in (self.place.parent, *self.place.parent.parents) if not p.exists()]
        self._write(records.STARTED)

    def note(self, path: Path, replaced_by: Path | None, /) -> bool:
        """List a file that is about to be written, if it belongs to this run.

        Parameters
        ----------
        path
            The file, or the folder of the result itself.
        replaced_by
            The finished temporary path that takes its place, or None.

        Returns
        -------
        bool
            Whether it belongs to this run.

        """
        if self.folder and path == self.out and replaced_by is not None:
            self._replace_folder(replaced_by)
            return True
        is_own = path.is_relative_to(self.out) if self.folder else path in (self.out, *self.beside)
        if not is_own:
            return False
        self._is_written = True
        name = self._name(path)
        if self.files.get(name, "") is not None:
            self.files[name] = None
            self._write(records.STARTED)
        return True

    def finish(self) -> None:
        """Write the record `finished`, with the digests of all files."""
        result = () if self.folder else (self.out, *self.beside)
        there = {name: self._path(name) for name in (*self.files, *map(self._name, result))}
        self.files = {name: records.content(path) for name, path in there.items() if path.exists()}
        self._write(records.FINISHED)

    def undo(self) -> None:
        """Put the record back as it was, where the run wrote nothing: what is there is what the earlier record says."""
        if self._is_written:
            return
        if self.previous is not None:
            records.write(self.place, self.previous)
            return
        if self.folder and any(member != self.place for member in self.out.iterdir()):
            return
        self.place.unlink(missing_ok=True)
        for folder in self._new_folders:
            with contextlib.suppress(OSError):  # something else has come to lie in it
                folder.rmdir()

    def _replace_folder(self, temporary: Path) -> None:
        """The new folder gets the record, and what somebody has put into the old one since the run began."""
        self._is_written = True
        self.files = {member.relative_to(temporary).as_posix(): None for member in records.walk(temporary)}
        for name in records.strangers(self.out):
            kept = temporary / name
            kept = dated(kept) if kept.exists() else kept
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(self.out / name, kept, follow_symlinks=False)
        records.write(temporary / records.RUN, self._told(records.STARTED))

    def _name(self, path: Path) -> str:
        """A path as the record lists it; all of a hidden folder under the folder's name."""
        name = os.path.relpath(path, self.place.parent).replace(os.sep, "/")
        first = name.split("/", 1)[0]
        return first if self.folder and first.startswith(".") else name

    def _path(self, name: str) -> Path:
        return self.place.parent / name

    def _told(self, state: str) -> dict[str, Any]:
        return {**self._record, "verb": self.verb, "state": state, "files": dict(sorted(self.files.items()))}

    def _write(self, state: str) -> None:
        records.write(self.place, self._told(state))


def claim(
    out: Path,
    verb: str,
    inputs: Sequence[Path],
    /,
    *,
    folder: bool,
    beside: Sequence[Path] = (),
    may_lie_in_input: bool = False,
) -> Claim:
    """Claim a place for the result of a verb, before anything is computed.

    Parameters
    ----------
    out, verb, inputs
        The result, the verb that writes it, and all that it reads.
    folder, beside
        What is written: see `Claim`.
    may_lie_in_input
        Whether the result may lie in what is read: a report's page in the folder of its run.

    Returns
    -------
    Claim
        Not yet started.

    Raises
    ------
    InputError
        The result is, holds or lies in an input, or cannot stand under its name.

    """
    for path in (out, *beside):
        refuse_overlap(path, inputs, may_lie_in_input=may_lie_in_input)
    refuse_place(out, verb, folder=folder)
    return Claim(out, verb, folder=folder, beside=beside)
