"""Nothing of the user's is ever replaced or removed: by any verb, whatever its inputs and output are called and where they lie."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.test_sweep import ROW, SWEEP
from tests.verbs import test_knowledge

from impasto import claims, outputs, records, runs
from impasto import recipe as recipes
from impasto.schema import InputError
from impasto.settings import Settings
from impasto.stages.base import Verb


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

    def nothing(_: Asked, __: Path, ___: object) -> None:
        """What the work needs of the machine."""

    def beside(_: Asked, out: Path) -> list[Path]:
        return [] if verb.writes.is_folder(out) else [out.with_name(out.name + ".receipt.json")]

    return dataclasses.replace(verb, settings=Asked, inputs=lambda s: s.reads, run=run, beside=beside, digest=runs.digest, need=nothing)


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


@pytest.mark.parametrize("name", recipes.STAGES.names())
@settings(max_examples=20)
@given(files=FILES, links=LINKS, data=st.data(), keep_old=st.booleans())
def test_every_byte_that_was_there_is_there_after(
    name: str, files: list[tuple[str, str, str]], links: list[tuple[str, str]], data: st.DataObject, keep_old: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch, keeping_old(keep_old):
        base = Path(folder)
        grown(base, files, links)
        before = bytes_of(base)
        there = sorted({str(p.relative_to(base)) for p in base.rglob("*")})
        # Half of the outputs stand where something is already.
        out = data.draw(st.one_of(st.sampled_from(there), OUTS))
        read = [base / p for p in data.draw(st.lists(st.sampled_from(there), max_size=2))]
        verb = stand_in(recipes.STAGES[name])
        patch.setattr(recipes, "STAGES", {name: verb})
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
    token = outputs.KEEP_OLD.set(kept)
    try:
        yield
    finally:
        outputs.KEEP_OLD.reset(token)


# ---------------------------------------------------------------- the verbs themselves
@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve wells of two plates, as a table of profiles."""
    rows = [
        {"Metadata_plate": p, "Metadata_well": f"A{w:02d}", "Metadata_perturbation": "DMSO" if w < 3 else f"c{w % 2}"}
        | {"Metadata_control_type": "negcon" if w < 3 else "trt"}
        for p in ("P1", "P2")
        for w in range(1, 7)
    ]
    numbers = np.random.default_rng(0).normal(size=(12, 4))
    frame = pd.concat([pd.DataFrame(rows), pd.DataFrame(numbers, columns=[f"Cells_Shape_{i}" for i in range(4)])], axis=1)
    path = tmp_path_factory.mktemp("table") / "profiles.parquet"
    frame.to_parquet(path)
    return path


def asked(name: str, source: Path, **more: object) -> Settings:
    """Settings of a verb that reads one table."""
    given: dict[str, dict[str, object]] = {
        "ingest": {"sources": [str(source)]},
        "correct": {"profiles": source, "steps": [{"method": "standardize"}]},
        "evaluate": {"task": "mixing", "profiles": [str(source)]},
        "export": {"profiles": source, "to": "pycytominer"},
        "index": {"profiles": source},
    }
    return recipes.STAGES[name].settings.read({**given[name], **more}, where="test")


OUTS_OF = {"ingest": "out", "correct": "out.parquet", "evaluate": "out", "export": "out.csv", "index": "out"}


@pytest.mark.parametrize("name", OUTS_OF)
def test_a_verb_lists_all_that_it_wrote_and_is_done_then(name: str, table: Path, tmp_path: Path) -> None:
    out = tmp_path / OUTS_OF[name]
    assert recipes.execute(name, asked(name, table), out=out)
    record = records.read(recipes.STAGES[name].record(out))
    assert record is not None
    assert record["state"] == "finished"
    base = recipes.STAGES[name].record(out).parent
    assert {p.relative_to(base).as_posix() for p in records.walk(base) if not p.name.endswith(records.RUN)} == set(record["files"])
    assert record["files"] == {n: runs.digest(base / n) for n in record["files"]}
    assert not recipes.execute(name, asked(name, table), out=out)


