"""What goes wrong while an outside file is read is one sentence about that file; what the machine lacks is not."""

from __future__ import annotations

import errno
import json
import os
import re
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import save_file

from impasto import border, deepprofiler, delimited
from impasto.perturbations import relations
from impasto.plates import archives, harmony, illumination, measurement
from impasto.plates.read import BadImage
from impasto.profiles import shape
from impasto.schema import InputError


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("two\nlines"), "two"),
        (KeyError("method"), "method is missing"),
        (KeyError(), "a part is missing"),
        (zlib.error("Error -3"), "Error -3"),
        (EOFError(), "EOFError"),
        (AttributeError("'list' object has no attribute 'get'"), "'list' object has no attribute 'get'"),
        (OSError(errno.EINVAL, "odd"), r"\[Errno 22\] odd"),
    ],
)
def test_what_a_library_raises_names_the_file(error: Exception, said: str) -> None:
    with (
        pytest.raises(InputError, match=rf"^p\.csv cannot be read as a table \({said}\); it may be cut short"),
        border.reading("p.csv", "table"),
    ):
        raise error


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("CUDA out of memory"),
        OSError(errno.ENOSPC, "full"),
        PermissionError(errno.EACCES, "no"),
        FileNotFoundError(errno.ENOENT, "gone"),
        AssertionError("ours"),
        KeyboardInterrupt(),
    ],
)
def test_what_the_machine_lacks_and_our_own_faults_stay_what_they_are(error: BaseException) -> None:
    with pytest.raises(type(error)), border.reading("p.csv", "table"):
        raise error


def test_a_sentence_that_is_there_already_stays() -> None:
    with pytest.raises(InputError, match=r"^row 3 is blank$"), border.reading("p.csv", "table"):
        raise InputError("row 3 is blank")


@pytest.mark.parametrize(
    ("text", "said"),
    [("[1]", "it holds a list"), ("{", "Expecting"), ("\ufeff{}", "BOM"), ("null", "it holds a NoneType"), ("", "Expecting")],
)
def test_json_that_is_no_object(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "model.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=rf"model\.json cannot be read as a trained run \(.*{said}.*\); train it again"):
        border.json_object(path, "trained run", remedy="train it again")


def test_json_of_any_size_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.json"
    path.write_text(json.dumps({"a": "x" * 100}), encoding="utf-8")
    assert border.json_object(path, "trained run") == {"a": "x" * 100}
    monkeypatch.setattr(border, "MOST_JSON", 100)
    with pytest.raises(InputError, match="MB are too many"):
        border.json_object(path, "trained run")


def test_weights_are_whole_and_finite(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_file({"w": np.ones(3, dtype=np.float32), "n": np.arange(2)}, path)
    found = border.weights(path, "trained run")
    assert torch.equal(found["w"], torch.ones(3))
    save_file({"w": np.array([1, np.inf], dtype=np.float32)}, path)
    with pytest.raises(InputError, match="w holds values that are not finite"):
        border.weights(path, "trained run")
    for content in (b"", b"\xff" * 64, path.read_bytes()[:40]):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"model\.safetensors cannot be read as a trained run"):
            border.weights(path, "trained run")


def test_a_parquet_file_is_read_whole_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "x"]}).to_parquet(path)
    assert border.parquet(path)["a"].tolist() == [1, 2, 3]
    assert border.parquet(path, columns=["b"]).columns.tolist() == ["b"]
    assert border.parquet(path, filters=[("b", "==", "x")])["a"].tolist() == [1, 3]
    with pytest.raises(InputError, match=r"t\.parquet cannot be read as a list of flags"):
        border.parquet(path, "list of flags", columns=["c"])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"t\.parquet cannot be read as a table .*cut short"):
        border.parquet(path)


def test_a_pipe_and_a_device_are_refused_before_they_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.csv")
    (tmp_path / "b.csv").symlink_to("/dev/zero")
    for name in ("a.csv", "b.csv"):
        with pytest.raises(InputError, match="is neither a file nor a folder"), border.reading(tmp_path / name, "table"):
            pytest.fail("it was opened")
        with pytest.raises(InputError, match="is neither a file nor a folder"):
            delimited.layout(tmp_path / name)
    border.refuse_odd(tmp_path / "none")
    border.refuse_odd(tmp_path)


READERS: dict[str, Callable[[Path], object]] = {
    "Index.idx.xml": harmony.read,
    "MeasurementData.mlf": measurement.read,
    "1.npz": deepprofiler.may_hold_features,
    "p.zip": archives.Zip,
    "string_pairs.csv": relations.read,
    "DNA.npy": lambda path: illumination._function(str(path)),
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", READERS)
def test_readers_do_not_wait_for_a_pipe(name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises((InputError, BadImage), match=f"{re.escape(name)}.* is neither a file nor a folder"):
        READERS[name](tmp_path / name)


@pytest.mark.timeout(60)
def test_the_size_of_a_pipe_is_not_known(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "t.csv")
    assert shape.shape(tmp_path / "t.csv") is None


def test_a_pipe_inside_a_folder_that_is_read_whole_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a" / "c").mkdir(parents=True)
    (tmp_path / "a" / "c" / "0").write_bytes(b"x")
    (tmp_path / "a" / "nowhere").symlink_to(tmp_path / "gone")
    border.refuse_odd_within(tmp_path)
    os.mkfifo(tmp_path / "a" / "c" / "1")
    with pytest.raises(InputError, match=r"a/c/1 is neither a file nor a folder"):
        border.refuse_odd_within(tmp_path)


def test_a_glance_finds_nothing_where_a_file_cannot_be_read_and_lets_memory_through() -> None:
    def raising(error: Exception) -> int:
        raise error

    assert border.glance(lambda: 3) == 3
    assert border.glance(lambda: raising(zlib.error("invalid stored block lengths"))) is None
    with pytest.raises(MemoryError):
        border.glance(lambda: raising(MemoryError()))


@pytest.mark.parametrize(
    "content",
    [np.zeros(3), np.zeros((2, 3, 1)), np.array([["a", "b"]]), np.float32(1.0), b"", b"\x93NUMPY\x01\x00"],
    ids=["a row", "a cube", "words", "one number", "empty", "cut"],
)
def test_numbers_of_other_axes_words_and_cut_files_are_sentences(content: object, tmp_path: Path) -> None:
    path = tmp_path / "vectors.npy"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.save(path, content)  # type: ignore[arg-type]
    for mapped in (False, True):
        with pytest.raises(InputError, match=r"vectors\.npy cannot be read as a list of vectors .*; make it again"):
            border.array(path, "list of vectors", axes=2, mapped=mapped, remedy="make it again")
    np.save(path, np.arange(6, dtype=np.float32).reshape(2, 3))
    assert border.array(path, "list of vectors", axes=2).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert isinstance(border.array(path, "list of vectors", axes=2, mapped=True), np.memmap)
