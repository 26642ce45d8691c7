"""The Python reference holds every public name of `import impasto as im`, and each has a text."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import impasto as im

API = Path(__file__).parents[2] / "docs" / "api"
NAMESPACES = {"im": im, "im.pp": im.pp, "im.tl": im.tl, "im.pl": im.pl, "im.datasets": im.datasets}
SHOWN = set(re.findall(r"^::: (\S+)", "\n".join(page.read_text(encoding="utf-8") for page in sorted(API.glob("*.md"))), re.MULTILINE))
"""What the pages show: a module with all its public names, or one object."""


def public(namespace: ModuleType) -> Iterator[tuple[str, object]]:
    """The names that a reader of `im.` is offered, without modules."""
    for name in getattr(namespace, "__all__", None) or dir(namespace):
        part = getattr(namespace, name)
        if not name.startswith("_") and not isinstance(part, ModuleType):
            yield name, part


def is_shown(namespace: ModuleType, name: str, part: object) -> bool:
    """Whether a page shows the namespace, or the module where the object is written, or the object itself."""
    written = getattr(part, "__module__", namespace.__name__)
    return bool(SHOWN & {namespace.__name__, written, f"{written}.{name}"})


@pytest.mark.parametrize("word", NAMESPACES)
def test_every_public_name_is_in_the_reference(word: str) -> None:
    namespace = NAMESPACES[word]
    names = dict(public(namespace))
    assert names
    assert [f"{word}.{name}" for name, part in names.items() if not is_shown(namespace, name, part)] == []
    assert [f"{word}.{name}" for name, part in names.items() if not (inspect.getdoc(part) or "").strip()] == []


def test_what_the_reference_shows_is_there() -> None:
    for path in SHOWN:
        module, _, name = path.rpartition(".")
        try:
            __import__(path)
        except ModuleNotFoundError:
            assert hasattr(__import__(module, fromlist=[name]), name), path
