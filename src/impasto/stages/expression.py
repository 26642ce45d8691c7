"""One vector a cell line, from the genes that it transcribes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from impasto.perturbations.expression import ExpressionSettings
from impasto.schema import InputError
from impasto.settings import Settings, Shown
from impasto.stages.base import FOLDER, Verb


class ExpressionStageSettings(Settings):
    """The table; what was learned before (`like`), or how to learn (`options`)."""

    table: Annotated[Path, Shown("argument", metavar="TABLE")] = Field(
        description="One row a cell line (column cell_line), or one row a gene (column gene)."
    )
    like: Annotated[Path | None, Shown(metavar="VECTORS")] = Field(
        default=None, description="Project new lines as this folder learned (pca or raw; scvi cannot)."
    )
    options: ExpressionSettings | None = None
    seed: int = Field(default=0, description="Of scVI.")

    @model_validator(mode="after")
    def _learned_once(self) -> ExpressionStageSettings:
        if self.like is not None and self.options is not None:
            options = ", ".join(sorted(self.options.model_fields_set))
            raise InputError(f"--like takes everything from {self.like}; leave out {options}")
        return self


def run(settings: ExpressionStageSettings, out: Path) -> None:
    """Write the vectors, a folder, at `out`."""
    from impasto.perturbations import expression
    from impasto.perturbations.expression_tables import read_table

    table = read_table(settings.table)
    if settings.like is not None:
        expression.write(expression.transform(table, expression.read(settings.like)), out)
        return
    chosen = settings.options or ExpressionSettings()
    if "seed" not in chosen.model_fields_set:
        chosen = chosen.model_copy(update={"seed": settings.seed})
    expression.write(expression.learn(table, chosen), out)


VERB = Verb(
    settings=ExpressionStageSettings,
    inputs=lambda s: [s.table] + ([s.like] if s.like is not None else []),
    run=run,
    result="vectors",
    writes=FOLDER,
)
