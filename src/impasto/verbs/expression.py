"""`impasto expression TABLE --out VECTORS`: one vector a cell line, from the genes that it transcribes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from impasto import options, recipe
from impasto.stages.expression import ExpressionStageSettings
from impasto.verbs import ABOUT, shared, terminal


class Flags(shared.Writing, shared.Setting):
    """What is of the terminal only."""

    out: Path = Field(description="The folder of the vectors.")
    method: Literal["pca", "raw", "scvi"] | None = Field(default=None, description="How a vector is made; scvi is an extra.")


def run(values: dict[str, Any], flags: Flags) -> None:
    """Make the vectors, and print how many and how wide."""
    from impasto.perturbations import expression

    chosen = options.parse_set(flags.changes) | ({} if flags.method is None else {"method": flags.method})
    values |= {"options": chosen} if chosen else {}
    recipe.execute("expression", ExpressionStageSettings.read(values, where="impasto expression"), out=flags.out)
    made = expression.read(flags.out)
    row = {"lines": len(made.names), "width": made.vectors.shape[1], "method": made.settings.method}
    terminal.show([row | {"genes": len(expression.gene_names(made))}], title=str(flags.out), as_json=flags.as_json)


command = options.command(
    "expression",
    ExpressionStageSettings,
    Flags,
    run=run,
    about=f"{ABOUT['expression']} A new line needs only its expression: `impasto expression new.csv --like vectors --out more`. "
    "scVI learns its vectors together: give old and new lines in one table.",
    example="impasto expression counts.csv --out vectors --set width=64",
)
