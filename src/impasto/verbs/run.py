"""`impasto run RECIPE --out DIR`: the stages of a recipe, in order, each skipped where it is done."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    path: Annotated[Path, typer.Argument(metavar="RECIPE", help="A TOML recipe; see recipes/.")],
    out: Annotated[Path, typer.Option(help="The folder of the run: one folder a stage.")],
) -> None:
    """Run the stages of a recipe. A killed run goes on where it stopped; what is done is skipped.

    Example: `impasto run recipes/demo.toml --out runs/demo`
    """
    from impasto import recipe as recipes
    from impasto.verbs.table import show_table
    from impasto.verbs.terminal import console

    recipe = recipes.read(path)
    # Every stage is checked before the first one runs: a misspelt key in the last stage must not cost a night.
    checked = [(stage, recipes.settings_of(recipe, stage, out=out)) for stage in recipe.stages]
    for number, (stage, settings) in enumerate(checked, start=1):
        console.print(f"[bold]{number}/{len(checked)} {stage.name}[/bold] ({stage.verb})")
        worked = recipes.execute(stage.verb, settings, out=recipes.result_of(out, stage))
        console.print(f"  {'wrote' if worked else 'already there:'} {recipes.result_of(out, stage)}")
        if stage.verb == "table":
            show_table(recipes.result_of(out, stage))
