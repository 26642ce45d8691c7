"""Outputs are claimed before they are written: nothing of the user's is ever replaced or removed.

An output that is, holds or lies in an input is refused (see `outputs`). So is a folder that holds anything but an earlier result of the
same verb, and a file that is not such a result; with `outputs.KEEP_OLD`, that file is renamed with the date. What a killed run left is
recognised by its record `started`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from impasto import outputs, records
from impasto.schema import InputError


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
            outputs.refuse_strangers(self.out, verb, self.previous)
        else:
            if self.previous is None:
                outputs.free(self.place, verb, {}, name="")
            elif self.previous["verb"] != verb and self.out.exists() and not outputs.KEEP_OLD.get():
                raise InputError(
                    f"{self.out} is a result of impasto {self.previous['verb']}; give another name, or rename it by --keep-old"
                )
            listed = self.files if self.previous is not None and self.previous["verb"] == verb else {}
            for path in (self.out, *self.beside):
                outputs.free(path, verb, listed, name=self._name(path))
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
            moved = temporary / name
            moved = outputs.dated(moved) if moved.exists() else moved
            moved.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(self.out / name, moved, follow_symlinks=False)
        records.write(temporary / records.RUN, self._current_record(records.STARTED))

    def _name(self, path: Path) -> str:
        """A path as the record lists it; all of a hidden folder under the folder's name."""
        name = os.path.relpath(path, self.place.parent).replace(os.sep, "/")
        first = name.split("/", 1)[0]
        return first if self.folder and first.startswith(".") else name

    def _path(self, name: str) -> Path:
        return self.place.parent / name

    def _current_record(self, state: str) -> dict[str, Any]:
        return {**self._record, "verb": self.verb, "state": state, "files": dict(sorted(self.files.items()))}

    def _write(self, state: str) -> None:
        records.write(self.place, self._current_record(state))


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
        outputs.refuse_overlap(path, inputs, may_lie_in_input=may_lie_in_input)
    outputs.refuse_place(out, verb, folder=folder)
    return Claim(out, verb, folder=folder, beside=beside)
