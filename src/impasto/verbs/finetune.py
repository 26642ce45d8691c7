"""`impasto finetune RECIPE --out DIR`: how well do earlier runs learn a new cell line from a few wells of each perturbation?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from impasto import options, recipe
from impasto.stages.finetune_settings import FinetuneSettings
from impasto.verbs import ABOUT, shared, terminal


class Flags(shared.Training):
    """What is of the terminal only."""

    out: Path = Field(description="The folder of the results.")


def run(values: dict[str, Any], flags: Flags) -> None:
    """Fine-tune every variant on every split, and print the scores with their intervals and gains."""
    recipe.execute("finetune", shared.settings_from_recipe("finetune", values, flags), out=flags.out)
    terminal.show_results(flags.out, as_json=flags.as_json)


command = options.command(
    "finetune",
    FinetuneSettings,
    Flags,
    run=run,
    from_recipe=True,
    about=f"{ABOUT['finetune']} Top-1 and top-5 over random splits, each from the same weights.",
    example="impasto finetune recipes/knowledge_fig4.toml --sites ingested --out scores --set shots=2",
)
