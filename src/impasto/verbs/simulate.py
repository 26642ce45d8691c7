"""`impasto simulate --out DIR`: plates and profiles with a known answer, to try things on and to test them with."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from impasto import options, recipe, texts
from impasto.schema import InputError
from impasto.settings import Shown
from impasto.stages.simulate import SimulateSettings
from impasto.verbs import ABOUT, shared, terminal


class Flags(shared.Writing):
    """What is of the terminal only."""

    out: Path = Field(description="The folder to write.")
    plan_file: Annotated[Path | None, Shown(name="plan")] = Field(
        default=None, description="A TOML file of the plan; see --set for its keys."
    )
    changes: Annotated[list[str], Shown(name="set", metavar="KEY=VALUE")] = Field(
        default_factory=list, description="A key of the plan, as perturbations=64."
    )


def run(values: dict[str, Any], flags: Flags) -> None:
    """Simulate, and say where it lies."""
    plan = {**read_plan(flags.plan_file), **options.parse_set(flags.changes)}
    settings = SimulateSettings.read({**values, "plan": plan}, where="impasto simulate")
    worked = recipe.execute("simulate", settings, out=flags.out)
    terminal.wrote(flags.out, worked, as_json=flags.as_json, beside=" (simulated, not real data)")


def read_plan(path: Path | None) -> dict[str, Any]:
    """The keys of a plan's file.

    Parameters
    ----------
    path
        A TOML file.

    Returns
    -------
    dict
        Key -> value, plain.

    Raises
    ------
    InputError
        Where the file cannot be read.

    """
    try:
        return tomllib.loads(texts.read(path)) if path else {}
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; a plan is a TOML file, see impasto simulate --help") from None
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"the plan {path} cannot be read: {error}") from None


command = options.command(
    "simulate",
    SimulateSettings,
    Flags,
    run=run,
    about=ABOUT["simulate"],
    example="impasto simulate --out simulated --seed 1 --set plates=1 --set perturbations=24",
)
