"""What people come for, key by key, on real plates and on a simulated assay."""

from __future__ import annotations

import csv
import io
import re
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from tests.conftest import REPOSITORY

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page
    from tests.explorer.browser.conftest import Opener

pytestmark = pytest.mark.browser

DEMO = REPOSITORY / "data" / "demo"
AMG900 = "BRD-K21728777-001-02-3"


def card(page: Page) -> Locator:
    return page.get_by_role("region", name="Compound")


def cells(page: Page) -> Locator:
    return page.get_by_role("region", name="Cells")


def title(page: Page, name: str) -> None:
    expect(card(page).get_by_role("heading", level=2)).to_have_text(name)


def fragment(page: Page) -> dict[str, str]:
    return dict(urllib.parse.parse_qsl(page.url.partition("#")[2], separator="&"))


def ready(page: Page) -> None:
    """The map is painted and the plate is there."""
    expect(page.locator(".plot canvas")).to_have_attribute("data-paint-ms", re.compile(r"\d"))
    expect(page.locator(".well").first).to_be_visible()


def painted(page: Page, frame: Locator) -> None:
    """A picture that is not all black."""
    expect(frame.locator("canvas")).to_have_attribute("data-compose-ms", re.compile(r"\d"))


def wells_of(mechanism: str) -> pd.DataFrame:
    """Wells of the demo's compounds that have a mechanism, alone or beside others."""
    table = pd.read_parquet(DEMO / "cpjump1_u2os_compound.parquet", columns=["Metadata_moa", "Metadata_perturbation"])
    return table[[mechanism in several for several in table["Metadata_moa"].fillna("").str.split("|")]]


def colours(canvas: Locator) -> int:
    """How many of the pixels of a picture have a colour, that is differ between red, green and blue."""
    return int(
        canvas.evaluate(
            """c => { const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let n = 0;
            for (let i = 0; i < d.length; i += 4) if (Math.max(d[i], d[i + 1], d[i + 2]) - Math.min(d[i], d[i + 1], d[i + 2]) > 8) n++;
            return n; }"""
        )
    )


# ---------------------------------------------------------------- 1. is my compound active?
@pytest.mark.parametrize("spelling", ["amg900", "AMG 900", "amg-900", AMG900.lower()])
def test_a_compound_is_found_by_any_spelling(cpjump1: str, look: Opener, spelling: str) -> None:
    page = look(cpjump1)
    ready(page)
    page.keyboard.press("/")
    page.keyboard.type(spelling)
    expect(page.get_by_role("option").first).to_contain_text(AMG900 if spelling.startswith("brd") else "AMG900")
    page.keyboard.press("Enter")
    title(page, "AMG900")
    assert fragment(page)["sel"] == f"p:{AMG900}"
    expect(page.get_by_role("gridcell", selected=True)).to_have_count(1)  # its well on the plate that is shown
    expect(card(page).locator(".verdict")).to_contain_text("Differs")
    expect(card(page).get_by_role("img", name="structure of AMG900")).to_be_visible()


def test_its_cells_stand_beside_a_control_of_the_same_plate(cpjump1: str, look: Opener) -> None:
    page = look(f"{cpjump1}#sel=p:{AMG900}")
    figures = cells(page).locator("figure")
    expect(figures).to_have_count(2)
    expect(figures.nth(0)).to_contain_text("AMG900 BR00117010 N09")
    expect(figures.nth(1)).to_contain_text("negative control BR00117010 D14")
    for i in range(2):
        painted(page, figures.nth(i))
        expect(figures.nth(i).locator(".bar")).to_have_text("20 µm")
        assert colours(figures.nth(i).locator("canvas")) > 1000


def test_neighbours_stand_beside_chance_and_say_why(cpjump1: str, look: Opener) -> None:
    page = look(f"{cpjump1}#sel=p:{AMG900}")
    rows = card(page).locator(".near > tbody > tr")
    expect(rows.first).to_contain_text("danusertib")
    expect(card(page)).to_contain_text("95 % of 1000 queries of 5 spared control wells of its plates lie below it")
    page.get_by_role("button", name="why danusertib matches").press("Enter")
    why = card(page).locator(".why")
    expect(why).to_contain_text("named features")
    shares = [float(text.replace("−", "-").replace("+", "")) for text in why.locator(".shares").first.locator("b").all_inner_texts()]
    cosine = float(why.locator("p b").first.inner_text())
    assert sum(shares) == pytest.approx(cosine, abs=0.005 + 0.0005 * len(shares))
    page.get_by_role("button", name="why danusertib matches").press("Enter")
    expect(why).to_have_count(0)


