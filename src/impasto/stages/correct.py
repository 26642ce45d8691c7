"""Profiles without their plates: the steps, fitted and applied in order, and the receipt."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from impasto import correction
from impasto.sampling.settings import SplitSettings
from impasto.schema import InputError
from impasto.settings import OneOf, Part, Settings, Shown
from impasto.stages.base import Verb

if TYPE_CHECKING:
    import anndata

    from impasto.correction.fitted import Corrector


def step_settings(method: str) -> type[Settings]:
    """The settings of a correction method."""
    return correction.corrector(method).settings_class


class CorrectSettings(Settings):
    """The steps, applied in order; each is a table with `method` and that method's own settings."""

    profiles: Annotated[Path, Shown("argument", metavar="PROFILES")] = Field(description="Profiles of wells or sites.")
    steps: list[Annotated[Part, OneOf("method", step_settings)]] = Field(default_factory=list)
    fitted: Annotated[Path | None, Shown(metavar="DIR")] = Field(
        default=None,
        description="Instead of --method: apply the steps that --keep left. A new plate brings its own centre, shift or scale, learned "
        "from its own rows; what all plates share stays as fitted.",
    )
    keep: bool = Field(default=False, description="Leave the fitted steps at OUT.fitted, for plates to come.")
    spare: float = Field(
        default=0.0,
        ge=0,
        le=0.9,
        description="Share of each plate's negative controls that no step learns from, to score against.",
    )
    split: SplitSettings | None = Field(
        default=None, description="What no step learns from: {by = 'perturbation', test = 0.3} marks these in the column split."
    )
    seed: int = Field(default=0, description="Of the choice of spared controls.")


def run(settings: CorrectSettings, out: Path) -> None:
    """Write the corrected profiles at `out`, `<out>.receipt.json`, and where asked the fitted steps at `<out>.fitted`."""
    from impasto import identity, runs, schema
    from impasto import profiles as tables
    from impasto.correction import kept
    from impasto.correction.receipt import receipt
    from impasto.correction.spared import spare_controls, without_spared
    from impasto.sampling.splits import with_controls

    if bool(settings.steps) == bool(settings.fitted):
        raise InputError("correct needs either steps to fit (--method) or a folder of fitted ones (--fitted), and not both")

    before = tables.read(settings.profiles)
    if settings.spare:
        before = spare_controls(before, share=settings.spare, seed=settings.seed)
    if settings.split is not None:
        before = before.copy()
        before.obs[schema.SPLIT] = with_controls(before, settings.split, seed=settings.seed)
    made = identity.of(before)
    if settings.fitted:
        identity.check(identity.kept(settings.fitted), made, of_expected=f"the fitted steps {settings.fitted}", of_given="the profiles")
    after = before
    steps: list[Corrector] = []
    told: list[dict[str, Any]] = []
    before_now = kept.load(settings.fitted) if settings.fitted else []
    for number in range(len(before_now or settings.steps)):
        seen, whole = without_spared(after), without_spared(after, held_out=False)
        known = before_now[number] if before_now else _fitted(settings.steps[number], seen)
        fitted = known.extended(whole)
        new = sorted(set(fitted.met()) - set(known.met()))
        after = fitted.transform(after)
        steps.append(fitted)
        told.append({"method": fitted.name, **fitted.settings.model_dump(mode="json"), **({"learned_anew": new} if new else {})})
        identity.record_step(after, told[-1])
    if settings.keep:
        kept.save(fitted_path(out), steps)
        identity.keep(fitted_path(out), made)
    tables.write(after, out)
    runs.write_json(receipt_path(out), receipt(before, after, methods=told))


def _fitted(step: Part, profiles: anndata.AnnData) -> Corrector:
    return correction.corrector(step.name).fit(profiles, step.settings)


def fitted_path(out: Path) -> Path:
    """Where the fitted steps of corrected profiles are kept."""
    return out.with_name(out.name + ".fitted")


def receipt_path(out: Path) -> Path:
    """Where the receipt of corrected profiles is kept."""
    return out.with_name(out.name + ".receipt.json")


def inputs(settings: CorrectSettings) -> list[Path]:
    """The profiles, the fitted steps, and the weights of a run that a step applies."""
    runs = [run for step in settings.steps if (run := getattr(step.settings, "run", None)) is not None]
    applied = [Path(run) / "model.safetensors" for run in runs]
    return [settings.profiles, *([settings.fitted] if settings.fitted else []), *applied]


VERB = Verb(settings=CorrectSettings, inputs=inputs, run=run, result="profiles.parquet")
