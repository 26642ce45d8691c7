"""Wide, narrow and on a phone, light and dark: nothing scrolls sideways, targets are large enough, and axe finds nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from tests.conftest import REPOSITORY

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from tests.explorer.browser.conftest import Opener

pytestmark = pytest.mark.browser

AXE = REPOSITORY / "explorer" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
AMG900 = "BRD-K21728777-001-02-3"
STOP = """() => {
  const e = document.activeElement, s = getComputedStyle(e), r = e.querySelector('rect');
  const name = e.ariaLabel || e.innerText || e.labels?.[0]?.innerText || e.alt || '';
  const outlined = s.outlineStyle !== 'none' || (r !== null && parseFloat(getComputedStyle(r).strokeWidth) > 1);
  return e === document.body ? null : [e.tagName, name.trim().slice(0, 40), outlined];
}"""
STATES = {
    "start": (1600, 1000, False, ""),
    "a compound": (1600, 1000, False, f"sel=p:{AMG900}&split=1&by=moa"),
    "a compound in the dark": (1600, 1000, True, f"sel=p:{AMG900}&split=1&by=moa"),
    "a list": (1600, 1000, False, f"sel=p:{AMG900}&tab=list&level=perturbations"),
    "a lasso, filters and complaints": (1100, 1000, False, "only=moa:CDK+inhibitor&lasso=-1,-1;1,-1;1,1;-1,1&plate=none"),
    "the card on a phone": (390, 844, False, f"sel=p:{AMG900}&tab=card"),
    "the cells on a phone in the dark": (390, 844, True, f"sel=p:{AMG900}&tab=cells"),
    "the plate on a phone": (390, 844, False, "tab=plate"),
    "the map on a phone": (390, 844, True, "by=moa"),
}


def settled(page: Page) -> None:
    """All that the state asks for has come."""
    page.wait_for_load_state("networkidle")
    expect(page.locator("h1")).to_have_text(re.compile("plates|CPJUMP1"))


@pytest.mark.parametrize("state", STATES)
def test_everyone_can_use_it(cpjump1: str, look: Opener, state: str) -> None:
    width, height, dark, fragment = STATES[state]
    page = look(f"{cpjump1}#{fragment}", width=width, height=height, dark=dark)
    settled(page)
    if state == "a compound":
        page.get_by_role("button", name="why danusertib matches").click()
        expect(page.locator(".shares").first).to_be_visible()
    if state == "start":
        page.keyboard.press("/")
        page.keyboard.type("kinase")
        expect(page.get_by_role("option").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("[...document.querySelectorAll('.pane')].every(p => !p.offsetWidth || p.scrollWidth <= p.clientWidth)")
    if not AXE.exists():
        pytest.skip("axe is not installed; run: npm ci, in explorer/")
    page.evaluate(AXE.read_text() + ";0")
    told = "r => r.violations.map(v => [v.id, v.nodes.length, v.nodes[0].html.slice(0, 150)])"
    found = page.evaluate(f"tags => axe.run(document, {{runOnly: tags}}).then({told})", RULES)
    assert found == []


@pytest.mark.parametrize("tab", ["map", "plate", "cells", "card", "list"])
def test_fingers_hit_what_they_aim_at(cpjump1: str, look: Opener, tab: str) -> None:
    page = look(f"{cpjump1}#sel=p:{AMG900}&tab={tab}&by=moa", width=390, height=844, has_touch=True)
    settled(page)
    small = page.evaluate(
        """() => [...document.querySelectorAll('button, select, input, a.button, summary')].filter(e => e.offsetWidth && e.type !== 'range')
        .map(e => [e.innerText || e.ariaLabel || e.tagName, Math.round(e.getBoundingClientRect().height)])
        .filter(([, height]) => height < 44)"""
    )
    assert small == []


def test_a_phone_goes_from_tab_to_tab(cpjump1: str, look: Opener) -> None:
    page = look(cpjump1, width=390, height=844)
    settled(page)
    shown = page.locator(".pane:visible")
    expect(shown).to_have_attribute("aria-label", "Map")
    page.get_by_role("combobox").first.fill("amg900")
    page.keyboard.press("Enter")
    expect(shown).to_have_attribute("aria-label", "Compound")
    for name, pane in [("Cells", "Cells"), ("Plate", "Plate"), ("Map", "Map"), ("Compound", "Compound")]:
        page.get_by_role("navigation").get_by_role("button", name=name).click()
        expect(shown).to_have_attribute("aria-label", pane)
        expect(page.get_by_role("navigation").locator("[aria-current=page]")).to_have_text(name)


def box(page: Page, pane: str) -> dict[str, float]:
    found = page.get_by_role("region", name=pane, exact=True).bounding_box()
    assert found is not None
    return {**found, "right": found["x"] + found["width"], "bottom": found["y"] + found["height"]}


@pytest.mark.parametrize("width", [1600, 1100])
def test_from_1100_pixels_there_are_three_columns(cpjump1: str, look: Opener, width: int) -> None:
    page = look(f"{cpjump1}#sel=p:{AMG900}&split=1", width=width)
    settled(page)
    at = {pane: box(page, pane) for pane in ("Map", "Plate", "Cells", "Compound")}
    assert at["Map"]["bottom"] <= at["Plate"]["y"] + 2
    assert at["Map"]["right"] <= at["Cells"]["x"] + 2
    assert at["Cells"]["right"] <= at["Compound"]["x"] + 2
    assert all(one["bottom"] <= 1001 for one in at.values())
    expect(page.locator(".near tbody tr").first).to_be_visible()
    assert page.evaluate("[...document.querySelectorAll('.pane')].every(p => p.scrollWidth <= p.clientWidth)")


def test_below_1100_pixels_panes_are_as_high_as_what_they_hold(cpjump1: str, look: Opener) -> None:
    page = look(f"{cpjump1}#sel=p:{AMG900}&split=1", width=1000)
    settled(page)
    at = {pane: box(page, pane) for pane in ("Map", "Plate", "Cells", "Compound")}
    assert at["Map"]["right"] <= at["Plate"]["x"] + 2
    assert at["Map"]["bottom"] <= at["Cells"]["y"] + 2
    held = "[...document.querySelectorAll('.pane:is(.cells, .card)')].every(p => p.scrollHeight <= p.clientHeight + 1)"
    assert page.evaluate(held)
    page.get_by_role("button", name="why").last.scroll_into_view_if_needed()
    expect(page.get_by_role("button", name="why").last).to_be_in_viewport()


@pytest.mark.parametrize("dark", [False, True])
def test_channels_that_are_on_look_on(cpjump1: str, look: Opener, dark: bool) -> None:
    page = look(f"{cpjump1}#sel=p:{AMG900}", dark=dark)
    settled(page)
    fill = "b => getComputedStyle(b).backgroundColor"
    channels = page.get_by_role("group", name="channels")
    on, off = (channels.get_by_role("button", name=name, exact=True).evaluate(fill) for name in ("AGP", "ER"))
    assert on != off


def test_a_phone_keeps_most_of_its_height_for_the_map(cpjump1: str, look: Opener) -> None:
    page = look(cpjump1, width=390, height=844)
    settled(page)
    assert page.locator(".warned button").bounding_box()["x"] > 300  # type: ignore[index]
    assert page.locator(".plot").bounding_box()["height"] > 0.45 * 844  # type: ignore[index]


def test_dark_and_light_follow_the_system(cpjump1: str, look: Opener) -> None:
    page = look(cpjump1, dark=True)
    settled(page)
    paper = "getComputedStyle(document.querySelector('.app')).backgroundColor"
    chip = page.locator(".legend i").first
    assert page.evaluate(paper) == "rgb(18, 21, 26)"
    expect(chip).to_have_css("background-color", "rgb(170, 178, 191)")  # negative controls, light grey in the dark
    page.emulate_media(color_scheme="light")
    assert page.evaluate(paper) == "rgb(247, 246, 242)"
    expect(chip).to_have_css("background-color", "rgb(91, 98, 112)")


def test_every_stop_of_the_tab_key_is_seen_and_named(assay: str, look: Opener) -> None:
    page = look(f"{assay}#sel=p:SIM-000@0.3")
    settled(page)
    stops = []
    for _ in range(60):
        page.keyboard.press("Tab")
        stop = page.evaluate(STOP)
        if stop is None:
            break
        stops.append(stop)
    assert len(stops) > 25
    assert [stop for stop in stops if not (stop[1] and stop[2])] == []
    assert sum(name.startswith(("A", "B", "C", "D", "E", "F", "G", "H")) and tag == "g" for tag, name, _ in stops) == 1  # one stop a plate
