"""Every data set from its listing to `impasto ingest --dry-run`, on made-up files in its true layout."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.datasets import layouts
from tests.loopback import Server

import impasto as im
from impasto.datasets import sets as fetched_sets
from impasto.schema import InputError

Run = Callable[..., tuple[int, str, str]]
STAINS = ["AGP", "DNA", "ER", "Mito", "RNA"]
EXPECTED = {
    "cpg0000": (["--plates", "BR1", "--wells", "a1,B03"], ["source_4/2020_11_04_CPJUMP1/BR1"], 2, STAINS, {"trt": 2}),
    "cpg0004": (["--plates", "all"], ["broad/2016_04_01_a549_48hr_batch1/SQ1"], 3, STAINS, {"trt": 3}),
    "cpg0012": (["--plates", "24277"], ["broad/CDRP/24277"], 3, STAINS, {"trt": 3}),
    "cpg0016": (
        ["--sources", "source_4", "--plate-types", "TARGET2"],
        ["source_4/2021_04_26_Batch1/BR9"],
        3,
        STAINS,
        {"negcon": 1, "trt": 2},
    ),
    "bbbc021": (["--plates", "Week4_27481"], ["Week4_27481"], 2, ["Actin", "DNA", "Tubulin"], {"negcon": 1, "trt": 1}),
    "bbbc022": (["--plates", "20586"], ["BBBC022/20586"], 2, STAINS, {"negcon": 1, "trt": 1}),
    "rxrx1": (
        ["--parts", "images,metadata"],
        ["HUVEC-1/1", "HUVEC-1/2", "RPE-1/1", "RPE-1/2"],
        8,
        ["Actin", "DNA", "ER", "Golgi", "Mito", "RNA"],
        {"negcon": 4, "trt": 4},
    ),
    "rxrx19a": (["--plates", "HRCE-1/2", "--wells", "AA03"], ["HRCE-1/2"], 1, ["Actin", "DNA", "ER", "Golgi", "RNA"], {"trt": 1}),
    "rxrx3-core": ([], ["compound-004/1", "gene-088/9"], 6, None, None),
}
"""Wish, plates, wells, stains and kinds."""
PAIRS = ("CORUM.txt", "HuMAP.txt", "Reactome.txt", "SIGNOR.txt", "StringDB.txt")
ASKED = ("bbbc021", "bbbc022", "rxrx1", "rxrx3-core")


@pytest.mark.parametrize("name", EXPECTED)
def test_from_listing_to_a_dry_run(
    name: str, server: Server, own: Path, tmp_path: Path, impasto: Run, dry_run: Callable[[str], dict[str, object]]
) -> None:
    wish, plates, wells, stains, kinds = EXPECTED[name]
    layouts.ALL[name](server)
    code, out, _ = impasto("fetch", "--list", "--registry", own, "--json")
    assert name in [row["name"] for row in json.loads(out)]
    words = ["fetch", name, "--registry", own, "--out", tmp_path / "set", *wish]
    if name in ASKED:
        code, _, err = impasto(*words, "--json")
        assert code == 2
        assert "nothing was fetched: where you may use it so, add --accept-licence" in err
        assert server.log == []
        words.append("--accept-licence")
    code, out, err = impasto(*words, "--json")
    assert code == 0, err
    done = json.loads(out)
    told = dry_run(done["ingest"])
    assert ["/".join(plate[word] for word in ("source", "batch", "plate") if plate.get(word)) for plate in told["plates"]] == plates
    assert sum(plate["wells"] for plate in told["plates"]) == wells
    if stains is not None:
        assert all(sorted(plate["channels"]) == stains for plate in told["plates"])
        assert {kind: count for kind, count in told["kinds"].items() if count} == kinds
    # Nothing is asked for twice, and the folder is whole without the cache.
    asked = len(server.log)
    assert json.loads(impasto(*words, "--json")[1])["files"] is None
    shutil.rmtree(tmp_path / "cache")
    assert dry_run(done["ingest"])["plates"] == told["plates"]
    assert len(server.log) == asked


def test_pixels_are_those_of_the_server(server: Server, own: Path, tmp_path: Path, impasto: Run) -> None:
    from impasto.plates.sites import Sites

    layouts.cpg0000(server)
    code, out, err = impasto("fetch", "cpjump1", "--registry", own, "--plates", "BR2", "--wells", "B03", "--out", tmp_path / "s", "--json")
    assert code == 0, err
    folder = json.loads(out)["ingest"].split()[2]
    shutil.move(tmp_path / "s", tmp_path / "moved")  # the folder can be carried elsewhere
    assert impasto("ingest", folder.replace("/s/", "/moved/"), "--out", tmp_path / "i")[0] == 0
    sites = Sites.read(tmp_path / "i")
    assert sites.image(0, channels=["DNA", "Mito"])[:, 0, 0].tolist() == [301, 305]


def test_the_published_split_of_rxrx1_comes_through_ingest(server: Server, own: Path, tmp_path: Path, impasto: Run) -> None:
    from impasto.plates.sites import Sites

    layouts.rxrx1(server)
    words = ("fetch", "rxrx1", "--registry", own, "--parts", "images,metadata", "--accept-licence", "--out", tmp_path / "s", "--json")
    command = json.loads(impasto(*words)[1])["ingest"].split()[1:-1]
    assert impasto(*command, tmp_path / "i")[0] == 0
    wells = Sites.read(tmp_path / "i").table
    assert dict(zip(wells["batch"], wells["dataset"], strict=True)) == {"HUVEC-1": "train", "RPE-1": "test"}


def test_from_the_files_of_rxrx3_core_to_its_relations(server: Server, own: Path, tmp_path: Path, impasto: Run) -> None:
    """Embeddings, metadata and truth tables as they are published: fetched, joined, corrected, and scored by every table of pairs."""
    layouts.rxrx3_core_screen(server)
    words = ("fetch", "rxrx3-core", "--registry", own, "--accept-licence", "--out", tmp_path / "s", "--json")
    code, out, err = impasto(*words)
    assert code == 0, err
    command = json.loads(out)["ingest"].split()[1:-1]
    code, _, err = impasto(*command, tmp_path / "wells.parquet")
    assert code == 0, err
    assert (
        impasto("correct", tmp_path / "wells.parquet", "--method", "standardize", "--by", "plate", "--out", tmp_path / "c.parquet")[0] == 0
    )
    truth = [word for name in PAIRS for word in ("--pairs", next((tmp_path / "s").rglob(name)))]
    code, out, err = impasto("evaluate", "relations", tmp_path / "c.parquet", *truth, "--out", tmp_path / "r", "--json")
    assert code == 0, err
    rows = [row for row in json.loads(out) if row["group"] == "profiles" and row["metric"].startswith("recall at 5%")]
    assert len(rows) >= 5
    assert all(row["value"] > 0.5 > row["chance"] for row in rows)


def test_a_run_that_failed_goes_on(server: Server, own: Path, tmp_path: Path, impasto: Run) -> None:
    layouts.cpg0004(server)
    image = next(path for path in server.root.rglob("*.tiff")).relative_to(server.root).as_posix()
    server.answers[image] = [404]
    words = ("fetch", "lincs", "--registry", own, "--plates", "SQ1", "--out", tmp_path / "set", "--json")
    code, _, err = impasto(*words)
    assert code == 2
    assert "1 of 17 files of cpg0004 did not come (first: " in err
    asked = len(server.log)
    code, out, err = impasto(*words)
    assert (code, json.loads(out)["came"]) == (0, 1), err
    assert len(server.log) == asked + 1


def test_a_second_wish_adds_to_the_folder_and_a_changed_file_is_refused(server: Server, own: Path, tmp_path: Path, impasto: Run) -> None:
    layouts.cpg0016(server)
    words = ("fetch", "jump", "--registry", own, "--parts", "profiles", "--out", tmp_path / "set")
    assert impasto(*words, "--plates", "BR8")[0] == 0
    assert impasto(*words, "--plates", "BR9")[0] == 0
    assert sorted(path.name for path in (tmp_path / "set").rglob("*.parquet")) == ["BR8.parquet", "BR9.parquet"]
    next((tmp_path / "set").rglob("BR8.parquet")).write_bytes(b"changed")
    code, _, err = impasto(*words, "--plates", "1053601763")
    assert code == 2
    assert "BR8.parquet, which impasto fetch did not leave like this; move it away, or give a new folder" in err


def test_lists_bring_all_to_a_machine_without_network(server: Server, own: Path, tmp_path: Path, impasto: Run) -> None:
    layouts.cpg0000(server)
    words = ("fetch", "cpg0000", "--registry", own, "--plates", "BR1", "--parts", "load_data,platemaps,compounds")
    here = ("--offline", "--cache", tmp_path / "here")
    for round_ in range(3):
        code, out, err = impasto(*words, "--fetch-list", tmp_path / "list.txt", *here, "--json")
        assert (code, json.loads(out)["all"]) == (0, round_ == 2), err
        assert impasto("fetch", tmp_path / "list.txt", "--cache", tmp_path / "there")[0] == 0
        shutil.copytree(tmp_path / "there", tmp_path / "here", dirs_exist_ok=True)
        if round_ == 0:
            assert impasto(*words, "--out", tmp_path / "set", *here)[0] == 2
    assert len((tmp_path / "list.txt").read_text().splitlines()) == 1 + 1 + 15 + 1 + 1
    code, _, err = impasto(*words, "--out", tmp_path / "set", *here)
    assert code == 0, err
    assert len(list((tmp_path / "set").rglob("*.tiff"))) == 15


def test_the_folder_says_what_it_is(tmp_path: Path) -> None:
    command = im.datasets.fetch("demo", tmp_path / "demo")
    text = (tmp_path / "demo" / fetched_sets.ABOUT).read_text()
    assert text.splitlines()[-1] == command
    assert text.startswith("demo: The data of impasto demo\n")
    assert im.read(tmp_path / "demo" / "cpjump1_u2os_compound.parquet").n_obs == 1920


def test_python_says_what_the_command_line_says() -> None:
    assert "cpg0016" in im.datasets.names()
    assert im.datasets.about("BBBC021").cells == "MCF7"
    with pytest.raises(InputError, match=r"unknown data set 'bbbc21' .did you mean 'bbbc02[12]'"):
        im.datasets.about("bbbc21")
    with pytest.raises(InputError, match="add --accept-licence"):
        im.datasets.fetch("rxrx1", "x")
