"""`impasto search RUN_OR_INDEX --text "..."`: which perturbations or wells look like this?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from impasto import options
from impasto.devices import DeviceSettings
from impasto.schema import InputError
from impasto.settings import Shown
from impasto.verbs import ABOUT, shared, terminal

SHOWN = (
    "rank",
    "match",
    "score",
    "z",
    "p",
    "q",
    "perturbation",
    "perturbation_name",
    "gene",
    "moa",
    "perturbation_type",
    "plate",
    "well",
    "n_wells",
    "split",
    "expanded",
    "query_p",
)
FOR_PROGRAMS = ("expanded", "query_p")
"""The sentence has said these to people; rows for programs carry them."""
KINDS = ("name", "text", "smiles", "gene", "well", "image")


class SearchSettings(DeviceSettings):
    """Where to look, and one question."""

    where: Annotated[Path, Shown("argument", metavar="RUN_OR_INDEX")] = Field(description="A trained run, or an index.")
    name: str | None = Field(default=None, description="A perturbation of the index, by its name or id.")
    text: str | None = Field(default=None, description="A sentence about a perturbation.")
    smiles: str | None = Field(default=None, description="A molecule, seen in training or not.")
    gene: str | None = Field(default=None, description="A gene symbol.")
    well: Annotated[str | None, Shown(metavar="PLATE:WELL")] = Field(default=None, description="A well of the index.")
    image: Annotated[Path | None, Shown(metavar="DIR")] = Field(default=None, description="A folder of images, ingested by impasto ingest.")
    through: Annotated[list[Path], Shown(metavar="RELATIONS")] = Field(
        default_factory=list, description="For a gene that no perturbation targets: a table of relations, to search by its relatives."
    )
    top: int = Field(default=10, ge=1, description="How many rows to print.")
    rank: Literal["perturbations", "wells"] = Field(default="perturbations", description="What is ranked.")


def run(values: dict[str, Any], flags: shared.Printing) -> None:
    """Search, and print the ranking."""
    settings = SearchSettings.read(values, where="impasto search")
    questions = [(kind, str(query)) for kind in KINDS if (query := getattr(settings, kind))]
    if len(questions) != 1:
        raise InputError(f"{len(questions)} questions were asked; give exactly one of {', '.join(f'--{kind}' for kind in KINDS)}")
    kind, query = questions[0]
    if settings.through and kind != "gene":
        raise InputError(f"--through expands a gene, and the question is a {kind}; leave it out")
    from impasto.atlas import search
    from impasto.atlas.index import records
    from impasto.indexed import open_or_build

    index = replace(open_or_build(settings.where, on=settings), on=settings)
    ranking, sentence = search.search(index, kind=kind, query=query, top=settings.top, rank=settings.rank, through=settings.through)
    if not flags.as_json:
        terminal.console.print(f"[bold]{sentence}[/bold]")
    columns = [c for c in SHOWN if c in ranking and (flags.as_json or c not in FOR_PROGRAMS)]
    terminal.show(records(ranking[columns]), title="", as_json=flags.as_json)


command = options.command(
    "search", SearchSettings, shared.Printing, run=run, about=ABOUT["search"], example="impasto search runs/cellclip --gene TP53 --top 10"
)
