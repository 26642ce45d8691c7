"""Correction steps in order: each is fitted on what the ones before it left, applied, and written down.

corrected, fitted, receipt = correct(profiles, ["select", "standardize", {"method": "sphering", "regulariser": 1.0}], spare=0.5)
later, _, _ = correct(new_plates, fitted=fitted)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd

from impasto import identity, schema
from impasto.correction import CORRECTORS, absent, by_plate, few_controls, kept, spared
from impasto.correction.base import Corrector
from impasto.correction.receipt import receipt
from impasto.dataset import Dataset
from impasto.frames import profiles_of
from impasto.progress import say
from impasto.sampling.settings import SplitSettings
from impasto.sampling.splits import with_controls
from impasto.scale.where import HERE, Where
from impasto.schema import InputError
from impasto.settings import Settings

Fitted = Corrector[Any]
Step = str | Mapping[str, Any] | Settings | type[Settings] | type[Fitted]
"""A method's name, a table with `method` and its settings, a method's settings or their class, or a class of your own."""


def correct(
    profiles: anndata.AnnData | pd.DataFrame,
    steps: Sequence[Step] = (),
    /,
    *,
    fitted: Path | str | Sequence[Fitted] | None = None,
    spare: spared.Share = 0.0,
    split: SplitSettings | Mapping[str, Any] | None = None,
    seed: int = 0,
) -> tuple[anndata.AnnData, list[Fitted], dict[str, Any]]:
    """Fit steps on profiles, or apply fitted ones, and say what they did.

    Parameters
    ----------
    profiles
        n rows, with the annotation that the steps need; a DataFrame with `Metadata_` columns does as well. They are not changed.
    steps
        The steps to fit, in order.
    fitted
        Instead of `steps`: correctors that were fitted before, or the folder that `kept.save` left. A plate, batch or source that
        they have not seen is learned from its own rows; everything shared stays as it was fitted.
    spare
        Share of each plate's negative controls that no step learns from, 0 to 1; they are marked in the column `spared`. `auto`: a half
        where a plate has sixteen, else none; a table with spared controls keeps them. What was spared is said.
    split
        What no step learns from, marked in the column `split`: `{"by": "perturbation", "test": 0.3}`.
    seed
        Of the choice of spared controls and of the split.

    Returns
    -------
    corrected : anndata.AnnData
        The same n rows; `identity.of` of them lists the steps.
    fitted : list[Fitted]
        The fitted correctors, in order.
    receipt : dict[str, Any]
        What was removed and what was left (see `receipt.receipt`).

    Raises
    ------
    InputError
        Where there are no steps, or both kinds, and where a step cannot be fitted or applied.

    """
    _refuse_both(steps, fitted)
    before = _marked(profiles_of(profiles, task="correct"), spare=spare, split=split, seed=seed)
    chosen = steps if fitted is None else _fitted(fitted)
    warned = _warned(before.obs, chosen)
    after, correctors, methods = apply(before, chosen)
    return after, correctors, receipt(before, after, methods=methods, seed=seed) | warned


def _refuse_both(steps: Sequence[Step], fitted: object) -> None:
    if bool(steps) == (fitted is not None):
        raise InputError("correct needs either steps to fit (--method) or a folder of fitted ones (--fitted), and not both")


def _warned(obs: pd.DataFrame, steps: Sequence[Step | Fitted]) -> dict[str, list[str]]:
    """What the receipt says of plates with few controls; it is said aloud too."""
    known = [
        (type(step), step.settings) if isinstance(step, Corrector) else settings_of(step, where=f"step {number}")
        for number, step in enumerate(steps, start=1)
    ]
    sentences = few_controls.warned(obs, known)
    for sentence in sentences:
        say(sentence)
    return {"warnings": sentences} if sentences else {}


def _marked(
    profiles: anndata.AnnData, *, spare: spared.Share, split: SplitSettings | Mapping[str, Any] | None, seed: int
) -> anndata.AnnData:
    """The profiles with what no step learns from marked in the columns `spared` and `split`."""
    before = spared.marked(profiles, share=spare, seed=seed)
    if split is not None:
        chosen = split if isinstance(split, SplitSettings) else SplitSettings.read(split, where="[stage.split]")
        before = before.copy()
        before.obs[schema.SPLIT] = with_controls(before, chosen, seed=seed)
    return before


def correct_dataset(
    source: Dataset,
    steps: Sequence[Step],
    out: Path,
    /,
    *,
    fitted: Path | str | Sequence[Fitted] | None = None,
    spare: spared.Share = 0.0,
    split: SplitSettings | Mapping[str, Any] | None = None,
    seed: int = 0,
    where: Where = HERE,
) -> tuple[list[Fitted], dict[str, Any]]:
    """`correct` of a folder of plates, in the memory of a few of them, to the same values.

    Parameters
    ----------
    source
        The plates.
    steps
        The steps to fit, in order: methods of the family by name, or their settings.
    out
        The folder to write.
    fitted, spare, split, seed
        As `correct` takes them.
    where
        Where the shards run.

    Returns
    -------
    fitted : list[Fitted]
        The fitted correctors, in order, without what they learned of single plates: that is learned again from each plate's own rows.
    receipt : dict[str, Any]
        What was removed and what was left.

    Raises
    ------
    InputError
        Where there are no steps, or both kinds, and where a step cannot be fitted or applied.

    """
    _refuse_both(steps, fitted)
    marked = _marked(anndata.AnnData(obs=source.obs), spare=spare, split=split, seed=seed)
    chosen = [settings_of(step, where=f"step {number}") for number, step in enumerate(steps, start=1)]
    known = () if fitted is None else _fitted(fitted)
    warned = _warned(marked.obs, known or steps)
    done = by_plate.correct_plates(
        source,
        chosen,
        out,
        fitted=known,
        marks=by_plate.marked(source, marked.obs),
        seed=seed,
        where=where,
    )
    return done.fitted, done.receipt | warned


def apply(profiles: anndata.AnnData, steps: Sequence[Step | Fitted], /) -> tuple[anndata.AnnData, list[Fitted], list[dict[str, Any]]]:
    """`correct` without a receipt: corrected profiles, fitted correctors, and the steps as they are written down.

    Groups that a step has not seen, because they are new or held out as a whole, are learned from their own rows.

    Parameters
    ----------
    profiles
        n rows; they are not changed.
    steps
        Steps to fit, or fitted correctors, in order.

    Returns
    -------
    after : anndata.AnnData
        The corrected profiles.
    correctors : list[Fitted]
        The fitted correctors, in order.
    methods : list[dict[str, Any]]
        Each step as it is written down.

    Raises
    ------
    InputError
        Where a step cannot be fitted or applied.

    """
    after, correctors, methods = absent.filled(profiles, steps), [], []
    for number, step in enumerate(steps, start=1):
        known = step if isinstance(step, Corrector) else _fit(step, after, number=number)
        corrector = known.extended(after)
        new = sorted(set(corrector.seen_in_fit()) - set(known.seen_in_fit()))
        after = corrector.transform(after)
        correctors.append(corrector)
        methods.append({"method": corrector.name, **corrector.settings.model_dump(mode="json"), **({"learned_anew": new} if new else {})})
        identity.record_step(after, methods[-1])
    return after, correctors, methods


def settings_of(step: Step, /, *, where: str = "correct") -> tuple[type[Fitted], Settings]:
    """The class of a step and its checked settings.

    Parameters
    ----------
    step
        Any kind of step.
    where
        The place, for error sentences.

    Returns
    -------
    kind : type[Fitted]
        The class of the corrector.
    settings : Settings
        Its settings, of the class `kind.settings_class`.

    Raises
    ------
    InputError
        Where the step names no method, or settings that it does not have.

    """
    if isinstance(step, str):
        kind = CORRECTORS[step]
        return kind, kind.settings_class()
    if isinstance(step, type) and issubclass(step, Corrector):
        return step, step.settings_class()
    if isinstance(step, type) and issubclass(step, Settings):
        return _corrector_of(step, where=where), step()
    if isinstance(step, Settings):
        return _corrector_of(type(step), where=where), step
    if not isinstance(step, Mapping):
        raise InputError(f"{where}: a step is a method's name, a table with the key 'method', or settings, and not {type(step).__name__}")
    if "method" not in step:
        raise InputError(f'{where}: the step names no method; add one, as method = "sphering"; allowed: {", ".join(CORRECTORS)}')
    kind = CORRECTORS.resolve(step["method"])
    rest = {key: _plain(value) for key, value in step.items() if key != "method"}
    return kind, kind.settings_class.read(rest, where=f"{where} ({kind.name})")


def _corrector_of(settings: type[Settings], *, where: str) -> type[Fitted]:
    """The one corrector, of the family or of your own, that takes settings of this class."""
    named: Any = settings.model_fields["method"].default if "method" in settings.model_fields else None
    if named in CORRECTORS and CORRECTORS[named].settings_class is settings:
        return CORRECTORS[named]
    takers = [kind for kind in _classes_below(Corrector) if getattr(kind, "settings_class", None) is settings]
    # A cell of a notebook that is run again makes its class anew: the newest is meant.
    newest = {(kind.__module__, kind.__qualname__): kind for kind in takers}
    if len(newest) == 1:
        return next(iter(newest.values()))
    why = f"several take them: {', '.join(kind.__name__ for kind in newest.values())}" if newest else "no correction method takes them"
    raise InputError(f"{where}: the settings {settings.__name__} do not say the method, for {why}; give {{'method': CLASS, ...}}")


def _classes_below(kind: Any) -> list[type[Fitted]]:
    return [inner for below in kind.__subclasses__() for inner in (below, *_classes_below(below))]


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _fit(step: Step, profiles: anndata.AnnData, *, number: int) -> Fitted:
    kind, settings = settings_of(step, where=f"step {number}")
    return kind.fit(profiles, settings)


def _fitted(fitted: Path | str | Sequence[Fitted]) -> Sequence[Fitted]:
    correctors = kept.load(Path(fitted)) if isinstance(fitted, str | Path) else fitted
    if not correctors:
        raise InputError("correct was given an empty list of fitted steps; fit some first, or leave some with --keep")
    return correctors
