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
        (
            FileNotFoundError(errno.ENOENT, "No such file or directory", "/d/Cells.csv"),
            2,
            "a file is not there, at /d/Cells.csv, or a link to it leads nowhere; check the path",
        ),
        (
            IsADirectoryError(errno.EISDIR, "Is a directory", "/d/Index.xml"),
            2,
            "a folder stands where a file should be, at /d/Index.xml; move it away, or give the file",
        ),
        (
            NotADirectoryError(errno.ENOTDIR, "Not a directory", "/d/a.zip"),
            2,
            "a file stands where a folder should be, at /d/a.zip; move it away, or give the folder",
        ),
        (FileNotFoundError("no weights"), 1, "a fault of impasto: FileNotFoundError: no weights" + REPORT),
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


def raised_in(module: str, error: Exception, tmp_path: Path) -> Exception:
    """The error, as a function of that module raises it while it holds a path."""
    path = tmp_path / "p.csv"
    path.write_text("x")
    names: dict[str, object] = {"__name__": module, "error": error}
    exec("def read(path):\n    raise error", names)
    with pytest.raises(type(error)) as caught:
        names["read"](path)  # type: ignore[operator]
    return caught.value


def test_what_no_reader_foresaw_in_a_file_names_the_file(tmp_path: Path) -> None:
    for module in ("impasto.tables", "impasto.plates.stacks"):
        code, sentence = failures.code_and_sentence(raised_in(module, TypeError("int() of None"), tmp_path))
        assert code == 2
        what = f"{tmp_path / 'p.csv'} cannot be read (TypeError: int() of None); it may be damaged, or of another kind"
        assert sentence == f"{what}. If it is whole, p{REPORT[3:]}"


@pytest.mark.parametrize(
    ("module", "error"),
    [("impasto.evaluation.hits", TypeError("x")), ("impasto.tables_of_mine", TypeError("x")), ("impasto.tables", AssertionError("x"))],
)
def test_what_fails_elsewhere_and_a_broken_promise_are_faults_of_impasto(module: str, error: Exception, tmp_path: Path) -> None:
    assert failures.code_and_sentence(raised_in(module, error, tmp_path))[0] == 1


def test_a_fault_behind_a_reader_is_not_the_files(tmp_path: Path) -> None:
    def computed(path: Path) -> None:
        assert path
        raise raised_in("impasto.ranking.blocks", ValueError("x"), tmp_path)

    with pytest.raises(ValueError, match="x") as caught:
        computed(tmp_path)
    assert failures.code_and_sentence(caught.value)[0] == 1
