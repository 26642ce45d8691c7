"""Every table and figure of the four papers has one command, whose small twin ends in the same table with every row and runs in a test."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.conftest import REPOSITORY

from impasto import recipe
from impasto.recipe import Recipe, Stage

RECIPES, PAGES = REPOSITORY / "recipes", REPOSITORY / "docs"
DRAWING = "a drawing: nothing is computed"
ITEMS: dict[str, dict[str, str | tuple[str, ...]]] = {
    "cellclip": {
        "Table 1": ("cellclip_table1", "table", "table_pairs"),
        "Table 2": ("cellclip_table2", "table", "table_pairs"),
        "Table 3": ("cellclip_table3",),
        **{f"Table S.{n}": (f"cellclip_s{n}",) for n in range(1, 6)},
        "Table S.6": ("cellclip_s1", "table_s6"),
        "Table S.7": "a list of data bases: impasto evaluate relations --pairs reads each",
        "Fig. 1": DRAWING,
        "Fig. S.1": ("cellclip_s5",),
        "Fig. S.2": "prompts, printed word for word by tests/perturbations/test_prompts.py",
    },
    "cellpaintr": {
        **{f"Fig. {n}": DRAWING for n in (1, 2, 3)},
        "Table 1": ("correction_bench", "aggregates"),
        "Table 1 on JUMP": ("cellpaintr_jump", "table"),
        **{f"Fig. {n}": ("correction_bench", "aggregates") for n in (4, 5, 6, 7)},
    },
    "pretraining": {
        "Table 1": ("cwa_msn_tables", "table1"),
        "Table 1 on RxRx3-core": ("rxrx3_core",),
        "Table 2": ("rxrx3_core",),
        **{f"Table {n}": ("cwa_msn_tables", f"table{n}") for n in (3, 4, 5)},
        "Fig. 1": ("cwa_msn_tables", "table1", "table4"),
        "Fig. 2": DRAWING,
        "Fig. 3": ("rxrx3_core",),
    },
    "knowledge": {
        "Table 1": ("knowledge_tables",),
        "Table 2": "counts of the published data: impasto fetch rxrx1, rxrx19a",
        "Table 3": ("knowledge_tables_sets",),
        "Table 4": "counts of the published data: impasto fetch rxrx1, rxrx19a",
        **{f"Fig. {n}": DRAWING for n in (1, 2, 3, 6)},
        **{f"Fig. {n}": (f"knowledge_fig{n}",) for n in (4, 5, 7, 8)},
    },
}
"""Page -> item of its paper -> the recipe and its tables (all of them where none is named), or why there is none."""
TWINS = {"correction_bench": "correction_methods"}
"""Twins of another name."""
ON_PUBLISHED_LAYOUT = {"rxrx3_core": "test_rxrx3_core.py"}
"""Recipes that a test runs themselves, on made-up files in the published layout."""
RUN = [(page, item, of) for page, items in ITEMS.items() for item, of in items.items() if isinstance(of, tuple)]


def twin_of(name: str) -> Recipe:
    return recipe.read(RECIPES / "smoke" / f"{TWINS.get(name, name)}.toml")


def tables_of(whole: Recipe) -> dict[str, Stage]:
    """The stages that print a table: `table`, and a fine-tuning of several variants."""
    return {stage.name: stage for stage in whole.stages if stage.verb in ("table", "finetune")}


def cells_of(table: Stage) -> list[tuple[str, str | None]]:
    """The row and column of each variant of a fine-tuning."""
    return [(variant["row"], variant.get("column")) for variant in table.values.get("variant", [])]


def rows_of(whole: Recipe, table: Stage) -> list[str]:
    """The labels of a table; of a sweep over data sets those of the recipe that it runs for each."""
    if table.verb == "finetune":
        return [variant["row"] for variant in table.values["variant"]]
    named = {stage.name: stage for stage in whole.stages}
    labels: list[str] = []
    for result in table.values["results"]:
        stage = named[result[1:].split("/")[0]]
        if stage.verb == "sweep":
            inner = recipe.read((whole.path.parent / stage.values["recipe"]).resolve())
            within = [name for one in inner.stages for name in one.values.get("labels", []) if one.verb == "evaluate"]
            labels += list(dict.fromkeys(within)) if len(set(within)) > 1 else [row["label"] for row in stage.values["row"]]
        else:
            labels += stage.values.get("labels", [stage.name])
    return [label for label in dict.fromkeys(labels) if label in table.values.get("rows", labels)]


@pytest.mark.parametrize(("page", "item", "of"), RUN, ids=[f"{page}-{item}" for page, item, _ in RUN])
def test_an_item_has_a_recipe_whose_twin_ends_in_the_same_table(page: str, item: str, of: tuple[str, ...]) -> None:
    name, *wanted = of
    full = recipe.read(RECIPES / f"{name}.toml")
    tables = tables_of(full)
    assert tables or name in ON_PUBLISHED_LAYOUT, f"{name} ends in no table"
    if name in ON_PUBLISHED_LAYOUT:
        assert (Path(__file__).parent / ON_PUBLISHED_LAYOUT[name]).exists()
        return
    twin = twin_of(name)
    small = tables_of(twin)
    for table in wanted or tables:
        assert table in small, f"{twin.path} lacks the table {table}"
        assert rows_of(twin, small[table]) == rows_of(full, tables[table]), f"{table}: no row of the recipe is missing from its twin"
        assert cells_of(small[table]) == cells_of(tables[table]), f"{table}: no cell of the recipe is missing from its twin"


@pytest.mark.parametrize("name", sorted({of[0] for *_, of in RUN} - set(ON_PUBLISHED_LAYOUT)))
def test_its_twin_is_run_by_a_test(name: str) -> None:
    twin = twin_of(name).path
    tests = [path.read_text(encoding="utf-8") for path in (REPOSITORY / "tests").rglob("test_*.py") if path.name != Path(__file__).name]
    by_name = [text for text in tests if re.search(rf"[\"']{twin.stem}(\.toml)?[\"']", text)]
    by_list = [text for text in tests if '"smoke").glob("knowledge_*.toml")' in text] if twin.stem.startswith("knowledge_") else []
    assert by_name or by_list, f"no test runs {twin}"


@pytest.mark.parametrize("page", ITEMS)
def test_the_page_of_a_paper_has_a_line_for_each_item(page: str) -> None:
    items = [line.split("|")[1] for line in (PAGES / f"{page}.md").read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    computed = [item.split(" on ")[0] for item, of in ITEMS[page].items() if of != DRAWING]
    lacking = [item for item in computed if not any(_names(said, *item.split(" ", 1)) for said in items)]
    assert not lacking


def _names(said: str, kind: str, number: str) -> bool:
    """Whether a line's first cell names an item: `Table 2, 4, B.1`, `Fig. 4 to 7: maps`, `Tables 1 and 2`."""
    if kind.rstrip(".") not in said:
        return False
    spans = re.findall(r"(\d+) to (\d+)", said)
    return number in re.findall(r"S\.\d+|\d+", said) or (number.isdigit() and any(int(a) <= int(number) <= int(b) for a, b in spans))
