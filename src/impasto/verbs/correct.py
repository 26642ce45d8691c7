"""`impasto correct PROFILES --method NAME --out PROFILES`: take the plate out, leave the biology in, and show the receipt."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import Field

from impasto.recipe import PROFILES, Verb
from impasto.settings import Settings, parse_set


class CorrectSettings(Settings):
    """The steps, applied in order; each is a table with `method` and that method's own settings."""

    profiles: Path
    steps: list[dict[str, Any]] = Field(default_factory=list)
    fitted: Path | None = None
    """A folder of steps that were fitted before (`keep`): applied as they are. A plate they have not seen is centred, shifted
    and scaled by what is learned from its own rows; what all plates share stays."""
    keep: bool = False
    """Leave the fitted steps beside the result, at `<out>.fitted`."""
    spare: float = 0.0
    """Share of each plate's negative controls that no step learns from, marked `spared`, for scoring: controls that a whitening
    was fitted on lie more regularly than any new well, so a score against them is not honest."""
    split: dict[str, Any] | None = None
    """What no step learns from, for scoring: `{by = "perturbation", test = 0.3}` marks these in the column `split`. Held-out plates,
    batches or sources are then learned from their own rows."""
    seed: int = 0


def run(settings: CorrectSettings, out: Path) -> None:
    """Write the corrected profiles at `out`, `<out>.receipt.json`, and where asked the fitted steps at `<out>.fitted`."""
    from impasto import profiles as tables
    from impasto import runs
    from impasto.correction import kept
    from impasto.correction.steps import correct

    after, fitted, receipt = correct(
        tables.read(settings.profiles),
        settings.steps,
        fitted=settings.fitted,
        spare=settings.spare,
        split=settings.split,
        seed=settings.seed,
    )
    if settings.keep:
        kept.save(fitted_path(out), fitted)
    tables.write(after, out)
    runs.write_json(receipt_path(out), receipt)


def fitted_path(out: Path) -> Path:
    """Where the fitted steps of corrected profiles are kept."""
    return out.with_name(out.name + ".fitted")


def receipt_path(out: Path) -> Path:
    """Where the receipt of corrected profiles is kept."""
    return out.with_name(out.name + ".receipt.json")


def command(
    profiles: Annotated[Path, typer.Argument(metavar="PROFILES", help="Profiles of wells or sites.")],
    out: Annotated[Path, typer.Option(help="Where to write: .parquet, .h5ad or .zarr.")],
    method: Annotated[
        list[str] | None,
        typer.Option(help="One of those named above; several are applied in order."),
    ] = None,
    fitted: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Instead of --method: apply what --keep left; a new plate is learned from its own rows."),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the fitted steps at OUT.fitted, for plates to come.")] = False,
    by: Annotated[
        str | None, typer.Option(help="plate, batch or source: what is corrected on its own (each method's habit by default).")
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting, as on=all, or of one of several methods: sphering.regulariser=1."),
    ] = None,
    spare: Annotated[
        float, typer.Option(min=0, max=0.9, help="Share of the negative controls kept out of every fit, to score against.")
    ] = 0.0,
    seed: Annotated[int, typer.Option(help="Of the choice of spared controls.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the receipt as JSON.")] = False,
) -> None:
    """Correct profiles, and print what was removed and what was left.

    Methods: cellpaintr, clip, combat, harmony, inverse_normal, kernel_pca, position, select, sphering, standardize, tvn.

    Example: `impasto correct profiles.parquet --method select --method standardize --method clip --method sphering --out corrected.parquet`
    """
    import json
    import sys

    from impasto import recipe as recipes
    from impasto.correction import CORRECTORS

    given = parse_set(changes or [])
    methods = method or []
    steps = []
    for name in methods:
        known = CORRECTORS[name].settings_class.model_fields
        step: dict[str, Any] = {"method": name, **({"by": by} if by and "by" in known else {})}
        step |= {k: v for k, v in given.items() if k not in methods and (k in known or len(methods) == 1)}
        steps.append({**step, **given.get(name, {})})
    chosen = {"profiles": profiles, "steps": steps, "fitted": fitted, "keep": keep, "spare": spare, "seed": seed}
    settings = CorrectSettings.read(chosen, where="impasto correct")
    recipes.execute("correct", settings, out=out)
    receipt = json.loads(receipt_path(out).read_text())
    if as_json:
        sys.stdout.write(json.dumps(receipt, indent=2) + "\n")
        return
    show(receipt, out)


def show(receipt: dict[str, Any], out: Path) -> None:
    """Print a receipt."""
    from impasto.verbs.terminal import console
    from impasto.verbs.terminal import show as table

    for step in receipt["methods"]:
        if step.get("learned_anew"):
            console.print(f"{step['method']} learned from their own rows: {', '.join(step['learned_anew'])}", highlight=False)
    rows = [{"variance explained by": name, "before": v["before"], "after": v["after"]} for name, v in receipt["explained"].items()]
    console.print(f"[bold]{' -> '.join(m['method'] for m in receipt['methods'])}[/bold]", highlight=False)
    table(rows, title="", as_json=False)
    before, after = (receipt["signal"][when] for when in ("before", "after"))
    # Neither is known where no perturbation stands on two plates.
    if before is not None and after is not None:
        console.print(f"replicates over plates are nearer than others by {before:.3f} -> {after:.3f} in cosine", highlight=False)
        if after < before:
            console.print("that is less than before: score both tables (impasto evaluate replicates) before you use this one")
    console.print(
        f"{receipt['rows']} rows, {receipt['features']['before']} -> {receipt['features']['after']} features: {out}", highlight=False
    )


def inputs(settings: CorrectSettings) -> list[Path]:
    """The profiles, the fitted steps, and the weights of a run that a step applies."""
    applied = [Path(step["run"]) / "model.safetensors" for step in settings.steps if step.get("run")]
    return [settings.profiles, *([settings.fitted] if settings.fitted else []), *applied]


def beside(settings: CorrectSettings, out: Path) -> list[Path]:
    """What is written beside the corrected profiles."""
    return [receipt_path(out), *([fitted_path(out)] if settings.keep else [])]


VERB = Verb(settings=CorrectSettings, inputs=inputs, run=run, result="profiles.parquet", writes=PROFILES, beside=beside)