def test_doses_have_a_curve_and_a_button_each(assay: str, look: Opener) -> None:
    page = look(f"{assay}#sel=p:SIM-000")
    expect(card(page).locator(".dose svg")).to_be_visible()
    expect(card(page).locator(".dose circle")).to_have_count(12)
    expect(card(page).locator(".dose .band")).to_have_count(1)
    expect(card(page).locator(".dose figcaption")).to_contain_text("Benchmark dose")
    doses = card(page).get_by_role("group", name="doses").get_by_role("button")
    expect(doses).to_have_count(5)
    page.get_by_role("button", name="0.3 µM").press("Enter")
    title(page, "simulated compound 000 0.3 µM")
    assert fragment(page)["sel"] == "p:SIM-000@0.3"
    expect(card(page)).to_contain_text("Looks like (at 0.3 µM)")
    expect(card(page).locator("dd").filter(has_text="3 wells on 3 plates")).to_be_visible()
    expect(cells(page).locator("figure")).to_have_count(4)


def test_a_flat_compound_says_so(assay: str, look: Opener) -> None:
    page = look(f"{assay}#sel=p:SIM-005")
    expect(card(page).locator(".dose figcaption")).to_contain_text("No dose curve: not distinguished from flat")
    expect(card(page).locator(".dose .line")).to_have_count(0)


def test_a_curve_is_grey_where_no_dose_is_a_hit(assay: str, look: Opener) -> None:
    seen = set()
    page = look(assay)
    for number in range(8):
        page.goto(f"{assay}#sel=p:SIM-{number:03d}")
        title(page, f"simulated compound {number:03d}")
        figure = card(page).locator("figure.dose")
        expect(figure).to_be_visible()
        hits = card(page).get_by_role("group", name="doses").locator("button.hit").count()
        curves = figure.locator(".line").count()
        expect(figure).to_have_class("dose" if hits and curves else "dose weak")
        seen.add((hits > 0, curves > 0))
    assert (True, True) in seen
    assert (False, False) in seen or (False, True) in seen


def test_hits_follow_each_other(assay: str, look: Opener) -> None:
    page = look(assay)
    ready(page)
    page.keyboard.press("n")
    first = fragment(page)["sel"]
    page.keyboard.press("n")
    second = fragment(page)["sel"]
    assert first.startswith("p:SIM-")
    assert first != second
    page.keyboard.press("p")
    assert fragment(page)["sel"] == first
    count = re.compile(r"hit 1 of (\d+)")
    expect(card(page).get_by_role("button", name=count)).to_be_visible()
    card(page).get_by_role("button", name="next hit").click()
    assert fragment(page)["sel"] == second
    card(page).get_by_role("button", name="previous hit").click()
    card(page).get_by_role("button", name=count).click()
    assert "sel" not in fragment(page)
    title(page, "Compounds")


def test_all_hits_are_a_list(cpjump1: str, look: Opener) -> None:
    page = look(cpjump1)
    ready(page)
    hits = int(card(page).locator(".verdict").inner_text().split()[0])
    card(page).get_by_role("button", name=f"all {hits} as a list").click()
    expect(page.get_by_role("region", name="List").get_by_role("status")).to_contain_text(f"{hits} compounds")
    assert fragment(page)["only"] == "hit:yes"
    page.go_back()
    expect(page.get_by_role("region", name="List")).to_have_count(0)


# ---------------------------------------------------------------- 2. what is this cluster?
def lasso(page: Page) -> None:
    """A rectangle about the whole map but a margin of its left half."""
    page.get_by_role("button", name="lasso").click()
    box = page.locator(".plot canvas").bounding_box()
    assert box is not None
    left, top, right, bottom = box["x"] + box["width"] * 0.02, box["y"] + 40, box["x"] + box["width"] * 0.55, box["y"] + box["height"] - 5
    page.mouse.move(left, top)
    page.mouse.down()
    for x, y in [(right, top), (right, bottom), (left, bottom), (left, top + 5)]:
        page.mouse.move(x, y, steps=8)
    page.mouse.up()


