"""`impasto search RUN_OR_INDEX --text "..."`: which perturbations or wells look like this?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from impasto.schema import InputError

if TYPE_CHECKING:
    from impasto.atlas.index import Index

SHOWN = (
    "rank",
    "score",
    "perturbation",
    "perturbation_name",
    "gene",
    "moa",
    "perturbation_type",
    "plate",
    "well",
    "n_rows",
    "split",
    "expanded",
)


def command(
    where: Annotated[Path, typer.Argument(metavar="RUN_OR_INDEX", help="A trained run, or an index.")],
    text: Annotated[str | None, typer.Option(help="A sentence about a perturbation.")] = None,
    smiles: Annotated[str | None, typer.Option(help="A molecule, never seen or known.")] = None,
    gene: Annotated[str | None, typer.Option(help="A gene symbol.")] = None,
    well: Annotated[str | None, typer.Option(metavar="PLATE:WELL", help="A well of the index.")] = None,
    image: Annotated[Path | None, typer.Option(metavar="DIR", help="A folder of images, ingested by impasto ingest.")] = None,
    through: Annotated[
        list[Path] | None, typer.Option(metavar="RELATIONS", help="Of a gene that nothing perturbs: look through its relatives in these.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="How many.")] = 10,
    rank: Annotated[str, typer.Option(help="perturbations or wells.")] = "perturbations",
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of objects.")] = False,
) -> None:
    """Rank perturbations or wells by what they look like.

    Example: `impasto search runs/cellclip --gene TP53 --top 10`
    """
    asked = {"text": text, "smiles": smiles, "gene": gene, "well": well, "image": str(image) if image else None}
    given = [(kind, query) for kind, query in asked.items() if query]
    if len(given) != 1:
        raise InputError(f"{len(given)} questions were asked; give exactly one of --text, --smiles, --gene, --well, --image")
    from impasto.atlas import search
    from impasto.atlas.index import records
    from impasto.verbs.terminal import console, show

    kind, query = given[0]
    if through and kind != "gene":
        raise InputError(f"--through expands a gene, and the question is a {kind}; leave it out")
    found, how = search.search(open_or_build(where), kind=kind, query=query, top=top, rank=rank, through=through or [])
    if not as_json:
        console.print(f"[bold]{how}[/bold]")
    # The sentence has said it to people; rows for programs carry it.
    columns = [c for c in SHOWN if c in found and (as_json or c != "expanded")]
    show(records(found[columns]), title="", as_json=as_json)


def open_or_build(where: Path) -> Index:
    """The index at a folder; of a trained run, the index of the profiles or sites it was trained on, built on first use."""
    import json

    from impasto.atlas import index
    from impasto.recipe import execute
    from impasto.verbs.embed import EmbedSettings
    from impasto.verbs.index import IndexSettings
    from impasto.verbs.profile import ProfileSettings

    described = where / "model.json"
    if not described.exists():
        return index.open_index(where)
    embedded, built = where / "search" / "profiles.parquet", where / "search" / "index"
    told = json.loads(described.read_text())
    if "profiles" not in told:
        told["profiles"] = where / "search" / "features.parquet"
        seen = ProfileSettings.read({"images": told["sites"], "encoder": str(where)}, where=str(where))
        execute("profile", seen, out=told["profiles"])
    execute("embed", EmbedSettings.read({"run": where, "profiles": told["profiles"]}, where=str(where)), out=embedded)
    execute("index", IndexSettings.read({"profiles": embedded, "run": where}, where=str(where)), out=built)
    return index.open_index(built)
