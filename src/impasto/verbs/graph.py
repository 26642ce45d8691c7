"""`impasto graph PROFILES --string FILE --out GRAPH`: how strongly biology relates the perturbations of a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from impasto import options, recipe
from impasto.stages.graph import GraphSettings
from impasto.verbs import ABOUT, shared, terminal


class Flags(shared.Writing, shared.Setting):
    """What is of the terminal only."""

    out: Path = Field(description="The graph, a .parquet file.")
    unknown: bool = Field(default=False, description="List the genes and compounds that a source does not know.")


def run(values: dict[str, Any], flags: Flags) -> None:
    """Make the graph, and print what each source knows."""
    from impasto.perturbations import graph

    settings = GraphSettings.read({**options.parse_set(flags.changes), **values}, where="impasto graph")
    recipe.execute("graph", settings, out=flags.out)
    made = graph.read(flags.out)
    if flags.unknown:
        rows = [{"source": source, "unknown": name} for source, names in made.unknown.items() for name in names]
        terminal.show(rows, title="not known to", as_json=flags.as_json)
        return
    terminal.show(made.sources.to_dict(orient="records"), title="relations of the perturbations", as_json=flags.as_json)
    if not flags.as_json:
        terminal.say(f"{flags.out} (names that a source does not know: --unknown)")


command = options.command(
    "graph",
    GraphSettings,
    Flags,
    run=run,
    about=ABOUT["graph"],
    example="impasto graph profiles.parquet --string stringdb_pairs.csv.gz --hetionet hetionet_edges.csv.gz --out graph.parquet",
)
