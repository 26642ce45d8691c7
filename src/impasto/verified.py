"""Are results still as their runs left them? Their records hold the digest of each file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from impasto import records
from impasto.schema import InputError


@dataclass(frozen=True)
class Verified:
    """A result, and how its files compare with its record.

    Attributes
    ----------
    record
        The record.
    verb
        Who wrote the result.
    state
        `finished`, or `started` for a run that was stopped or still runs.
    files
        How many files the record lists.
    missing, changed
        The names of those that are gone, and of those that hold something else now.

    """

    record: Path
    verb: str
    state: str
    files: int
    missing: tuple[str, ...]
    changed: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether the run has finished and all is as it left it."""
        return self.state == records.FINISHED and not self.missing and not self.changed


def results(path: Path, /) -> list[Verified]:
    """Compare a result, and all results in it, with their records.

    Parameters
    ----------
    path
        A file or folder that a run wrote, or a folder of such.

    Returns
    -------
    list[Verified]
        One a record, sorted by its place.

    Raises
    ------
    InputError
        There is no record.

    """
    compared = [_of(place, record) for place in _places(path) if (record := records.read(place)) is not None]
    if not compared:
        raise InputError(f"{path} has no record of a run of impasto ({records.RUN}, or {path.name}.{records.RUN} beside it); name a result")
    return compared


def _places(path: Path) -> Iterator[Path]:
    beside = records.path_of(path, folder=False)
    if beside.is_file():
        yield beside
    if path.is_dir():
        visible = (place for place in records.walk(path) if not any(part.startswith(".") for part in place.relative_to(path).parts))
        yield from sorted(place for place in visible if place.name == records.RUN or place.name.endswith(f".{records.RUN}"))


def _of(place: Path, record: dict[str, object]) -> Verified:
    listed = {place.parent / name: digest for name, digest in records.files_of(record).items()}
    names = {path: path.relative_to(place.parent).as_posix() for path in listed}
    missing = tuple(names[path] for path in listed if not (path.exists() or path.is_symlink()))
    changed = tuple(names[path] for path, digest in listed.items() if names[path] not in missing and not records.is_as_listed(path, digest))
    return Verified(place, str(record["verb"]), str(record.get("state", records.STARTED)), len(listed), missing, changed)
