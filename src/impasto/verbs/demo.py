"""`impasto demo`: the main job on the real data that the repository ships, and the figures that matter at the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from impasto import options, recipe
from impasto.schema import InputError
from impasto.settings import Settings
from impasto.verbs import ABOUT, shared, terminal
from impasto.verbs.run import show


class Flags(shared.Printing):
    """What is of the terminal only."""

    out: Path = Field(default=Path("runs/demo"), description="The folder of the run.")


def run(_values: dict[str, Any], flags: Flags) -> None:
    """Run recipes/demo.toml, and print the figures that matter, each beside its chance level."""
    from impasto.report.headline import headlines

    recipe.run(recipe.read(find_recipe()), flags.out, show=None if flags.as_json else show)
    figures = headlines(flags.out)
    if flags.as_json:
        terminal.write_json([{"value": f.value, "title": f.title, "beside": f.beside} for f in figures])
        return
    terminal.console.print()
    for figure in figures:
        terminal.console.print(f"[bold]{figure.value}[/bold]  {figure.title} ({figure.beside})", highlight=False)
    terminal.say(f"\nreport: {(flags.out / 'report' / 'page.html').resolve()}")
    terminal.say(f"search it:  impasto search {flags.out / 'index'} --text 'an Aurora kinase inhibitor'")
    terminal.say(f"explore it: impasto explore {flags.out / 'index'}")


def find_recipe() -> Path:
    """recipes/demo.toml of the checkout that is worked in, or that the package was installed from.

    Returns
    -------
    Path
        The recipe.

    Raises
    ------
    InputError
        Where there is none.

    """
    for base in (Path.cwd(), Path(__file__).resolve().parents[3]):
        if (base / "recipes" / "demo.toml").exists():
            return base / "recipes" / "demo.toml"
    raise InputError("the demo needs a checkout of the repository (recipes/demo.toml and data/demo); clone it and run: make demo")


command = options.command("demo", Settings, Flags, run=run, about=ABOUT["demo"], example="impasto demo --out runs/demo")
