"""`impasto choose`: tables and folders of tables become ways and settings; what was not run is listed; the page says what the pairs say."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from tests.evaluation.test_choosing import many, noisy

from impasto import profiles as tables
from impasto import recipe
from impasto.schema import InputError
from impasto.stages.choose import ChooseSettings
from impasto.stages.choose import tables as listed
from impasto.verbs.choose import command


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Two runs of two settings each, and a table by itself."""
    data = many(seed=0, signal=2.0)
    for way, share in (("good", 0.0), ("poor", 2.0)):
        for number, setting in enumerate(("raw", "scaled")):
            tables.write(noisy(data, seed=number, share=share + number / 10), tmp_path / way / setting / "profiles.parquet")
    tables.write(data, tmp_path / "alone.parquet")
    return tmp_path


def said(folder: Path, **more: object) -> ChooseSettings:
    given = {
        "profiles": [folder / "good", folder / "poor", folder / "alone.parquet"],
        "labels": ["good", "poor", "alone"],
        "batch": "batch",
    }
    return ChooseSettings.read({**given, **more}, where="test")


def test_folders_are_ways_in_several_settings(folders: Path) -> None:
    names = [(way, setting) for way, setting, _ in listed(said(folders))]
    assert names == [("good", "raw"), ("good", "scaled"), ("poor", "raw"), ("poor", "scaled"), ("alone", "alone")]
    only = [(way, setting) for way, setting, _ in listed(said(folders, only=["scaled"]))]
    assert only == [("good", "scaled"), ("poor", "scaled"), ("alone", "alone")]
    assert [way for way, _, _ in listed(said(folders, labels=[]))] == ["good", "good", "poor", "poor", "alone"]


def test_the_page_holds_every_way_and_what_the_pairs_say(folders: Path) -> None:
    profiles = [folders / name for name in ("good", "poor", "alone.parquet", "own")]
    settings = said(
        folders,
        profiles=profiles,
        labels=["good", "poor", "alone", "own net"],
        needs={"own net": "its weights"},
        pairs=[("good", "poor"), ("own net", "good"), ("own net: raw", "good")],
        title="Ways",
    )
    recipe.execute("choose", settings, out=folders / "out")
    page = (folders / "out" / "verdict.md").read_text()
    rows = [line.split("|")[1].strip() for line in page.splitlines() if line.startswith("| ")]
    assert rows == ["", "good", "poor", "alone", "any of them", "position only", "own net", "chance"]
    assert "| own net | not run: needs its weights |" in page
    pairs = pd.read_csv(folders / "out" / "pairs.csv")
    assert set(pairs["first"]) == {"good"}
    assert all(f"{row.metric}: {row.sentence}." in page for row in pairs.itertuples())
    assert "good is above poor" in page
    scores = pd.read_csv(folders / "out" / "results.csv")
    value = scores[(scores["group"] == "good") & (scores["metric"] == "mAP NSC") & scores["protocol"].str.endswith("compound")][
        "value"
    ].iloc[0]
    assert f"{value:.3f}".lstrip("0") in page
    assert pd.read_csv(folders / "out" / "not_run.csv").to_numpy().tolist() == [["own net", "its weights"]]


def test_the_same_tables_give_the_same_bytes(folders: Path) -> None:
    for name in ("one", "two"):
        recipe.execute("choose", said(folders), out=folders / name)
    for name in ("verdict.md", "results.csv", "pairs.csv", "picks.csv", "treatments.parquet"):
        assert (folders / "one" / name).read_bytes() == (folders / "two" / name).read_bytes()


def test_the_terminal_prints_the_page_or_json(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = {"profiles": [folders / "good", folders / "poor"], "batch": "batch"}
    command(**given, out=folders / "out")
    assert "| good |" in "".join(capsys.readouterr())
    command(**given, out=folders / "out", as_json=True)
    rows = json.loads(capsys.readouterr().out)
    assert {"good", "poor", "good: raw"} <= {row["group"] for row in rows}
    assert {"task", "protocol", "group", "metric", "value", "low", "high", "chance", "n"} <= set(rows[0])


def test_what_is_not_there_is_a_sentence(folders: Path) -> None:
    with pytest.raises(InputError, match=r"there is no .*gone.parquet, the way 'gone'; run it first"):
        list(listed(said(folders, profiles=[folders / "gone.parquet"], labels=[])))
    (folders / "empty").mkdir()
    with pytest.raises(InputError, match="empty holds no table of profiles"):
        list(listed(said(folders, profiles=[folders / "empty"], labels=[])))
    with pytest.raises(InputError, match=r"setting in .*good.*'scald'.*did you mean 'scaled'"):
        list(listed(said(folders, only=["scald"])))
    with pytest.raises(InputError, match="1 labels for 3 tables"):
        list(listed(said(folders, labels=["good"])))
    with pytest.raises(InputError, match="nothing to choose from"):
        recipe.execute("choose", said(folders, profiles=[folders / "gone"], labels=["gone"], needs={"gone": "a net"}), out=folders / "out")
