"""`impasto demo`: the main job on the real data that the repository ships, and the figures that matter at the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from impasto import options, recipe
from impasto.datasets import shipped
from impasto.explorer import serving
from impasto.nets.encoders import weights
from impasto.settings import Settings
from impasto.verbs import ABOUT, fetch, shared, terminal
from impasto.verbs.run import show

WEIGHTS = ("efficientnet_lite0", "minilm")
"""The packaged models that the demo's recipe uses."""


class Flags(shared.Printing):
    """What is of the terminal only."""

    out: Path = Field(default=Path("runs/demo"), description="The folder of the run.")


def run(_values: dict[str, Any], flags: Flags) -> None:
    """Run recipes/demo.toml, and print the figures that matter, each beside its chance level."""
    from impasto.report.headline import headlines

    for name in WEIGHTS:
        if not weights.is_here(name):
            fetch.fetch_weights(name)
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
    terminal.say(f"explore it: {serving.invitation(flags.out / 'index')}")


def find_recipe() -> Path:
    """recipes/demo.toml, from where `shipped` finds it.

    Returns
    -------
    Path
        The recipe.

    """
    return shipped.path("recipes/demo.toml")


command = options.command("demo", Settings, Flags, run=run, about=ABOUT["demo"], example="impasto demo --out runs/demo")
