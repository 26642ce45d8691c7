"""Plates and profiles with a known answer."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from impasto.settings import Settings
from impasto.simulate.plan import Plan
from impasto.stages.base import FOLDER, Verb


class SimulateSettings(Settings):
    """A plan (`impasto.simulate.plan`), a seed, and whether images are painted."""

    plan: Plan = Plan()
    images: bool = Field(default=True, description="Paint plates, or write tables only.")
    seed: int = Field(default=0, description="Everything is drawn from it.")


def run(settings: SimulateSettings, out: Path) -> None:
    """Write the simulated plates at `out`."""
    from impasto.simulate import plates

    plates.write(settings.plan, out, seed=settings.seed, images=settings.images)


VERB = Verb(settings=SimulateSettings, inputs=lambda _: [], run=run, result="", writes=FOLDER)
