"""Single cells on the card of a compound."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright.sync_api")
pytest.importorskip("fastapi")
from playwright.sync_api import expect
from tests.explorer.browser import conftest as served
from tests.explorer.test_montages import built  # noqa: F401

from impasto.atlas import index

if TYPE_CHECKING:
    from tests.explorer.browser.conftest import Opener

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(built: Path) -> str:  # noqa: F811
    return served._served(index.open_index(built))


@pytest.mark.parametrize(("width", "dark"), [(1600, False), (390, True)])
def test_cells_stand_beside_cells_of_controls(address: str, look: Opener, width: int, dark: bool) -> None:
    page = look(f"{address}#sel=p:x" + ("&tab=card" if width < 600 else ""), width=width, dark=dark)
    card = page.get_by_role("region", name="Compound")
    picture = card.locator("figure.montage img")
    expect(picture).to_be_visible(timeout=60_000)
    assert "single cells of x and of controls of the same plates" in str(picture.get_attribute("alt"))
    assert picture.evaluate("i => i.naturalWidth") > picture.evaluate("i => i.naturalHeight") > 0
    expect(card.locator("figure.montage figcaption")).to_contain_text(
        "most like its responding cells; any of its cells; most like control cells"
    )
    first = picture.get_attribute("src")
    page.goto(f"{address}#sel=p:y" + ("&tab=card" if width < 600 else ""))
    expect(picture).not_to_have_attribute("src", str(first), timeout=60_000)
    expect(picture).to_be_visible()
