"""`impasto correct PROFILES --method NAME --out PROFILES`: take the plate out, leave the biology in, and show the receipt."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from impasto.recipe import Verb
from impasto.settings import Settings, parse_set


class CorrectSettings(Settings):
    """The steps, applied in order; each is a table with `method` and that method's own settings."""

    profiles: Path
    steps: list[dict[str, Any]]
    spare: float = 0.0
    """Share of each plate's negative controls that no step learns from, marked `spared`, for scoring: controls that a whitening
    was fitted on lie more regularly than any new well, so a score against them is not honest."""
    seed: int = 0


def run(settings: CorrectSettings, out: Path) -> None:
    """Write the corrected profiles at `out`, and `<out>.receipt.json`."""
    from impasto import correction, runs
    from impasto import profiles as tables
    from impasto.correction.receipt import receipt
    from impasto.correction.spared import spare_controls, without_spared

    before = tables.read(settings.profiles)
    if settings.spare:
        before = spare_controls(before, share=settings.spare, seed=settings.seed)
    after = before
    told: list[dict[str, Any]] = []
    for number, step in enumerate(settings.steps, start=1):
        kind = correction.corrector(str(step.get("method")))
        chosen = kind.settings_class.read({k: v for k, v in step.items() if k != "method"}, where=f"step {number} ({kind.name})")
        after = kind.fit(without_spared(after), chosen).transform(after)
        told.append({"method": kind.name, **chosen.model_dump(mode="json")})
    after.uns["correction"] = told
    tables.write(after, out)
    runs.write_json(receipt_path(out), receipt(before, after, methods=told))


def receipt_path(out: Path) -> Path:
    """Where the receipt of corrected profiles is kept."""
    return out.with_name(out.name + ".receipt.json")


def command(
    profiles: Annotated[Path, typer.Argument(metavar="PROFILES", help="Profiles of wells or sites.")],
    method: Annotated[
        list[str],
        typer.Option(help="standardize, select, clip, sphering, tvn, combat, position or inverse_normal; several are applied in order."),
    ],
    out: Annotated[Path, typer.Option(help="Where to write: .parquet, .h5ad or .zarr.")],
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

    Example: `impasto correct profiles.parquet --method select --method standardize --method clip --method sphering --out corrected.parquet`
    """
    import json
    import sys

    from impasto import correction
    from impasto import recipe as recipes

    given = parse_set(changes or [])
    steps = []
    for name in method:
        known = correction.corrector(name).settings_class.model_fields
        step: dict[str, Any] = {"method": name, **({"by": by} if by and "by" in known else {})}
        step |= {k: v for k, v in given.items() if k not in method and (k in known or len(method) == 1)}
        steps.append({**step, **given.get(name, {})})
    settings = CorrectSettings.read({"profiles": profiles, "steps": steps, "spare": spare, "seed": seed}, where="impasto correct")
    recipes.execute("correct", settings, out=out)
    told = json.loads(receipt_path(out).read_text())
    if as_json:
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
        return
    show(told, out)


def show(told: dict[str, Any], out: Path) -> None:
    """Print a receipt."""
    from impasto.verbs.terminal import console
    from impasto.verbs.terminal import show as table

    rows = [{"variance explained by": name, "before": v["before"], "after": v["after"]} for name, v in told["explained"].items()]
    rows.append(
        {"variance explained by": "replicate signal (cosine)", "before": told["signal"]["before"], "after": told["signal"]["after"]}
    )
    table(rows, title=" -> ".join(m["method"] for m in told["methods"]), as_json=False)
    console.print(f"{told['rows']} rows, {told['features']['before']} -> {told['features']['after']} features: {out}", highlight=False)


VERB = Verb(settings=CorrectSettings, inputs=lambda s: [s.profiles], run=run, result="profiles.parquet")