def test_a_lasso_is_counted_explained_and_saved(assay: str, look: Opener) -> None:
    page = look(f"{assay}#by=moa")
    ready(page)
    lasso(page)
    panel = page.get_by_role("region", name="In the lasso")
    said = panel.get_by_role("status").inner_text()
    count = int(said.split()[0])
    assert 0 < count < 192
    assert len(fragment(page)["lasso"].split(";")) <= 64
    with page.expect_download() as saved:
        panel.get_by_role("button", name="CSV").click()
    rows = list(csv.DictReader(io.StringIO(Path(saved.value.path()).read_text("utf-8-sig"))))
    assert len(rows) == count
    assert {"plate", "well", "perturbation", "x", "y"} <= set(rows[0])
    assert all(-1.1 <= float(row["x"]) <= 1.1 for row in rows)
    panel.get_by_role("button", name="list").click()
    expect(page.get_by_role("region", name="List").get_by_role("status")).to_contain_text(f"{count} wells")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    page.go_back()
    expect(panel.get_by_role("status")).to_have_text(said)


def test_what_stands_in_a_lasso_more_often_can_be_shown_alone(cpjump1: str, look: Opener) -> None:
    page = look(f"{cpjump1}#lasso=-1,0.1;1,0.1;1,1;-1,1")
    ready(page)
    panel = page.get_by_role("region", name="In the lasso")
    row = panel.locator("tbody tr").first
    expect(row).to_be_visible()
    here, of_all = (int(cell.replace(",", "")) for cell in row.locator("td.n").all_inner_texts()[:2])
    assert 0 < here <= of_all
    row.get_by_role("button").click()
    expect(page.get_by_role("group", name="filters").get_by_role("status")).to_contain_text("of 1,920 rows")
    expect(panel).to_have_count(0)


def test_a_legend_shows_only_its_wells(cpjump1: str, look: Opener) -> None:
    page = look(f"{cpjump1}#by=moa")
    ready(page)
    count = len(wells_of("CDK inhibitor"))
    chip = page.get_by_role("button", name="CDK inhibitor").first
    expect(chip).to_contain_text(str(count))
    chip.click()
    expect(page.get_by_role("group", name="filters")).to_contain_text(f"{count} of 1,920 rows")
    assert fragment(page)["only"] == "moa:CDK inhibitor"
    page.get_by_role("group", name="filters").get_by_role("button").click()
    expect(page.get_by_role("group", name="filters")).to_have_count(0)


def test_a_number_is_a_filter(cpjump1: str, look: Opener) -> None:
    page = look(f"{cpjump1}#by=distance_z")
    ready(page)
    pane = page.get_by_role("region", name="Map")
    pane.get_by_label("distance from controls from").fill("10")
    page.keyboard.press("Enter")
    rows = page.get_by_role("group", name="filters").get_by_role("status")
    expect(rows).to_contain_text("of 1,920 rows")
    low, high = (float(end) for end in fragment(page)["only"].removeprefix("distance_z:").split("~"))
    assert low == 10
    kept = int(rows.inner_text().split()[0].replace(",", ""))
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("l")
    expect(page.get_by_role("region", name="List").get_by_role("status")).to_contain_text(f"{kept:,} wells")
    with page.expect_download() as saved:
        page.get_by_role("region", name="List").get_by_role("button", name="CSV").click()
    distances = [float(row["distance_z"]) for row in csv.DictReader(io.StringIO(Path(saved.value.path()).read_text("utf-8-sig")))]
    assert len(distances) == kept > 100
    assert min(distances) >= 10
    assert max(distances) == pytest.approx(high, rel=1e-4)  # an open end leaves nobody out
    page.go_back()
    page.go_back()
    expect(page.get_by_role("group", name="filters")).to_have_count(0)


def test_one_of_several_mechanisms_is_found_and_filtered(cpjump1: str, look: Opener) -> None:
    page = look(cpjump1)
    ready(page)
    page.get_by_role("combobox").first.fill("aurora kinase")
    option = page.get_by_role("option").first
    expect(option).to_contain_text("Aurora kinase inhibitor")
    own = wells_of("Aurora kinase inhibitor")
    expect(option).to_contain_text(f"mechanism · {own['Metadata_perturbation'].nunique()} compounds")
    page.keyboard.press("Enter")
    expect(page.get_by_role("group", name="filters")).to_contain_text(f"{len(own)} of 1,920 rows")
    page.goto(f"{cpjump1}#sel=p:{AMG900}")
    page.get_by_role("button", name="danusertib").first.click()
    title(page, "danusertib")
    card(page).get_by_role("button", name="growth factor receptor inhibitor").click()
    assert fragment(page)["only"] == "moa:growth factor receptor inhibitor"
    expect(page.get_by_role("group", name="filters")).to_contain_text(f"{len(wells_of('growth factor receptor inhibitor'))} of 1,920 rows")


