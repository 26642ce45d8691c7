"""The border to outside files: whatever goes wrong while one is read and taken apart becomes one sentence about that file.

Libraries raise some forty kinds of errors on damaged files, and what JSON holds may be of any form. Here, and only here, all of them mean:
this file cannot be read. What the machine lacks (memory, disk, rights, the file itself) stays what it is.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from impasto import failures
from impasto.schema import InputError

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd
    from pydantic import TypeAdapter
    from torch import Tensor

T = TypeVar("T")
AGAIN = "it may be cut short, damaged or of another kind; copy it or make it again"
MOST_JSON = 64 * 2**20
"""Bytes of a JSON file; what is larger describes nothing."""


@contextlib.contextmanager
def reading(path: Path | str, what: str, /, *, remedy: str = AGAIN) -> Iterator[None]:
    """Take a file apart; wrap only what reads that file.

    Parameters
    ----------
    path
        The file or folder.
    what
        What it should be: `"table"`, `"trained run"`.
    remedy
        What the user can do.

    Yields
    ------
    None
        Nothing; what goes wrong inside becomes the sentence.

    Raises
    ------
    InputError
        It is not what it should be.

    """
    refuse_odd(path)
    try:
        yield
    except (InputError, AssertionError):
        raise
    except Exception as error:
        if failures.is_of_the_machine(error):
            raise
        raise InputError(f"{path} cannot be read as a {what} ({cause(error)}); {remedy}") from error


def refuse_odd(path: Path | str, /) -> None:
    """Refuse what is neither a file nor a folder: a pipe waits for ever, and a device has no end.

    Parameters
    ----------
    path
        What is to be read, there or not.

    Raises
    ------
    InputError
        It is a pipe, a socket or a device, or a link to one.

    """
    place = Path(path)
    if place.exists() and not (place.is_file() or place.is_dir()):
        raise InputError(f"{path} is neither a file nor a folder; give a file")


def refuse_odd_within(folder: Path, /) -> None:
    """Refuse a folder that a library reads whole (Zarr), and that holds what is neither a file nor a folder.

    Parameters
    ----------
    folder
        The folder.

    Raises
    ------
    InputError
        A pipe, a socket, a device or a link to one lies in it, at any depth.

    """
    with os.scandir(folder) as members:
        for member in members:
            if member.is_dir(follow_symlinks=False):  # a link may lead back to where it lies
                refuse_odd_within(Path(member.path))
            elif not member.is_file():
                refuse_odd(member.path)


def glance(look: Callable[[], T], /) -> T | None:
    """What a look at files finds before the work reads them.

    Parameters
    ----------
    look
        Reads a header or a size, for an estimate.

    Returns
    -------
    T or None
        None where they cannot be read: the work says what is wrong with them.

    Raises
    ------
    MemoryError
        The machine has too little memory.

    """
    try:
        return look()
    except Exception as error:
        if failures.is_memory(error):
            raise
        return None


def cause(error: BaseException, /) -> str:
    """What a library says is wrong, in one short line.

    Parameters
    ----------
    error
        What it raised.

    Returns
    -------
    str
        The first line of its words, or the name of the error where it has none; of a missing key, that it is missing.

    """
    if isinstance(error, KeyError):
        return f"{error.args[0]} is missing" if error.args else "a part is missing"
    said = (str(error).strip().splitlines() or [""])[0][:200]
    return said or type(error).__name__


def checked(value: Any, form: Any, what: str, /) -> Any:
    """A value of a file that is of the type that its writer gives it; to be asked inside `reading`.

    Parameters
    ----------
    value
        As JSON gives it.
    form
        Its type, as an annotation says it.
    what
        What the value is called.

    Returns
    -------
    Any
        The value.

    Raises
    ------
    ValueError
        It is of another type.

    """
    from pydantic import ValidationError

    try:
        return _adapter(form).validate_python(value, strict=True)
    except ValidationError:
        raise ValueError(f"{what} is {str(value)[:40]!r}, and not {getattr(form, '__name__', form)}") from None


@functools.cache
def _adapter(form: Any) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(form)


def json_object(path: Path, what: str, /, *, remedy: str = AGAIN) -> dict[str, Any]:
    """Read a JSON file that holds an object.

    Parameters
    ----------
    path
        The file.
    what
        What it should be.
    remedy
        What the user can do.

    Returns
    -------
    dict[str, Any]
        What it holds.

    Raises
    ------
    InputError
        It is too large, no JSON, or no object.

    """
    with reading(path, what, remedy=remedy):
        return _object_in(path)


def _object_in(path: Path) -> dict[str, Any]:
    if path.stat().st_size > MOST_JSON:
        raise ValueError(f"{path.stat().st_size / 2**20:.0f} MB are too many for a description")
    whole = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(whole, dict):
        raise ValueError(f"it holds a {type(whole).__name__}, not an object")
    return whole


def parquet(
    path: Path | str,
    what: str = "table",
    /,
    *,
    columns: Sequence[str] | None = None,
    filters: list[tuple[str, str, str]] | None = None,
    remedy: str = AGAIN,
) -> pd.DataFrame:
    """Read a Parquet file.

    Parameters
    ----------
    path
        The file.
    what
        What it should be.
    columns
        Which columns; all by default.
    filters
        Which rows, as pyarrow takes them; all by default.
    remedy
        What the user can do.

    Returns
    -------
    pandas.DataFrame
        What it holds.

    Raises
    ------
    InputError
        It is cut short, damaged or no Parquet file, or a column is missing.

    """
    import pandas as pd

    with reading(path, what, remedy=remedy):
        return pd.read_parquet(path, columns=None if columns is None else list(columns), filters=filters)


def array(path: Path, what: str, /, *, axes: int, mapped: bool = False, remedy: str = AGAIN) -> npt.NDArray[Any]:
    """Read the numbers of a .npy file.

    Parameters
    ----------
    path
        The file.
    what
        What it should be.
    axes
        How many axes it has.
    mapped
        Whether the numbers stay in the file until they are asked for.
    remedy
        What the user can do.

    Returns
    -------
    npt.NDArray
        Its numbers, of the type that the file says.

    Raises
    ------
    InputError
        It is cut short, damaged, of other axes, or holds no numbers.

    """
    with reading(path, what, remedy=remedy):
        return _numbers_in(path, axes, mapped=mapped)


def _numbers_in(path: Path, axes: int, *, mapped: bool) -> npt.NDArray[Any]:
    import numpy as np

    held: npt.NDArray[Any] = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    if held.ndim != axes or held.dtype.kind not in "fiu":
        raise ValueError(f"it has the shape {held.shape} and the type {held.dtype}")
    return held


def weights(path: Path, what: str, /, *, remedy: str = AGAIN) -> dict[str, Tensor]:
    """Read the weights of a safetensors file.

    Parameters
    ----------
    path
        The file.
    what
        What it should be.
    remedy
        What the user can do.

    Returns
    -------
    dict[str, Tensor]
        Name -> weights, all of them finite.

    Raises
    ------
    InputError
        It is no safetensors file, or a value in it is not finite.

    """
    from safetensors.torch import load_file

    with reading(path, what, remedy=remedy):
        return _all_finite(load_file(path))


def _all_finite(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    for name, values in tensors.items():
        if values.is_floating_point() and not bool(values.isfinite().all()):
            raise ValueError(f"{name} holds values that are not finite")
    return tensors
