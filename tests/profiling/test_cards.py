"""Cards: every one that ships can be read, says what a model is, and is never overridden in silence."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import Mock

import pytest

from impasto.profiling import cards, extract
from impasto.profiling.settings import EncoderSettings
from impasto.schema import InputError

SHIPPED = sorted((Path(__file__).resolve().parents[2] / "docs" / "encoders").glob("*.toml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_card_names_page_licence_and_reading(path: Path) -> None:
    card = cards.read(path)
    assert card.page.startswith("https://")
    assert card.licence
    assert "Not tried here" in card.about
    assert card.encoder.input is not None
    assert card.encoder.code == "", "a card names no commit: the user reads the code first"


def test_the_three_are_there_and_say_what_they_are() -> None:
    by_name = {path.stem: cards.read(path) for path in SHIPPED}
    assert {name: card.encoder.input for name, card in by_name.items()} == {"morphem": "gray1", "openphenom": "set", "subcell": "stack"}
    assert (by_name["openphenom"].encoder.normalise, by_name["openphenom"].encoder.size) == ("0..255", 256)
    assert "non-commercial" in by_name["openphenom"].licence


def write(folder: Path, text: str) -> Path:
    (folder / "card.toml").write_text(text)
    return folder / "card.toml"


CARD = 'name = "N"\npage = "https://x"\nlicence = "L"\n[encoder]\nencoder = "random"\ncrops = "grid"\n'


def test_a_card_sets_what_it_says_and_the_command_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(cards, "say", said.append)
    path = write(tmp_path, CARD)
    found = cards.applied(EncoderSettings(encoder=str(path), seed=3))
    assert (found.encoder, found.crops, found.seed, found.licence) == ("random", "grid", 3, "L")
    assert said == ["  N: L; see https://x"]
    encoder = extract.open_encoder(EncoderSettings(encoder=str(path)), Mock())
    assert encoder.describe()["licence"] == "L"
    with pytest.raises(InputError, match=r"says crops = grid, and the command squash; leave one of them out"):
        cards.applied(EncoderSettings(encoder=str(path), crops="squash"))
    plain = EncoderSettings(encoder="random")
    assert cards.applied(plain) is plain


def test_a_card_that_is_none_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        cards.read(tmp_path / "none.toml")
    with pytest.raises(InputError, match="is no TOML"):
        cards.read(write(tmp_path, "name ="))
    with pytest.raises(InputError, match=r"unknown key 'layers'"):
        cards.read(write(tmp_path, CARD + "layers = 3\n"))


def test_a_card_is_an_input_of_its_profiles(tmp_path: Path) -> None:
    path = write(tmp_path, CARD)
    settings = extract.ProfileSettings(images=tmp_path, encoder=str(path))
    assert extract.inputs(settings) == [tmp_path, path]