def test_a_click_on_a_point_selects_it(assay: str, look: Opener) -> None:
    page = look(f"{assay}#level=perturbations")
    ready(page)
    box = page.locator(".plot canvas").bounding_box()
    assert box is not None
    x, y = page.evaluate(
        """() => { const c = document.querySelector('.plot canvas'), w = c.width;
        const d = c.getContext('2d').getImageData(0, 0, w, c.height).data;
        for (let y = 0; y < c.height; y++) for (let x = 0; x < w; x++) if (d[4 * (y * w + x) + 3]) return [x / w, (y + 4) / c.height]; }"""
    )
    page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
    tip = page.locator(".tip").inner_text()
    page.mouse.down()
    page.mouse.up()
    title(page, tip.split(" · ")[0])


def test_keys_move_the_map_and_list_it(cpjump1: str, look: Opener) -> None:
    page = look(cpjump1)
    ready(page)
    page.locator(".plot canvas").focus()
    page.keyboard.press("+")
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(re.compile(r"map="))
    x, _, k = (float(value) for value in fragment(page)["map"].split(","))
    assert x > 0
    assert k == pytest.approx(1.4)
    page.keyboard.press("0")
    page.wait_for_url(re.compile(r"^[^=]*$"))
    page.keyboard.press("l")
    table = page.get_by_role("region", name="List").get_by_role("table")
    expect(table.locator("tbody tr")).to_have_count(200)
    expect(page.get_by_role("region", name="List").get_by_role("status")).to_have_text("1,920 wells, page 1 of 10")
    table.get_by_role("button", name="gabapentin-enacarbil").press("Enter")
    title(page, "gabapentin-enacarbil")


# ---------------------------------------------------------------- 3. is it the plate?
def test_the_plate_is_walked_by_keys(cpjump1: str, look: Opener) -> None:
    page = look(cpjump1)
    ready(page)
    grid = page.get_by_role("grid")
    grid.locator("[tabindex='0']").focus()
    for key in ("ArrowRight", "ArrowDown", "ArrowDown"):
        page.keyboard.press(key)
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("C02")
    page.keyboard.press("Enter")
    assert fragment(page)["sel"] == "w:BR00117010:C02"
    expect(grid.locator(".well.one")).to_have_count(1)
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("C01")


def test_heat_and_position(cpjump1: str, look: Opener) -> None:
    page = look(cpjump1)
    ready(page)
    pane = page.get_by_role("region", name="Plate")
    before = pane.locator(".well rect").first.get_attribute("fill")
    pane.get_by_label("heat").select_option("time_h")
    expect(pane.locator(".well rect").first).not_to_have_attribute("fill", before or "")
    pane.get_by_label("heat").select_option("distance_z")
    pane.get_by_label("plate", exact=True).select_option("*")
    expect(pane).to_contain_text("the median over all plates")
    expect(pane.locator(".well")).to_have_count(384)
    page.get_by_role("region", name="Map").get_by_label("colour").select_option("plate")
    expect(page.locator(".legend button")).to_have_count(5)


# ---------------------------------------------------------------- 4. is it real cells?
def test_channels_windows_and_other_fields(assay: str, look: Opener) -> None:
    page = look(f"{assay}#sel=p:SIM-000@1")
    frame = cells(page).locator("figure").first
    painted(page, frame)
    group = cells(page).get_by_role("group", name="channels")
    expect(group.get_by_role("button", pressed=True)).to_have_text(["DNA", "AGP", "Mito"])
    group.get_by_role("button", name="ER").dblclick()
    expect(group.get_by_role("button", pressed=True)).to_have_text(["ER"])
    page.wait_for_timeout(500)
    assert colours(frame.locator("canvas")) == 0  # a lone channel is grey
    assert fragment(page)["ch"] == "-DNA,ER,-RNA,-AGP,-Mito"
    brightest = group.get_by_role("slider", name="ER brightest")
    brightest.press("ArrowLeft")
    page.wait_for_url(re.compile(r"ER\*\d+~\d+"))
    group.get_by_role("button", name="reset").click()
    assert "ch" not in fragment(page)
    cells(page).get_by_role("button", name="each channel").click()
    expect(cells(page).locator(".strip figure")).to_have_count(10)
    assert fragment(page)["split"] == "1"
    caption = cells(page).locator(".pair figcaption").first
    before = caption.inner_text()
    page.keyboard.press("]")
    expect(caption).not_to_have_text(before)
    control = cells(page).locator(".pair").first.locator("figcaption").nth(1)
    before = control.inner_text()
    plate = before.split("control ")[1].split()[0]
    page.keyboard.press("}")
    expect(control).not_to_have_text(before)
    expect(control).to_contain_text(plate)  # still of the same plate
    assert fragment(page)["than"].startswith(f"w:{plate}:")


