"""Files are checked and laid out: what is wrong is said in a sentence, and the others come all the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.datasets import layouts
from tests.loopback import Server

from impasto import remote
from impasto.datasets import fetching, plan
from impasto.datasets.choose import Wish
from impasto.datasets.registry import DataSet
from impasto.schema import InputError


@pytest.fixture
def entry(server: Server, sets: dict[str, DataSet]) -> DataSet:
    layouts.bbbc021(server)
    return sets["bbbc021"]


def planned(entry: DataSet) -> plan.Plan:
    return plan.make("bbbc021", entry, Wish(plates=["Week1_22123"], parts=["images"]))


def test_a_large_file_is_a_link_and_a_small_one_a_copy(entry: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = planned(entry)
    (url,) = made.files
    fetching.bring(entry, made, tmp_path / "small")
    cached = remote.cache().place(url)
    assert not (tmp_path / "small" / made.files[url]).samefile(cached)
    monkeypatch.setattr(fetching, "_COPIED", 10)
    came = fetching.bring(entry, made, tmp_path / "large")
    assert (tmp_path / "large" / made.files[url]).samefile(cached)
    assert came == fetching.Fetched(files=1, came=0, problems=())


@pytest.mark.parametrize("key", ["sha256", "bytes"])
def test_a_file_that_changed_is_said_and_leaves_the_cache(entry: DataSet, tmp_path: Path, key: str) -> None:
    made = planned(entry)
    (url,) = made.files
    published = entry.model_copy(update={key: {url: "0" * 64 if key == "sha256" else 7}})
    came = fetching.bring(published, made, tmp_path / "out")
    assert came.files == 0
    assert "published; it was cut short or has changed: run the same command again" in came.problems[0]
    assert not remote.cache().place(url).exists()
    assert not (tmp_path / "out" / made.files[url]).exists()


def test_the_published_digest_and_size_are_those_of_the_file(entry: DataSet, tmp_path: Path) -> None:
    import hashlib

    made = planned(entry)
    (url,) = made.files
    data = remote.local(url).read_bytes()
    published = entry.model_copy(update={"sha256": {url: hashlib.sha256(data).hexdigest()}, "bytes": {url: len(data)}})
    assert fetching.bring(published, made, tmp_path / "out").problems == ()


def test_half_a_zip_is_said(entry: DataSet, server: Server, tmp_path: Path) -> None:
    zipped = next(server.root.rglob("BBBC021_v1_images_Week1_22123.zip"))
    zipped.write_bytes(zipped.read_bytes()[:-40])
    came = fetching.bring(entry, planned(entry), tmp_path / "out")
    assert "Week1_22123.zip: it is no whole zip; it was cut short or has changed" in came.problems[0]


def test_a_broken_line_leaves_no_file_and_the_others_come(entry: DataSet, server: Server, tmp_path: Path) -> None:
    made = plan.make("bbbc021", entry, Wish(plates=["Week1_22123", "Week4_27481"], parts=["images"]))
    broken = next(server.root.rglob("BBBC021_v1_images_Week1_22123.zip")).relative_to(server.root).as_posix()
    server.answers[broken] = [404]
    came = fetching.bring(entry, made, tmp_path / "out")
    assert (came.files, came.came) == (1, 1)
    assert "is not there (404)" in came.problems[0]
    assert (tmp_path / "out" / "BBBC021_v1_images_Week4_27481.zip").is_file()
    assert fetching.bring(entry, made, tmp_path / "out") == fetching.Fetched(files=2, came=1, problems=())


def test_the_platemap_of_another_plate_is_left_out(server: Server, sets: dict[str, DataSet], tmp_path: Path) -> None:
    layouts.cpg0012(server)
    path = next(server.root.rglob("H-BIOA-001-3.txt"))
    path.write_text(path.read_text().replace("H-BIOA-001-3", "H-BIOA-002-3"))
    made = plan.make("cpg0012", sets["cpg0012"], Wish(plates=["24277"], parts=["platemaps"]))
    came = fetching.bring(sets["cpg0012"], made, tmp_path / "out")
    assert "should be the platemap H-BIOA-001-3, and says that it is H-BIOA-002-3; it is left out" in came.problems[0]
    assert came.files == 1


def test_a_table_of_wells_that_is_another_is_said(entry: DataSet, server: Server, tmp_path: Path) -> None:
    next(server.root.rglob("BBBC021_v1_image.csv")).write_text("a,b\n1,2\n")
    made = plan.make("bbbc021", entry, Wish(parts=["wells"]))
    assert "has no column Image_Metadata_Plate_DAPI" in fetching.bring(entry, made, tmp_path / "out").problems[0]


def test_the_command_names_what_came(entry: DataSet, tmp_path: Path) -> None:
    made = planned(entry)
    fetching.bring(entry, made, tmp_path / "a b")
    command = fetching.ingest_command(entry, made, tmp_path / "a b")
    assert command == (
        f"impasto ingest '{tmp_path}/a b/BBBC021_v1_images_Week1_22123.zip' --channels w1=DNA,w2=Tubulin,w4=Actin --negcon DMSO "
        "--out 'a b-ingested'"
    )
    assert fetching.ingest_command(entry, plan.Plan(), tmp_path) == ""


def test_a_name_that_leads_out_of_the_folder_is_refused(entry: DataSet, tmp_path: Path) -> None:
    url = f"{entry.below}%2e%2e/%2e%2e/x.zip"
    with pytest.raises(InputError, match="is not the name of a file"):
        fetching.bring(entry, plan.Plan(files={url: plan.place(entry, url)}), tmp_path / "out")


def test_files_and_folders_of_the_package_are_copied_as_they_lie(entry: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = tmp_path / "ours"
    (ours / "set" / "deep").mkdir(parents=True)
    for name in ("one.csv", "set/two.csv", "set/deep/three.csv"):
        (ours / name).write_text(name)
    monkeypatch.setattr(fetching.shipped, "path", lambda name: ours / name)
    made = replace(planned(entry), files={}, shipped={"one.csv": "alone.csv", "set": "folder"})
    assert fetching.bring(entry, made, tmp_path / "out") == fetching.Fetched(files=2, came=0, problems=())
    there = {str(p.relative_to(tmp_path / "out")): p.read_text() for p in (tmp_path / "out").rglob("*") if p.is_file()}
    assert there == {"alone.csv": "one.csv", "folder/two.csv": "set/two.csv", "folder/deep/three.csv": "set/deep/three.csv"}
