"""Every kind of failure has its own exit code and one sentence."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from impasto import failures
from impasto.schema import InputError

LESS = "; close other programs, give less at a time, or take a larger machine"
REPORT = ". Please report this line, and what the same command prints with --debug, where impasto is developed"


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (InputError("a.csv has no column 'well';\n give one"), 2, "a.csv has no column 'well'; give one"),
        (KeyboardInterrupt(), 130, "stopped; run the same command again to go on"),
        (failures.Terminated(), 143, "stopped from outside (SIGTERM); run the same command again to go on"),
        (
            MemoryError("Unable to allocate 1 TiB"),
            3,
            "too little memory (MemoryError: Unable to allocate 1 TiB)" + LESS,
        ),
        (
            RuntimeError("CPU: can't allocate memory: 8 bytes"),
            3,
            "too little memory (RuntimeError: CPU: can't allocate memory: 8 bytes)" + LESS,
        ),
        (
            OSError(errno.ENOSPC, "No space left on device", "/d/a.parquet"),
            3,
            "the disk is full, at /; make room, then run the same command again to go on",
        ),
        (
            RuntimeError(
                "Can't decrement id ref count (unable to extend file properly, errno = 28, error message = 'No space left on device')"
            ),
            3,
            "the disk is full; make room, then run the same command again to go on",
        ),
        (
            Exception("Error while serializing: I/O error: File too large (os error 27)"),
            3,
            "the disk is full; make room, then run the same command again to go on",
        ),
        (OSError("192000 requested and 7468 written"), 3, "the disk is full; make room, then run the same command again to go on"),
        (
            OSError(errno.ENAMETOOLONG, "File name too long", "x" * 4),
            2,
            "a name is too long for this system, at xxxx; give a shorter folder, or shorter names",
        ),
        (
            OSError(errno.ELOOP, "Too many levels of symbolic links", "/d/a.tif"),
            2,
            "a link leads to itself, at /d/a.tif; remove it, or let it lead to a file",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "/d/a.parquet"),
            3,
            "this may not be read or written, at /d/a.parquet (Permission denied); give another place, or ask for the right to it",
        ),
        (KeyError("facts"), 1, "a fault of impasto: KeyError: 'facts'" + REPORT),
    ],
)
def test_an_error_is_a_code_and_one_line(error: BaseException, code: int, sentence: str) -> None:
    assert failures.code_and_sentence(error) == (code, sentence)


def test_a_runtime_error_about_something_else_is_our_fault() -> None:
    assert failures.code_and_sentence(RuntimeError("shape mismatch"))[0] == 1
    assert failures.code_and_sentence(RuntimeError("layer 28 of os error"))[0] == 1
    assert failures.code_and_sentence(RuntimeError("errno = 281"))[0] == 1


def test_the_folder_on_the_full_disk_is_named_and_not_what_is_gone(tmp_path: Path) -> None:
    error = OSError(errno.ENOSPC, "No space left on device", str(tmp_path / ".a.partial-host-1-2-3.parquet" / "x"))
    assert failures.code_and_sentence(error)[1].startswith(f"the disk is full, at {tmp_path}; make room")


def test_the_file_that_was_read_is_named(tmp_path: Path) -> None:
    from impasto.atlas import index

    folder = tmp_path / "index"
    folder.mkdir()
    (folder / "index.json").write_text("[")
    with pytest.raises(ValueError, match="Expecting") as caught:
        index.open_index(folder)
    assert failures.file_of(caught.value) == folder / "index.json"
    assert str(folder) in failures.code_and_sentence(caught.value)[1]
