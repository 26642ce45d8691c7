"""Nothing of the user's is ever replaced or removed: by any verb, whatever its inputs and output are called and where they lie."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impasto import claims, records, runs
from impasto import recipe as recipes
from impasto.recipe import Verb
from impasto.schema import InputError
from impasto.settings import Settings


class Asked(Settings):
    """What a stand-in for a verb reads, and a number that makes two runs differ."""

    reads: list[Path]
    seed: int = 0


def bytes_of(base: Path) -> dict[str, bytes | str]:
    """Every file of a tree by its name: its bytes, or where a link leads."""
    return {
        str(path.relative_to(base)): os.readlink(path) if path.is_symlink() else path.read_bytes()
        for path in records.walk(base)
        if not path.name.endswith(records.RUN) or records.read(path) is None
    }


def stand_in(verb: Verb) -> Verb:
    """A verb that writes where and what the real one does, without its work."""

    def run(_: Asked, out: Path) -> None:
        paths = [out] if verb.writes.is_folder(out) else [out, out.with_name(out.name + ".receipt.json")]
        for path in paths:
            with runs.atomic(path) as temporary:
                if verb.writes.is_folder(out) or path.suffix == ".zarr":
                    temporary.mkdir()
                    (temporary / "results.csv").write_text("ours")
                else:
                    temporary.write_text("ours")

    def beside(_: Asked, out: Path) -> list[Path]:
        return [] if verb.writes.is_folder(out) else [out.with_name(out.name + ".receipt.json")]

    return dataclasses.replace(verb, settings=Asked, inputs=lambda s: s.reads, run=run, beside=beside, digest=runs.digest)


FOLDERS = st.lists(st.sampled_from(["a", "A", "b", "out.v2"]), max_size=3).map("/".join)
NAMES = st.sampled_from(
    ["thesis.docx", "results.csv", "p.parquet", "P.parquet", "p.parquet.run.json", "run.json", "p.parquet.receipt.json"]
)
CONTENTS = st.sampled_from(["of the user", "{}", '{"verb": "correct"}', '{"verb": "index", "key": "k", "files": {"thesis.docx": "0"}}'])
FILES = st.lists(st.tuples(FOLDERS, NAMES, CONTENTS), min_size=1, max_size=6)
LINKS = st.lists(
    st.tuples(st.sampled_from(["l", "a/l", "b/p.parquet", "m.parquet"]), st.sampled_from(["a", "b", "a/results.csv"])), max_size=2
)
STEPS = st.sampled_from(["", "a/../", "b/../a/../", "./", "l/", "l/../"])
OUTS = st.tuples(STEPS, FOLDERS, st.sampled_from(["", "new", "l", "p.parquet", "P.parquet", "m.parquet", "x.zarr", "page.html"])).map(
    "/".join
)


def grown(base: Path, files: list[tuple[str, str, str]], links: list[tuple[str, str]]) -> None:
    """Lay a tree of files and links."""
    for folder, name, content in files:
        path = base / folder / name
        with contextlib.suppress(FileExistsError, NotADirectoryError):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
    for link, target in links:
        with contextlib.suppress(FileExistsError, NotADirectoryError, FileNotFoundError):
            (base / link).symlink_to(base / target)


@pytest.mark.parametrize("name", recipes.STAGES)
@settings(max_examples=15)
@given(files=FILES, links=LINKS, out=OUTS, data=st.data(), keep_old=st.booleans())
def test_every_byte_that_was_there_is_there_after(
    name: str, files: list[tuple[str, str, str]], links: list[tuple[str, str]], out: str, data: st.DataObject, keep_old: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch, keeping_old(keep_old):
        base = Path(folder)
        grown(base, files, links)
        before = bytes_of(base)
        there = sorted({str(p.relative_to(base)) for p in base.rglob("*")})
        read = [base / p for p in data.draw(st.lists(st.sampled_from(there), max_size=2))]
        verb = stand_in(recipes.verb(name))
        patch.setattr(recipes, "verb", lambda _: verb)
        for seed in (0, 0, 1):
            with contextlib.suppress(InputError):
                recipes.execute(name, Asked(reads=read, seed=seed), out=Path(f"{base}/{out}"))
            after = bytes_of(base)
            if keep_old:
                assert sorted(map(str, before.values())) == sorted(
                    v for v in map(str, after.values()) if v in set(map(str, before.values()))
                )
            else:
                assert {path: after.get(path) for path in before} == before


@contextlib.contextmanager
def keeping_old(kept: bool) -> Iterator[None]:
    """`--keep-old` for a while."""
    token = claims.KEEP_OLD.set(kept)
    try:
        yield
    finally:
        claims.KEEP_OLD.reset(token)