def test_pictures_zoom_and_move(cpjump1: str, look: Opener) -> None:
    page = look(f"{cpjump1}#sel=p:{AMG900}")
    frame = cells(page).locator("figure").first
    painted(page, frame)
    canvas = frame.locator("canvas")
    side = int(canvas.evaluate("c => c.width"))
    canvas.focus()
    page.keyboard.press("+")
    expect(canvas).to_have_js_property("width", round(side / 1.5))
    before = canvas.evaluate("c => c.toDataURL()")
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(200)
    assert canvas.evaluate("c => c.toDataURL()") != before
    before = canvas.evaluate("c => c.toDataURL()")
    box = canvas.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 150, box["y"] + 130, steps=4)
    page.mouse.up()
    page.wait_for_timeout(200)
    assert canvas.evaluate("c => c.toDataURL()") != before
    page.keyboard.press("0")
    expect(canvas).to_have_js_property("width", 480)


# ---------------------------------------------------------------- 5. send it to a colleague
CHANNELS = "ch=DNA,-ER,-RNA,-AGP,Mito*300~5900"
ADDRESS = f"sel=p:{AMG900}&by=moa&only=moa:Aurora+kinase+inhibitor&map=0.1,-0.2,1.5&plate=BR00117011&{CHANNELS}&split=1"


def seen(page: Page) -> list[object]:
    ready(page)
    title(page, "AMG900")
    painted(page, cells(page).locator(".pair figure").first)
    return [
        page.get_by_label("plate", exact=True).input_value(),
        page.get_by_label("colour").input_value(),
        cells(page).get_by_role("button", pressed=True).all_inner_texts(),
        page.get_by_role("group", name="filters").inner_text(),
        page.locator(".plot canvas").evaluate("c => c.toDataURL()"),
        cells(page).locator(".pair canvas").first.evaluate("c => c.toDataURL()"),
    ]


def test_an_address_is_a_page(cpjump1: str, look: Opener) -> None:
    page = look(f"{cpjump1}#{ADDRESS}")
    first = seen(page)
    page.reload()
    assert seen(page) == first
    page.get_by_role("button", name="danusertib").first.click()
    title(page, "danusertib")
    page.go_back()
    assert seen(page) == first
    assert seen(look(page.url)) == first


def test_a_link_is_copied(cpjump1: str, look: Opener) -> None:
    page = look(f"{cpjump1}#sel=p:{AMG900}", permissions=["clipboard-read", "clipboard-write"])
    title(page, "AMG900")
    page.get_by_role("button", name="copy link").click()
    expect(page.get_by_role("button", name="copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == page.url


def test_what_an_address_asks_in_vain_is_said(cpjump1: str, look: Opener) -> None:
    page = look(f"{cpjump1}#sel=p:gone@3&by=taste&plate=BR9&only=moa:bliss&ch=Golgi&space=outer&heat=salt&nonsense=1&ask=text:hello")
    ready(page)
    bar = page.locator(".told")
    for words in ("gone", "taste", "BR9", "bliss", "Golgi", "outer", "salt", "nonsense=1", "text"):
        expect(bar).to_contain_text(words)


def test_names_that_are_markup_stay_text(cpjump1: str, look: Opener) -> None:
    page = look(f"{cpjump1}#sel=p:%3Cimg+src%3Dx+onerror%3Dalert(1)%3E&q=%3Cb%3Ebold%3C/b%3E")
    ready(page)
    expect(page.locator(".told")).to_contain_text("<img src=x onerror=alert(1)>")
    assert page.locator(".told img").count() == 0
    assert page.get_by_role("combobox").first.input_value() == "<b>bold</b>"


def test_profiles_without_plates_can_be_looked_at(bare: str, look: Opener) -> None:
    page = look(bare)
    expect(page.locator(".plot canvas")).to_have_attribute("data-paint-ms", re.compile(r"\d"))
    expect(cells(page)).to_contain_text("impasto index PROFILES --images")
    page.keyboard.press("l")
    page.get_by_role("region", name="List").get_by_role("button", name="<i>3</i>|~;@&").first.press("Enter")
    title(page, "<i>3</i>|~;@&")
    page.reload()
    title(page, "<i>3</i>|~;@&")
    expect(page.locator(".told")).to_have_count(0)
