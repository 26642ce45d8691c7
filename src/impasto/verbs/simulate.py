"""`impasto simulate --out DIR`: plates and profiles with a known answer, to try things on and to test them with."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import Field

from impasto.recipe import FOLDER, Verb
from impasto.schema import InputError
from impasto.settings import Settings, parse_set


class SimulateSettings(Settings):
    """A plan (see impasto.simulate.plan), a seed, and whether images are painted."""

    plan: dict[str, Any] = Field(default_factory=dict)
    images: bool = True
    seed: int = 0


def run(settings: SimulateSettings, out: Path) -> None:
    """Write the simulated plates at `out`."""
    from impasto.simulate import plates
    from impasto.simulate.plan import Plan

    plates.write(Plan.read(settings.plan, where="the plan"), out, seed=settings.seed, images=settings.images)


def command(
    out: Annotated[Path, typer.Option(help="The folder to write.")],
    seed: Annotated[int, typer.Option(help="Everything is drawn from it.")] = 0,
    plan: Annotated[Path | None, typer.Option(help="A TOML file of the plan; see --set for its keys.")] = None,
    changes: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A key of the plan, as perturbations=64.")] = None,
    images: Annotated[bool, typer.Option("--images/--no-images", help="Paint plates, or write tables only.")] = True,
) -> None:
    """Simulate plates with perturbations of known mechanism and dose. Never real data, and named so.

    Example: `impasto simulate --out simulated --seed 1 --set plates=1 --set perturbations=24`
    """
    from impasto import recipe as recipes
    from impasto.verbs.terminal import console

    try:
        told = tomllib.loads(plan.read_text()) if plan else {}
    except FileNotFoundError:
        raise InputError(f"{plan} does not exist; a plan is a TOML file, see impasto simulate --help") from None
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"the plan {plan} cannot be read: {error}") from None
    settings = SimulateSettings.read(
        {"plan": {**told, **parse_set(changes or [])}, "images": images, "seed": seed}, where="impasto simulate"
    )
    worked = recipes.execute("simulate", settings, out=out)
    console.print(f"{'wrote' if worked else 'already there:'} {out} (simulated, not real data)")


VERB = Verb(settings=SimulateSettings, inputs=lambda _: [], run=run, result="", writes=FOLDER)
