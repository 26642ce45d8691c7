"""The page of plates lists every name and every word that impasto knows."""

from __future__ import annotations

import re
from pathlib import Path

from impasto.plates import containers, patterns

PAGE = (Path(__file__).parents[2] / "docs" / "plates.md").read_text(encoding="utf-8")


def test_every_preset_has_its_row() -> None:
    rows = re.findall(r"^\| ([^`|]+?) \| `(.+?)` \|$", PAGE, re.MULTILINE)
    assert rows == [(preset.title, preset.example) for preset in patterns.presets()]


def test_every_word_of_a_pattern_has_its_row() -> None:
    table = PAGE.split("| word | what it matches |")[1].split("\n\n")[0]
    assert set(re.findall(r"\{(\w+)\}", table)) == set(patterns.WORDS)


def test_every_kind_of_container_is_named() -> None:
    assert [kind for kind in containers.KINDS if f"`{kind}`" not in PAGE] == []
