"""`impasto correct PROFILES --method NAME --out PROFILES`: take the plate out, leave the biology in, and show the receipt."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import Field

from impasto.recipe import PROFILES, Verb
from impasto.schema import InputError
from impasto.settings import Settings, parse_set

if TYPE_CHECKING:
    import anndata

    from impasto.correction.fitted import Corrector


class CorrectSettings(Settings):
    """The steps, applied in order; each is a table with `method` and that method's own settings."""

    profiles: Path
    steps: list[dict[str, Any]] = Field(default_factory=list)
    fitted: Path | None = None
    """A folder of steps that were fitted before (`keep`): applied as they are. A plate they have not met brings its own centre,
    shift or scale, learned from its own rows; what all plates share stays."""
    keep: bool = False
    """Leave the fitted steps beside the result, at `<out>.fitted`."""
    spare: float = 0.0
    """Share of each plate's negative controls that no step learns from, marked `spared`, for scoring: controls that a whitening
    was fitted on lie more regularly than any new well, so a score against them is not honest."""
    split: dict[str, Any] | None = None
    """What no step learns from, for scoring: `{by = "perturbation", test = 0.3}` marks these in the column `split`. Held-out plates,
    batches or sources are then met by their own rows."""
    seed: int = 0


def run(settings: CorrectSettings, out: Path) -> None:
    """Write the corrected profiles at `out`, `<out>.receipt.json`, and where asked the fitted steps at `<out>.fitted`."""
    from impasto import profiles as tables
    from impasto import runs, schema
    from impasto.correction import kept
    from impasto.correction.receipt import receipt
    from impasto.correction.spared import spare_controls, without_spared
    from impasto.sampling.splits import SplitSettings, with_controls

    if bool(settings.steps) == bool(settings.fitted):
        raise InputError("correct needs either steps to fit (--method) or a folder of fitted ones (--fitted), and not both")

    before = tables.read(settings.profiles)
    if settings.spare:
        before = spare_controls(before, share=settings.spare, seed=settings.seed)
    if settings.split is not None:
        chosen = SplitSettings.read(settings.split, where="[stage.split]")
        before = before.copy()
        before.obs[schema.SPLIT] = with_controls(before, chosen, seed=settings.seed)
    after = before
    steps: list[Corrector] = []
    told: list[dict[str, Any]] = []
    before_now = kept.load(settings.fitted) if settings.fitted else []
    for number in range(len(before_now or settings.steps)):
        seen, whole = without_spared(after), without_spared(after, held_out=False)
        known = before_now[number] if before_now else _fit(settings.steps[number], seen, number=number + 1)
        fitted = known.extended(whole)
        new = sorted(set(fitted.met()) - set(known.met()))
        after = fitted.transform(after)
        steps.append(fitted)
        told.append({"method": fitted.name, **fitted.settings.model_dump(mode="json"), **({"learned_anew": new} if new else {})})
    after.uns["correction"] = told
    if settings.keep:
        kept.save(fitted_path(out), steps)
    tables.write(after, out)
    runs.write_json(receipt_path(out), receipt(before, after, methods=told))


def _fit(step: dict[str, Any], profiles: anndata.AnnData, *, number: int) -> Corrector:
    from impasto import correction

    kind = correction.corrector(str(step.get("method")))
    chosen = kind.settings_class.read({k: v for k, v in step.items() if k != "method"}, where=f"step {number} ({kind.name})")
    return kind.fit(profiles, chosen)


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
        typer.Option(metavar="DIR", help="Instead of --method: apply what --keep left; a new plate is met by its own rows."),
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

    from impasto import correction
    from impasto import recipe as recipes

    given = parse_set(changes or [])
    methods = method or []
    steps = []
    for name in methods:
        known = correction.corrector(name).settings_class.model_fields
        step: dict[str, Any] = {"method": name, **({"by": by} if by and "by" in known else {})}
        step |= {k: v for k, v in given.items() if k not in methods and (k in known or len(methods) == 1)}
        steps.append({**step, **given.get(name, {})})
    chosen = {"profiles": profiles, "steps": steps, "fitted": fitted, "keep": keep, "spare": spare, "seed": seed}
    settings = CorrectSettings.read(chosen, where="impasto correct")
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

    for step in told["methods"]:
        if step.get("learned_anew"):
            console.print(f"{step['method']} met {', '.join(step['learned_anew'])} for the first time, by their own rows", highlight=False)
    rows = [{"variance explained by": name, "before": v["before"], "after": v["after"]} for name, v in told["explained"].items()]
    console.print(f"[bold]{' -> '.join(m['method'] for m in told['methods'])}[/bold]", highlight=False)
    table(rows, title="", as_json=False)
    before, after = (told["signal"][when] for when in ("before", "after"))
    # Neither is known where no perturbation stands on two plates.
    if before is not None and after is not None:
        console.print(f"replicates over plates are nearer than others by {before:.3f} -> {after:.3f} in cosine", highlight=False)
        if after < before:
            console.print("that is less than before: score both tables (impasto evaluate replicates) before you use this one")
    console.print(f"{told['rows']} rows, {told['features']['before']} -> {told['features']['after']} features: {out}", highlight=False)


def inputs(settings: CorrectSettings) -> list[Path]:
    """The profiles, the fitted steps, and the weights of a run that a step applies."""
    applied = [Path(step["run"]) / "model.safetensors" for step in settings.steps if step.get("run")]
    return [settings.profiles, *([settings.fitted] if settings.fitted else []), *applied]


def beside(settings: CorrectSettings, out: Path) -> list[Path]:
    """What is written beside the corrected profiles."""
    return [receipt_path(out), *([fitted_path(out)] if settings.keep else [])]


VERB = Verb(settings=CorrectSettings, inputs=inputs, run=run, result="profiles.parquet", writes=PROFILES, beside=beside)
