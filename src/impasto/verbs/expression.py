"""`impasto expression TABLE --out VECTORS`: one vector a cell line, from the genes it transcribes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import Field

from impasto.recipe import FOLDER, Verb
from impasto.schema import InputError
from impasto.settings import Settings, parse_set


class ExpressionVerbSettings(Settings):
    """The table; what was learned before (`like`), or how to learn (`options`: those of `perturbations.expression`)."""

    table: Path
    like: Path | None = None
    options: dict[str, Any] = Field(default_factory=dict)
    seed: int = 0


def run(settings: ExpressionVerbSettings, out: Path) -> None:
    """Write the vectors, a folder, at `out`."""
    from impasto.perturbations import expression

    table = expression.read_table(settings.table)
    if settings.like is not None:
        if settings.options:
            raise InputError(f"--like takes everything from {settings.like}; leave out {', '.join(sorted(settings.options))}")
        expression.write(expression.transform(table, expression.read(settings.like)), out)
        return
    chosen = expression.ExpressionSettings.read({"seed": settings.seed, **settings.options}, where="the expression")
    expression.write(expression.learn(table, chosen), out)


def command(
    table: Annotated[
        Path, typer.Argument(metavar="TABLE", help="One row a cell line (column cell_line), or one row a gene (column gene).")
    ],
    out: Annotated[Path, typer.Option(help="The folder of the vectors.")],
    method: Annotated[str | None, typer.Option(help="pca, raw or scvi (an extra).")] = None,
    like: Annotated[Path | None, typer.Option(metavar="VECTORS", help="Project new lines as this folder learned.")] = None,
    seed: Annotated[int, typer.Option(help="Of scVI.")] = 0,
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="width, genes, lines, total, values=log, epochs.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of rows.")] = False,
) -> None:
    """Turn expression into vectors that cell-line tokens are made of. A new line needs only its expression.

    Example: `impasto expression counts.csv --out vectors`, then for a new line `impasto expression new.csv --like vectors --out more`
    """
    from impasto import recipe as recipes
    from impasto.perturbations import expression
    from impasto.verbs.terminal import show

    options = parse_set(changes or []) | ({} if method is None else {"method": method})
    given = {"table": table, "options": options, "seed": seed} | ({} if like is None else {"like": like})
    recipes.execute("expression", ExpressionVerbSettings.read(given, where="impasto expression"), out=out)
    made = expression.read(out)
    row = {"lines": len(made.names), "width": made.vectors.shape[1], "method": made.settings.method}
    show([row | {"genes": len(expression.gene_names(made))}], title=str(out), as_json=as_json)


VERB = Verb(
    settings=ExpressionVerbSettings,
    inputs=lambda s: [s.table] + ([s.like] if s.like is not None else []),
    run=run,
    result="vectors",
    writes=FOLDER,
)
