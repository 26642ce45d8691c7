"""`impasto demo`: the main job on the real data that the repository ships, and the figures that matter at the end."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from impasto.schema import InputError


def command(
    out: Annotated[Path, typer.Option(help="The folder of the run.")] = Path("runs/demo"),
) -> None:
    """Run recipes/demo.toml: real plates in, a corrected, searchable, honestly scored report out.

    Example: `impasto demo --out runs/demo`
    """
    from impasto import recipe as recipes
    from impasto.verbs import run
    from impasto.verbs.terminal import console

    path = find_recipe()
    run.run_stages(recipes.read(path), out)
    console.print()
    for line in headlines(out):
        console.print(line, highlight=False)
    console.print(f"\n[bold]report:[/bold] {(out / 'report' / 'page.html').resolve()}", soft_wrap=True)
    console.print(f"search it:  impasto search {out / 'index'} --text 'an Aurora kinase inhibitor'", highlight=False)
    console.print(f"explore it: impasto atlas {out / 'index'}", highlight=False)


def find_recipe() -> Path:
    """recipes/demo.toml of the checkout that is worked in, or that the package was installed from."""
    for base in (Path.cwd(), Path(__file__).resolve().parents[3]):
        if (base / "recipes" / "demo.toml").exists():
            return base / "recipes" / "demo.toml"
    raise InputError("the demo needs a checkout of the repository (recipes/demo.toml and data/demo); clone it and run: make demo")


def headlines(out: Path) -> list[str]:
    """The three figures that matter, each beside its chance level."""
    from impasto.report.headline import headlines as of_run

    return [f"[bold]{h.value}[/bold]  {h.title} ({h.beside})" for h in of_run(out)]