@pytest.mark.parametrize("name", OUTS_OF)
def test_a_result_that_was_edited_or_joined_by_another_file_is_kept(name: str, table: Path, tmp_path: Path) -> None:
    out = tmp_path / OUTS_OF[name]
    recipes.execute(name, asked(name, table), out=out)
    changed = {"export": {"feature_prefix": "Cells_"}, "ingest": {"features": "Cells"}}.get(name, {"seed": 1})
    place = out / "thesis.docx" if out.is_dir() else out
    place.write_text("of the user")
    with pytest.raises(InputError, match=r"thesis\.docx|is not as impasto"):
        recipes.execute(name, asked(name, table, **changed), out=out)
    assert place.read_text() == "of the user"
    if out.is_dir():
        place.unlink()
        assert recipes.execute(name, asked(name, table, **changed), out=out)


@pytest.mark.parametrize("name", OUTS_OF)
def test_what_is_read_is_never_written(name: str, table: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    shutil.copy(table, precious / "mydata.parquet")
    (precious / "notes.txt").write_text("of the user")
    (tmp_path / "link").symlink_to(precious)
    before = bytes_of(tmp_path)
    for out in ("precious", "link", "precious/../precious", "precious/mydata.parquet", "."):
        with pytest.raises(InputError):
            recipes.execute(name, asked(name, precious / "mydata.parquet"), out=tmp_path / out)
    assert bytes_of(tmp_path) == before


def test_raw_plates_are_not_replaced_by_what_is_read_from_them(tmp_path: Path) -> None:
    plate = tmp_path / "raw_plate"
    plate.mkdir()
    (plate / "r01c01f01p01-ch1sk1fk1fl1.tiff").write_bytes(b"pixels")
    for out, how in ((plate, "is"), (plate / "ingested", "lies in"), (tmp_path, "holds")):
        with pytest.raises(InputError) as refused:
            recipes.execute("ingest", asked("ingest", plate), out=out)
        assert str(refused.value) == f"--out {out} {how} the input {plate}; results never go into what is read: give another folder"
    assert [p.name for p in records.walk(tmp_path)] == ["r01c01f01p01-ch1sk1fk1fl1.tiff"]


# ---------------------------------------------------------------- sentences
def started(out: Path, verb: str, *, folder: bool, inputs: list[Path] | None = None) -> claims.Claim:
    """A claim that is started."""
    made = claims.claim(out, verb, inputs or [], folder=folder)
    made.start({"key": "k"})
    return made


def test_each_refusal_is_one_sentence(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    for name in ("thesis.docx", "a.txt", "b.txt"):
        (own / name).write_text("x")
    (tmp_path / "file.csv").write_text("x")
    started(tmp_path / "checked", "check", folder=True).finish()
    started(tmp_path / "old.parquet", "correct", folder=False)
    (tmp_path / "old.parquet").write_text("x")
    for (out, verb, folder), sentence in {
        (own, "ingest", True): f"{own} is not empty and impasto did not write it (it holds a.txt and 2 more); give a new folder",
        (tmp_path / "checked", "ingest", True): f"{tmp_path}/checked holds a result of impasto check; give impasto ingest a new folder",
        (
            tmp_path / "file.csv",
            "ingest",
            True,
        ): f"--out {tmp_path}/file.csv is a file, and impasto ingest writes a folder; give a new folder",
        (own, "correct", False): f"--out {own} is a folder, and impasto correct writes a file; give the name of a file",
        (
            tmp_path / "file.csv",
            "correct",
            False,
        ): f"{tmp_path}/file.csv is there and is not as impasto correct left it; give another name, "
        "or rename it with today's date by --keep-old",
        (tmp_path / "old.parquet", "embed", False): f"{tmp_path}/old.parquet is a result of impasto correct; give another name, "
        "or rename it by --keep-old",
        (tmp_path / "file.csv" / "x", "check", True): f"--out {tmp_path}/file.csv/x lies in {tmp_path}/file.csv, which is a file; "
        "give another place",
        (Path("/dev/null"), "correct", False): "--out /dev/null is neither a file nor a folder; give another name",
    }.items():
        with pytest.raises(InputError) as refused:
            started(out, verb, folder=folder)
        assert str(refused.value) == sentence
    for bad in ("a\0b", "n" * 300):
        with pytest.raises(InputError, match="is no name for a file"):
            started(tmp_path / bad, "check", folder=True)


def test_a_file_of_somebody_else_is_renamed_where_that_is_asked_for(tmp_path: Path) -> None:
    out = tmp_path / "a.csv.gz"
    for content in ("one", "two"):
        out.write_text(content)
        with keeping_old(True):
            started(out, "correct", folder=False).undo()
        assert not out.exists()
    first, second = sorted(tmp_path.iterdir())
    day = time.strftime("%Y-%m-%d")
    assert (first.name, first.read_text()) == (f"a.{day}-2.csv.gz", "two")
    assert (second.name, second.read_text()) == (f"a.{day}.csv.gz", "one")


def test_an_output_that_is_a_link_leaves_what_it_leads_to(table: Path, tmp_path: Path) -> None:
    """A link for a folder is followed, one for a file is somebody's."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "disk")
    recipes.execute("evaluate", asked("evaluate", table), out=tmp_path / "out")
    assert (tmp_path / "out").is_symlink()
    assert (tmp_path / "disk" / "results.csv").exists()
    (tmp_path / "theirs.parquet").write_text("of the user")
    (tmp_path / "c.parquet").symlink_to(tmp_path / "theirs.parquet")
    with pytest.raises(InputError, match="is not as impasto correct left it"):
        recipes.execute("correct", asked("correct", table), out=tmp_path / "c.parquet")
    assert (tmp_path / "theirs.parquet").read_text() == "of the user"


def test_a_link_to_nothing_is_a_file_or_a_folder_by_the_name_that_it_leads_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipes, "STAGES", {"export": stand_in(recipes.STAGES["export"])})
    (tmp_path / "l").symlink_to(tmp_path / "a" / "results.csv")
    assert recipes.execute("export", Asked(reads=[]), out=tmp_path / "l")
    assert (tmp_path / "a" / "results.csv").read_text() == "ours"
    assert not recipes.execute("export", Asked(reads=[]), out=tmp_path / "l")


# ---------------------------------------------------------------- killed, failed, resumed
def test_a_run_that_fails_before_it_wrote_anything_leaves_what_was_there(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "new" / "scores"
    bad = asked("evaluate", table, options={"batch": "nothing"})
    with pytest.raises(InputError, match="nothing"):
        recipes.execute("evaluate", bad, out=out)
    assert not list(tmp_path.iterdir())
    recipes.execute("evaluate", asked("evaluate", table), out=out)
    before = bytes_of(tmp_path) | {"record": (out / "run.json").read_bytes()}
    with pytest.raises(InputError, match="nothing"):
        recipes.execute("evaluate", bad, out=out)
    assert bytes_of(tmp_path) | {"record": (out / "run.json").read_bytes()} == before
    assert not recipes.execute("evaluate", asked("evaluate", table), out=out)


def test_a_killed_run_is_recognised_and_gone_on_with(tmp_path: Path) -> None:
    """The record says `started` and lists what the run was about to write; what somebody adds meanwhile is still theirs."""
    out = tmp_path / "run"
    killed = started(out, "train", folder=True)
    assert killed.note(out / "model.json", None)
    assert killed.note(out / ".plates-1" / "0000.parquet", None)
    assert not killed.note(tmp_path / "elsewhere", None)
    (out / "model.json").write_text("{}")
    (out / ".plates-1").mkdir()
    (out / ".plates-1" / "0000.parquet").write_text("x")
    (out / ".model.partial-77.json").write_text("half")
    assert json.loads((out / "run.json").read_text())["state"] == "started"
    started(out, "train", folder=True)
    (out / "notes.txt").write_text("of the user")
    with pytest.raises(InputError, match=r"holds notes\.txt, which impasto train did not leave like this"):
        started(out, "train", folder=True)


@pytest.mark.parametrize("added", ["thesis.docx", "results.csv"])
def test_what_comes_into_a_folder_while_it_is_made_again_stays(added: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, made = tmp_path / "scores", stand_in(recipes.STAGES["evaluate"])
    monkeypatch.setattr(recipes, "STAGES", {"evaluate": made})
    recipes.execute("evaluate", Asked(reads=[]), out=out)

    def run(asked: Asked, out: Path) -> None:
        (out / added).write_text("of the user")
        made.run(asked, out)

    slow = dataclasses.replace(made, run=run)
    monkeypatch.setattr(recipes, "STAGES", {"evaluate": slow})
    recipes.execute("evaluate", Asked(reads=[], seed=1), out=out)
    contents = sorted(p.read_text() for p in out.iterdir() if p.name != "run.json")
    assert contents == ["of the user", "ours"]
    assert (out / "results.csv").read_text() == "ours"


def test_a_folder_inside_a_result_that_has_its_own_record_belongs_to_it(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    started(out, "train", folder=True).finish()
    recipes.execute("evaluate", asked("evaluate", table), out=out / "search")
    assert records.strangers(out) == []
    (out / "search" / "mine.csv").write_text("x")
    assert records.strangers(out) == ["search/mine.csv"]


def test_the_place_of_a_record_is_told_by_the_verb_and_not_by_a_dot(table: Path, tmp_path: Path) -> None:
    recipes.execute("evaluate", asked("evaluate", table), out=tmp_path / "out.v2")
    assert (tmp_path / "out.v2" / "run.json").exists()
    recipes.execute("correct", asked("correct", table), out=tmp_path / "c.zarr")
    assert (tmp_path / "c.zarr.run.json").exists()
    assert recipes.execute("correct", asked("correct", table, seed=1), out=tmp_path / "c.zarr")
    (tmp_path / "c.zarr" / "mine.txt").write_text("of the user")
    with pytest.raises(InputError, match="is not as impasto correct left it"):
        recipes.execute("correct", asked("correct", table), out=tmp_path / "c.zarr")


# ---------------------------------------------------------------- the verbs' own work on trees of users
CHAIN = ("ingest", "check", "profile", "correct", "evaluate", "export", "index", "simulate", "report")
"""Verbs whose own work takes a second on a tiny tree."""


MADE = {"ingest": "in", "profile": "profiles.parquet", "correct": "corrected.parquet", "evaluate": "scores"}
"""Verb -> its result in the laboratory."""


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plate of images with a platemap, what was made of both, and a file of the user's beside each."""
    base = tmp_path_factory.mktemp("lab")
    (base / "raw").mkdir()
    for number, (well, channel) in enumerate(itertools.product(range(1, 7), (1, 2))):
        y, x = np.mgrid[:32, :40]
        pixels = 300 + 2000 * np.exp(-((y - 10 - well) ** 2 + (x - 12 - number) ** 2) / 30)
        tifffile.imwrite(base / "raw" / f"r01c{well:02d}f01p01-ch{channel}sk1fk1fl1.tiff", pixels.astype(np.uint16))
    rows = [f"A{well:02d},{'DMSO' if well < 4 else 'drug'},{'negcon' if well < 4 else 'trt'}" for well in range(1, 7)]
    (base / "map.csv").write_text("\n".join(["well,compound,control_type", *rows]))
    for verb, name in MADE.items():
        recipes.execute(verb, real(verb, base), out=base / name)
    (base / "notes").mkdir()
    for place in (base / "thesis.docx", base / "notes" / "results.csv", base / "notes" / "run.json"):
        place.write_text("of the user")
    return base


def real(verb: str, base: Path, **more: object) -> Settings:
    """Settings of a verb that reads what lies in the laboratory."""
    given: dict[str, dict[str, object]] = {
        "ingest": {"sources": [str(base / "raw")], "platemap": [str(base / "map.csv")], "channel": ["ch1=DNA", "ch2=ER"]},
        "check": {"images": base / "in"},
        "profile": {"images": base / "in", "encoder": "intensity"},
        "correct": {"profiles": base / "profiles.parquet", "steps": [{"method": "standardize"}]},
        "evaluate": {"task": "replicates", "profiles": [str(base / "corrected.parquet")]},
        "export": {"profiles": base / "corrected.parquet", "to": "pycytominer"},
        "index": {"profiles": base / "corrected.parquet"},
        "simulate": {"seed": 1},
        "report": {"run": base / "scores"},
    }
    return recipes.STAGES[verb].settings.read({**given[verb], **more}, where="test")


PLACES = st.sampled_from(
    [
        *("raw", "raw/x", "in", "in/images.parquet", "profiles.parquet", "corrected.parquet", "scores", "notes", "notes/results.csv"),
        *("thesis.docx", "map.csv", "new", "new/deep", "new.parquet", "new.csv", "RAW", "raw/../notes", "link", "link/x", "."),
        *("page.html", "scores/page.html", "raw/page.html"),
    ]
)


@pytest.mark.parametrize("verb", CHAIN)
@settings(max_examples=6, deadline=None, derandomize=True)
@given(outs=st.lists(PLACES, min_size=2, max_size=4), linked=st.sampled_from(["raw", "notes", "in"]), keep_old=st.booleans())
def test_the_work_of_verbs_leaves_every_byte_that_was_there(
    verb: str, laboratory: Path, outs: list[str], linked: str, keep_old: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder, keeping_old(keep_old):
        base = Path(folder) / "lab"
        shutil.copytree(laboratory, base)
        (base / "link").symlink_to(base / linked)
        before = bytes_of(base)
        for name in outs:
            ours = {path for path in before if path.startswith(MADE.get(verb, "nothing"))}
            with contextlib.suppress(InputError):
                recipes.execute(verb, real(verb, base), out=base / name)
            after = bytes_of(base)
            # What an earlier run of the same verb has left may be made anew; all else is as it was, where it was, or renamed if so asked.
            kept = {path: content for path, content in before.items() if path not in ours}
            if keep_old:
                contents = list(after.values())
                assert all(content in contents for content in kept.values()), (verb, name)
            else:
                assert {path: after.get(path) for path in kept} == kept, (verb, name)
            assert all(path in after for path in before if path.startswith("raw/")), (verb, name)


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["profile", "check"])
def test_a_verb_that_is_killed_under_its_claim_goes_on(verb: str, laboratory: Path, tmp_path: Path) -> None:
    base = tmp_path / "lab"
    shutil.copytree(laboratory, base)
    out = base / {"profile": "killed.parquet", "check": "killed"}[verb]
    words = {"profile": ["profile", base / "in", "--encoder", "intensity"], "check": ["check", base / "in"]}[verb]
    before = bytes_of(base)
    command = [sys.executable, "-m", "impasto", *map(str, words), "--out", str(out)]
    record = recipes.STAGES[verb].record(out)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    # As soon as the claim is written, the process is gone without a word.
    while process.poll() is None and not record.exists():
        time.sleep(0.005)
    process.kill()
    process.wait()
    during = bytes_of(base)
    assert {path: during.get(path) for path in before} == before
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0
    after = bytes_of(base)
    assert {path: after.get(path) for path in before} == before
    finished = records.read(record)
    assert finished is not None
    assert finished["state"] == "finished"
    fresh = out.with_name("fresh" + out.suffix)
    assert subprocess.run([*command[:-1], str(fresh)], check=False, capture_output=True).returncode == 0
    if verb == "profile":
        pd.testing.assert_frame_equal(pd.read_parquet(out), pd.read_parquet(fresh))
    else:
        pd.testing.assert_frame_equal(pd.read_parquet(out / "quality.parquet"), pd.read_parquet(fresh / "quality.parquet"))


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["sweep", "finetune"])
def test_a_recipe_that_is_killed_between_two_parts_of_a_stage_goes_on(verb: str, tmp_path: Path) -> None:
    """What was done before the kill is not done again, and the numbers are those of a run without a kill."""
    recipe, done = {"sweep": sweep_recipe, "finetune": finetune_recipe}[verb](tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    command = [sys.executable, "-m", "impasto", "run", str(recipe), "--out"]
    process = subprocess.Popen([*command, str(out)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not list(out.glob(done)):
        time.sleep(0.005)
    process.kill()
    assert process.wait() != 0, "it was done before it was killed"
    (part, *_) = out.glob(done)
    stage = out / Path(done).parts[0]
    record = records.read(recipes.STAGES[verb].record(stage))
    assert record is not None
    assert record["state"] == "started"
    # What is done stays the same file until all is done, when a stage may remove it.
    files = {part.stat().st_ino}
    again = subprocess.Popen([*command, str(out)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while again.poll() is None:
        with contextlib.suppress(FileNotFoundError):
            files.add(part.stat().st_ino)
        time.sleep(0.005)
    assert (again.returncode, len(files)) == (0, 1)
    finished = records.read(recipes.STAGES[verb].record(stage))
    assert finished is not None
    assert finished["state"] == "finished"
    assert subprocess.run([*command, str(tmp_path / "fresh")], check=False, capture_output=True).returncode == 0
    resumed, fresh = (pd.read_csv(folder / stage.name / "results.csv") for folder in (out, tmp_path / "fresh"))
    timed = resumed["metric"].str.startswith("minutes")
    pd.testing.assert_frame_equal(resumed[~timed], fresh[~timed])


def sweep_recipe(folder: Path) -> tuple[Path, str]:
    """A recipe with a sweep, and the file that stands once its first row is done."""
    (folder / "row.toml").write_text(ROW)
    (folder / "sweep.toml").write_text(SWEEP)
    return folder / "sweep.toml", "rows/**/results.csv"


def finetune_recipe(folder: Path) -> tuple[Path, str]:
    """A recipe with a fine-tuning of several variants, and the file that stands once the first split of one is done."""
    from impasto.simulate import plates

    plates.write(test_knowledge.PLAN, folder / "sim", seed=0, images=False)
    return test_knowledge.recipe(folder, folder / "sim"), "fine/work/*/0.npz"
