"""Small damages of files, as disks, transfers, editors and other programs do them: functions of bytes and a random generator."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from typing import Any

Mutation = Callable[[bytes, random.Random], bytes]
_NUMBER = re.compile(rb"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.])")
_ODD = (b"-1", b"0", b"nan", b"inf", b"1e400", b"1000000000000", b"", b"x", b"0x10", b"1,5", "½".encode(), b"-0", b"NULL")
_JSON: tuple[Any, ...] = (None, -1, 0, 10**12, 1e308, "", "x", [], {}, [None], True, "../up", {"a": {"a": {"a": {}}}})
_MAGIC = (
    b"PK\x03\x04",
    b"PAR1",
    b"II*\x00",
    b"\x89HDF\r\n\x1a\n",
    b"\x1f\x8b\x08\x00",
    b"\x80\x04\x95",
    b"SQLite format 3\x00",
    b"%PDF-1.4",
)


def cut(data: bytes, rng: random.Random) -> bytes:
    """The file ends too early."""
    return data[: rng.randrange(len(data) + 1)]


def empty(_data: bytes, _rng: random.Random) -> bytes:
    """Nothing was written."""
    return b""


def flip(data: bytes, rng: random.Random) -> bytes:
    """One to eight bits are other ones."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 8) if data else 0):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def zeros(data: bytes, rng: random.Random) -> bytes:
    """A block that never came."""
    start = rng.randrange(len(data) + 1)
    length = min(len(data) - start, rng.choice((1, 16, 512, 4096)))
    return data[:start] + bytes(length) + data[start + length :]


def doubled(data: bytes, rng: random.Random) -> bytes:
    """A part stands twice."""
    start, end = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    return data[:end] + data[start:end] + data[end:]


def magic(data: bytes, rng: random.Random) -> bytes:
    """The file is of another kind than its name says."""
    start = rng.choice(_MAGIC)
    return start + data[len(start) :]


def other_encoding(data: bytes, rng: random.Random) -> bytes:
    """The text was saved in another encoding, or with a mark before it."""
    text = data.decode("latin-1")
    return rng.choice((text.encode("utf-16"), b"\xef\xbb\xbf" + data, data.replace(b"\n", b"\r"), data.replace(b",", b";"), data + b"\x1a"))


def nul(data: bytes, rng: random.Random) -> bytes:
    """A byte that no text has."""
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice((b"\x00", b"\xff\xfe", b"\x1b[31m", b'"', b"[/b]", "\u202e".encode())) + data[at:]


def number(data: bytes, rng: random.Random) -> bytes:
    """A number is another one, or none."""
    found = list(_NUMBER.finditer(data))
    if not found:
        return flip(data, rng)
    chosen = rng.choice(found)
    return data[: chosen.start()] + rng.choice(_ODD) + data[chosen.end() :]


def lines(data: bytes, rng: random.Random) -> bytes:
    """A line is lost, stands twice, or stands elsewhere."""
    parts = data.splitlines(keepends=True)
    if len(parts) < 2:
        return cut(data, rng)
    at = rng.randrange(len(parts))
    line = parts.pop(at)
    if rng.random() < 0.3:
        return b"".join(parts)
    parts.insert(rng.randrange(len(parts) + 1), line)
    return b"".join([*parts[:at], line, *parts[at:]])


def cells(data: bytes, rng: random.Random) -> bytes:
    """A cell of a table is moved, emptied or torn."""
    parts = data.splitlines(keepends=True)
    if not parts:
        return data
    at = rng.randrange(len(parts))
    row = re.split(rb"([,;\t])", parts[at])
    chosen = rng.randrange(len(row))
    row[chosen] = rng.choice((b"", b"\n", b'"', row[chosen] * 2, b"x" * 70000, rng.choice(_ODD)))
    parts[at] = b"".join(row)
    return b"".join(parts)


def value_of_json(data: bytes, rng: random.Random) -> bytes:
    """One value of a JSON file is another one, of another kind, or gone."""
    try:
        whole = json.loads(data)
    except (ValueError, UnicodeDecodeError):
        return flip(data, rng)
    places = list(_places(whole))
    if not places or rng.random() < 0.1:
        return json.dumps(rng.choice(_JSON)).encode()
    holder, key = rng.choice(places)
    if rng.random() < 0.25:
        del holder[key]
    else:
        holder[key] = rng.choice(_JSON)
    return json.dumps(whole).encode()


def _places(value: Any) -> list[tuple[Any, Any]]:
    if isinstance(value, dict):
        return [(value, key) for key in value] + [place for inside in value.values() for place in _places(inside)]
    if isinstance(value, list):
        return [(value, at) for at in range(len(value))] + [place for inside in value for place in _places(inside)]
    return []


OF_BYTES: tuple[Mutation, ...] = (cut, empty, flip, zeros, doubled, magic)
OF_TEXT: tuple[Mutation, ...] = (*OF_BYTES, other_encoding, nul, number, number, lines, cells)
OF_JSON: tuple[Mutation, ...] = (cut, empty, nul, other_encoding, *(value_of_json,) * 8)
_TEXTS = (".csv", ".tsv", ".txt", ".toml", ".xml", ".md", ".mlf", ".mrf", ".mes")


def of(name: str, /) -> tuple[Mutation, ...]:
    """The mutations that make sense for a file, by its name."""
    lower = name.lower()
    if lower.endswith((".json", ".zattrs", ".zgroup", ".zarray")):
        return OF_JSON
    return OF_TEXT if lower.endswith(_TEXTS) else OF_BYTES
