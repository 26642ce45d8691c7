"""The registry is whole: every set has a licence, addresses that can be filled in, and says what is not confirmed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from impasto.datasets import registry
from impasto.schema import InputError

SETS = registry.known()
NAMES = ["cpg0000", "cpg0004", "cpg0012", "cpg0016", "bbbc021", "bbbc022", "rxrx1", "rxrx19a", "rxrx3-core", "demo"]
MINIMAL = """
[mine]
title = "Mine"
about = "Two plates"
papers = []
cells = "U2OS"
stains = ["DNA"]
cite = "nobody"
below = "https://example.org/mine/"
pages = []
splits = "none"
default = ["images"]

[mine.parts.images]
about = "All"
files = ["https://example.org/mine/all.zip"]
"""
LICENCE = '\n[mine.licence]\nname = "CC0 1.0"\npage = "https://example.org"\n'


def test_all_sets_are_there() -> None:
    assert list(SETS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_word_of_an_address_is_known_for_a_plate(name: str) -> None:
    entry = SETS[name]
    plates = entry.plates
    words = {"plate"} if plates is None else {"plate", *plates.columns, *plates.always}
    used = {word for part in entry.parts.values() for file in part.files for word in re.findall(r"{(\w+)}", file)}
    assert used <= (words if plates else set())
    assert all(file.startswith(("s3://", "https://", "package:")) for part in entry.parts.values() for file in part.files)


@pytest.mark.parametrize("name", ["rxrx1", "rxrx3-core", "bbbc021", "bbbc022"])
def test_what_forbids_use_or_is_not_known_is_asked_for(name: str) -> None:
    assert SETS[name].licence.is_asked_for


@pytest.mark.parametrize("name", ["cpg0000", "cpg0004", "cpg0012", "cpg0016", "rxrx19a", "demo"])
def test_what_is_free_is_not_asked_for(name: str) -> None:
    assert not SETS[name].licence.is_asked_for


def test_a_licence_that_two_sources_disagree_on_says_both() -> None:
    sentence = SETS["rxrx1"].licence.sentence()
    assert "CC BY-NC-SA 4.0, which forbids commercial use" in sentence
    assert "Hugging Face says CC BY 4.0" in sentence
    assert SETS["bbbc021"].licence.sentence().startswith("licence not confirmed: read https://bbbc.broadinstitute.org/BBBC021")


def test_a_name_is_found_in_any_case_and_by_its_other_names() -> None:
    assert registry.find("BBBC021", SETS) == "bbbc021"
    assert registry.find("Bray", SETS) == "cpg0012"
    assert registry.find("CPJUMP1", SETS) == "cpg0000"
    assert registry.find("cpg9999", SETS) is None


def test_an_entry_without_a_licence_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(MINIMAL)
    with pytest.raises(InputError, match=r"own.toml, data set 'mine' has no licence; add \[mine.licence\] with name and page"):
        registry.known(path)
    path.write_text(MINIMAL + LICENCE)
    assert registry.known(path)["mine"].licence.is_asked_for  # its words were read by nobody


def test_an_entry_that_cannot_be_used_keeps_no_other_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "own.toml"
    path.write_text(MINIMAL + "\n" + (MINIMAL + LICENCE).replace("mine", "other"))
    assert "other" in registry.known(path, wanted="other")
    said = "".join(capsys.readouterr())
    assert "left out: " in said
    assert "data set 'mine' has no licence" in " ".join(said.split())
    assert "mine" not in registry.known(path, wanted="")  # a listing
    with pytest.raises(InputError, match="data set 'mine' has no licence"):
        registry.known(path, wanted="Mine")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (MINIMAL.replace('cells = "U2OS"', 'cell = "U2OS"') + LICENCE, "unknown"),
        (MINIMAL.replace('default = ["images"]', 'default = ["image"]') + LICENCE, "unknown default part of mine 'image'"),
        ("mine = 3", "it is a value, not a table"),
        ("[mine", "cannot be read"),
    ],
)
def test_a_registry_that_is_wrong_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "own.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=sentence):
        registry.read(path)


def test_a_registry_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        registry.read(tmp_path / "own.toml")


def test_a_name_and_an_alias_are_known_in_any_case() -> None:
    own = {"MyPlates": registry.DataSet.model_construct(aliases=["Own"]), "own": registry.DataSet.model_construct(aliases=[])}
    assert registry.find("myPLATES", own) == "MyPlates"
    assert registry.find("OWN", own) == "own", "a name goes before an alias"
    assert registry.find("Own", {"MyPlates": own["MyPlates"]}) == "MyPlates"
    assert registry.find("other", own) is None
