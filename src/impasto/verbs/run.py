"""`impasto run RECIPE --out DIR`: the stages of a recipe, in order, each skipped where it is done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from impasto import options, recipe, recipe_needs, texts
from impasto.options import parse_set
from impasto.settings import Settings, Shown
from impasto.stages import STAGES
from impasto.verbs import ABOUT, shared, table, terminal


class RunSettings(Settings):
    """A recipe and what is changed in it."""

    path: Annotated[Path, Shown("argument", metavar="RECIPE")] = Field(description="A TOML recipe; see recipes/.")
    seed: int | None = Field(default=None, description="Instead of the recipe's seed.")


class Flags(shared.Writing):
    """What is of the terminal only."""

    out: Path = Field(description="The folder of the run: one folder a stage.")
    changes: Annotated[list[str], Shown(name="set", metavar="STAGE.KEY=VALUE")] = Field(
        default_factory=list, description="Another value for a stage, as raw.profiles=mine.parquet."
    )
    dry_run: bool = Field(default=False, description="Check all stages and say what each takes of memory, disk and time; write nothing.")


def run(values: dict[str, Any], flags: Flags) -> None:
    """Run the stages; what a stage shows (a table, scores) is printed."""
    settings = RunSettings.read(values, where="impasto run")
    whole = recipe.read(settings.path).changed(changed_values(flags.changes))
    whole = whole if settings.seed is None else whole.seeded(settings.seed)
    if flags.dry_run:
        stages = recipe_needs.of_recipe(whole, out=flags.out)
        terminal.dry_run(recipe_needs.sentences(stages), recipe_needs.as_values(stages), as_json=flags.as_json)
        return
    recipe.run(whole, flags.out, show=None if flags.as_json else show)
    if flags.as_json:
        terminal.write_json([json.loads(texts.read(STAGES[s.verb].record(recipe.result_of(flags.out, s)))) for s in whole.stages])


def show(verb: str, result: Path) -> None:
    """Print the result of a stage, where its numbers are what a reader waits for.

    Parameters
    ----------
    verb
        The verb of the stage.
    result
        Where its result lies.

    """
    if verb == "table":
        table.show(result)
    elif verb == "finetune":
        terminal.show_results(result, as_json=False)


def changed_values(pairs: list[str]) -> dict[str, Any]:
    """`STAGE.KEY=VALUE` as `{"STAGE.KEY": value}`; what names a file here is made whole, since a recipe's paths start elsewhere.

    Parameters
    ----------
    pairs
        Words of the command line.

    Returns
    -------
    dict
        `STAGE.KEY` -> value.

    Raises
    ------
    InputError
        Where a word is no pair.

    """

    def whole(value: Any) -> Any:
        if isinstance(value, list):
            return [whole(v) for v in value]
        return str(Path(value).resolve()) if isinstance(value, str) and not value.startswith("@") and Path(value).exists() else value

    def flat(values: dict[str, Any], before: str = "") -> dict[str, Any]:
        paths: dict[str, Any] = {}
        for key, value in values.items():
            paths |= flat(value, f"{before}{key}.") if isinstance(value, dict) else {f"{before}{key}": whole(value)}
        return paths

    return flat(parse_set(pairs))


command = options.command(
    "run",
    RunSettings,
    Flags,
    run=run,
    about=f"{ABOUT['run']}\n\nRelative paths in a recipe start at its folder, those of --set where you are.",
    example="impasto run recipes/demo.toml --out runs/demo",
)
