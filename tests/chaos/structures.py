"""Damages that keep a file's form: what is inside a table, an archive, weights or a recipe is another, and the file can still be opened."""

from __future__ import annotations

import io
import os
import random
import struct
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import mutations

Change = Callable[[Path, random.Random], None]
"""Changes a file where it lies."""


def _inside(change: Callable[[bytes, random.Random], bytes]) -> Change:
    def of_file(path: Path, rng: random.Random) -> None:
        path.write_bytes(change(path.read_bytes(), rng))

    of_file.__name__ = getattr(change, "__name__", "change")
    return of_file


def parquet(path: Path, rng: random.Random) -> None:
    """Rows, a column, a kind, a name or what the file says of itself is another."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    about = dict(table.schema.metadata or {})
    at = rng.randrange(max(1, table.num_columns))
    name = table.column_names[at] if table.num_columns else ""
    match rng.randrange(9):
        case 0:
            table = table.slice(0, 0)
        case 1:
            table = table.drop_columns([name]) if name else table
        case 2:
            table = table.set_column(at, name, pa.array([rng.choice(("x", "", "½", "a\nb", "-1"))] * len(table)))
        case 3:
            table = table.set_column(at, name, pa.array([rng.choice((float("nan"), float("inf"), -1.0, 1e300))] * len(table)))
        case 4:
            table = table.set_column(at, name, pa.array([[1, 2]] * len(table)))
        case 5:
            table = table.set_column(at, name, pa.nulls(len(table)))
        case 6:
            table = table.rename_columns(
                [rng.choice(("", "well", "Metadata_Plate", "x" * 300)) if n == name else n for n in table.column_names]
            )
        case 7:
            key = rng.choice([*about, b"impasto"])
            about[key] = mutations.value_of_json(about.get(key, b"{}"), rng)
        case _:
            table = pa.concat_tables([table, table.slice(0, 1)])
    pq.write_table(table.replace_schema_metadata(about), path)


def hdf5(path: Path, rng: random.Random) -> None:
    """A part of an .h5ad file is gone, is shorter, or is of another kind."""
    import h5py
    import numpy as np

    with h5py.File(path, "r+") as file:
        names: list[str] = []
        file.visit(names.append)
        if not names:
            return
        name = rng.choice(names)
        before = file[name]
        match rng.randrange(4):
            case 0:
                del file[name]
            case 1 if isinstance(before, h5py.Dataset) and before.ndim:
                values, kept = before[: max(0, len(before) - 1)], dict(before.attrs)
                del file[name]
                file.create_dataset(name, data=values).attrs.update(kept)
            case 2 if isinstance(before, h5py.Dataset):
                kept, shape = dict(before.attrs), before.shape
                del file[name]
                file.create_dataset(name, data=np.full(shape, rng.choice((np.nan, -1.0, 1e300)))).attrs.update(kept)
            case _:
                if before.attrs:
                    del before.attrs[rng.choice(sorted(before.attrs))]


def tensors(path: Path, rng: random.Random) -> None:
    """The header of weights is another: a shape, a kind, a name, or its own length."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    if rng.random() < 0.2:
        path.write_bytes(struct.pack("<Q", rng.choice((0, 1, 2**31, 2**63))) + data[8:])
        return
    header = mutations.value_of_json(data[8 : 8 + length], rng)
    path.write_bytes(struct.pack("<Q", len(header)) + header + data[8 + length :])


def values(path: Path, rng: random.Random) -> None:
    """An array of NumPy has other rows, another width, another kind, or values that are not finite."""
    import numpy as np

    array = np.load(path, allow_pickle=False)
    changes = (lambda a: a[:-1], lambda a: a[..., :-1], lambda a: a.astype(str), lambda a: a * np.nan, lambda a: a.ravel(), lambda a: a[:0])
    with path.open("wb") as file:
        np.save(file, rng.choice(changes)(array), allow_pickle=False)


def archive(path: Path, rng: random.Random) -> None:
    """A member of a zip (a workbook, an archive of plates) is damaged, gone, or stands there twice."""
    with zipfile.ZipFile(path) as before:
        members = [(info.filename, before.read(info)) for info in before.infolist()]
    at = rng.randrange(len(members))
    name, data = members[at]
    match rng.randrange(4):
        case 0:
            del members[at]
        case 1:
            members.append((name.upper() if rng.random() < 0.5 else f"../{name}", data))
        case _:
            members[at] = (name, rng.choice(mutations.OF_TEXT)(data, rng))
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as after:
        for name, data in members:
            after.writestr(name, data)
    path.write_bytes(whole.getvalue())


def toml(path: Path, rng: random.Random) -> None:
    """A value of a recipe is another one, of another kind; a key is another word; a table is gone."""
    lines = path.read_text(encoding="utf-8").splitlines()
    at = rng.choice([n for n, line in enumerate(lines) if line.strip()])
    key, equals, _ = lines[at].partition("=")
    odd = (
        "-1",
        "0",
        "nan",
        "inf",
        "1e400",
        "1000000000000",
        '""',
        '"x"',
        "[]",
        "{}",
        "true",
        '"../up"',
        "[[1]]",
        '"@corrected/none"',
        "2026-01-31",
    )
    match rng.randrange(4):
        case 0:
            del lines[at]
        case 1:
            lines.insert(at, lines[at])
        case _ if equals:
            lines[at] = f"{key}= {rng.choice(odd)}" if rng.random() < 0.8 else f"{key.strip()}_x ={lines[at].partition('=')[2]}"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def odd(path: Path, rng: random.Random) -> None:
    """In place of the file lies something else: nothing, a folder, a pipe, a link to itself, to nowhere, or to a device without an end."""
    path.unlink()
    match rng.randrange(6):
        case 0:
            path.mkdir()
        case 1:
            os.mkfifo(path)
        case 2:
            path.symlink_to(path.name)
        case 3:
            path.symlink_to("nowhere")
        case 4:
            path.symlink_to("/dev/zero")


_BY_ENDING: dict[str, tuple[Change, ...]] = {
    ".parquet": (parquet,) * 6,
    ".h5ad": (hdf5,) * 6,
    ".safetensors": (tensors,) * 6,
    ".npy": (values,) * 6,
    ".xlsx": (archive,) * 6,
    ".zip": (archive,) * 6,
    ".toml": (toml,) * 12,
}


def of(name: str, /) -> tuple[Change, ...]:
    """The damages that make sense for a file, by its name."""
    ending = Path(name).suffix.lower()
    return (*(_inside(mutation) for mutation in mutations.of(name)), *_BY_ENDING.get(ending, ()), odd)


def damage(path: Path, change: Change, rng: random.Random, /) -> None:
    """Change a file; where it is of another form than its name says, damage its bytes."""
    copy = Path(tempfile.mkdtemp(dir=path.parent.parent)) / path.name
    copy.write_bytes(path.read_bytes())
    try:
        change(path, rng)
    except Exception:  # noqa: BLE001 - not of that form
        if path.is_symlink() or path.exists():
            path.unlink()
        path.write_bytes(mutations.flip(copy.read_bytes(), rng))
    copy.unlink()
    copy.parent.rmdir()
