"""`impasto graph PROFILES --string FILE --out GRAPH`: how strongly biology relates the perturbations of a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from impasto.perturbations.graph_settings import SourceSettings
from impasto.recipe import Verb, Writes
from impasto.settings import parse_set


class GraphSettings(SourceSettings):
    """The table (or ingested folder) whose perturbations are the nodes, and the sources of what is known of them."""

    profiles: Path

    def files(self) -> list[Path]:
        """What is read."""
        return [self.profiles, *super().files()]


def run(settings: GraphSettings, out: Path) -> None:
    """Write the graph at `out`."""
    from impasto import profiles as tables
    from impasto.perturbations import graph, graph_sources

    alike = tables.read(settings.images) if settings.images is not None else None
    if settings.profiles.is_dir() and (settings.profiles / "images.parquet").exists():
        from impasto.plates.sites import Sites

        obs = Sites.read(settings.profiles).table
    else:
        obs = tables.read(settings.profiles).obs
    graph.write(graph_sources.build(obs, settings, profiles=alike), out)


def command(
    profiles: Annotated[
        Path, typer.Argument(metavar="PROFILES", help="A table, or an ingested folder, whose perturbations are the nodes.")
    ],
    out: Annotated[Path, typer.Option(help="The graph, a .parquet file.")],
    string: Annotated[Path | None, typer.Option(help="STRING: protein.links, or a list of pairs.")] = None,
    string_names: Annotated[Path | None, typer.Option(help="STRING's protein.info, for protein.links.")] = None,
    hetionet: Annotated[Path | None, typer.Option(help="Hetionet's edges; a random walk goes along those between genes.")] = None,
    hetionet_nodes: Annotated[
        Path | None, typer.Option(help="Hetionet's nodes; hetionet_nodes.csv.gz beside the edges by default.")
    ] = None,
    pairs: Annotated[list[Path] | None, typer.Option(help="Further lists of pairs, or folders of them.")] = None,
    images: Annotated[Path | None, typer.Option(help="Profiles whose similarity counts; never those to be scored.")] = None,
    stitch: Annotated[Path | None, typer.Option(help="STITCH's chemical_chemical.links.")] = None,
    stitch_inchikeys: Annotated[Path | None, typer.Option(help="STITCH's chemicals.inchikeys, which names them.")] = None,
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="threshold, steps, average, shares.string.")
    ] = None,
    unknown: Annotated[bool, typer.Option("--unknown", help="List the genes and compounds that a source does not know.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of rows.")] = False,
) -> None:
    """Relate perturbations by their genes or targets; say what each source knows of them.

    Example: `impasto graph profiles.parquet --string stringdb_pairs.csv.gz --hetionet hetionet_edges.csv.gz --out graph.parquet`
    """
    from impasto import recipe as recipes
    from impasto.perturbations import graph
    from impasto.verbs.terminal import console, show

    files = {
        "string": string,
        "string_names": string_names,
        "hetionet": hetionet,
        "hetionet_nodes": hetionet_nodes,
        "images": images,
        "stitch": stitch,
        "stitch_inchikeys": stitch_inchikeys,
    }
    given = {"profiles": profiles, "pairs": pairs or [], **{k: v for k, v in files.items() if v is not None}}
    settings = GraphSettings.read({**parse_set(changes or []), **given}, where="impasto graph")
    recipes.execute("graph", settings, out=out)
    made = graph.read(out)
    if unknown:
        rows = [{"source": source, "unknown": name} for source, names in made.unknown.items() for name in names]
        show(rows, title="not known to", as_json=as_json)
        return
    show(made.sources.to_dict(orient="records"), title="relations of the perturbations", as_json=as_json)
    if not as_json:
        console.print(f"{out} (names that a source does not know: --unknown)")


VERB = Verb(
    settings=GraphSettings, inputs=lambda s: s.files(), run=run, result="graph.parquet", writes=Writes(folder=False, suffixes=(".parquet",))
)
