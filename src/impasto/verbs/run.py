"""`impasto run RECIPE --out DIR`: the stages of a recipe, in order, each skipped where it is done."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from impasto.recipe import Recipe


def command(
    path: Annotated[Path, typer.Argument(metavar="RECIPE", help="A TOML recipe; see recipes/.")],
    out: Annotated[Path, typer.Option(help="The folder of the run: one folder a stage.")],
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="STAGE.KEY=VALUE", help="Another value for a stage, as raw.profiles=mine.parquet.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Instead of the recipe's seed.")] = None,
) -> None:
    """Run the stages of a recipe. A killed run goes on where it stopped; what is done is skipped.

    Relative paths in a recipe start at its folder, those given by --set where you are.

    Example: `impasto run recipes/demo.toml --out runs/demo`
    """
    from impasto import recipe as recipes

    recipe = recipes.read(path).changed(_given(changes or []))
    run_stages(recipe if seed is None else recipe.seeded(seed), out)


def _given(changes: list[str]) -> dict[str, Any]:
    """`STAGE.KEY=VALUE` as `{"STAGE.KEY": value}`; what names a file here is made whole, since a recipe's paths start elsewhere."""
    from impasto.settings import parse_set

    def whole(value: Any) -> Any:
        if isinstance(value, list):
            return [whole(v) for v in value]
        return str(Path(value).resolve()) if isinstance(value, str) and not value.startswith("@") and Path(value).exists() else value

    def flat(table: dict[str, Any], before: str = "") -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in table.items():
            found |= flat(value, f"{before}{key}.") if isinstance(value, dict) else {f"{before}{key}": whole(value)}
        return found

    return flat(parse_set(changes))


def run_stages(recipe: Recipe, out: Path) -> float:
    """Run a recipe's stages at `out`; what a stage shows (a table) is printed. Returns the seconds its stages took, whenever they ran."""
    import json

    from impasto import recipe as recipes
    from impasto.verbs.terminal import console

    # Every stage is checked before the first one runs: a misspelt key in the last stage must not cost a night.
    checked = [(stage, recipes.settings_of(recipe, stage, out=out)) for stage in recipe.stages]
    for stage, settings in checked:
        recipes.refuse_outside(recipe, stage, settings, out=out)
    seconds = 0.0
    for number, (stage, settings) in enumerate(checked, start=1):
        result = recipes.result_of(out, stage)
        console.print(f"[bold]{number}/{len(checked)} {stage.name}[/bold] ({stage.verb})")
        kind, worked = recipes.verb(stage.verb), recipes.execute(stage.verb, settings, out=result)
        console.print(f"  {'wrote' if worked else 'already there:'} {result}")
        seconds += float(json.loads(kind.record(result).read_text())["seconds"])
        if kind.show is not None:
            kind.show(result)
    return seconds
