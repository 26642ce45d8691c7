"""CellPainTR for `impasto train`: the method with its data, alone or starting from an earlier run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from impasto import feature_names, identity, runs, schema, wells
from impasto import profiles as tables
from impasto.correction.cellpaintr import sources
from impasto.correction.cellpaintr.data import Labelled, WellFeed, feature_groups, labels, score, source_codes, without_missing
from impasto.correction.cellpaintr.method import CellPaintr, CellPaintrSettings, token_name
from impasto.correction.cellpaintr.trained import Trained, rebuild
from impasto.sampling import splits
from impasto.schema import InputError
from impasto.training.earlier import Earlier
from impasto.training.method import Prepared, Trainable


def prepare(settings: CellPaintrSettings, profiles: anndata.AnnData, /, *, seed: int) -> Prepared:
    """The method with its data.

    Parameters
    ----------
    settings
        The settings of the stage.
    profiles
        Profiles of wells, normalised within plates, with a perturbation and a source column.
    seed
        Of the weights, the split and the minibatches.

    Returns
    -------
    Prepared
        Ready to train.

    Raises
    ------
    InputError
        Nothing is left to train on, or `only_new_sources` is set.

    """
    if settings.only_new_sources:
        raise InputError("cellpaintr: only_new_sources needs a run that knows other sources; give the stage start = RUN")
    return _prepare(settings, profiles, None, seed=seed)


def prepare_from(settings: CellPaintrSettings, profiles: anndata.AnnData, earlier: Earlier, /, *, seed: int) -> Prepared:
    """The method with the features and sources of an earlier run, and with those sources that are new.

    Parameters
    ----------
    settings
        The settings of the stage.
    profiles
        Profiles of wells with the features of the earlier run.
    earlier
        The run to start from.
    seed
        Of the split and the minibatches.

    Returns
    -------
    Prepared
        Ready to train.

    Raises
    ------
    InputError
        Features are missing, or sources are new and `only_new_sources` is not set.

    """
    return _prepare(settings, tables.with_features(profiles, earlier.facts["features"]), earlier, seed=seed)


def embed(run: Path, profiles: anndata.AnnData, /) -> anndata.AnnData:
    """Correct profiles with a run of this method: what `impasto embed` gives.

    Parameters
    ----------
    run
        The folder of the run.
    profiles
        n rows.

    Returns
    -------
    anndata.AnnData
        The n rows, corrected.

    Raises
    ------
    InputError
        Another encoder or correction made the profiles than those the run was trained on, they lack features, or hold a source that the
        run does not know.

    """
    identity.check(Earlier.read(run).identity, identity.of(profiles), of_expected=f"the run {run}", of_given="the profiles")
    corrected = Trained.load(run).correct(profiles)
    identity.record_run(corrected, run, runs.digest(run / "model.safetensors"), read=identity.of(profiles))
    return corrected


def _prepare(settings: CellPaintrSettings, profiles: anndata.AnnData, earlier: Earlier | None, /, *, seed: int) -> Prepared:
    by = sources.column(profiles.obs, earlier.facts["by"] if earlier and settings.by == sources.AUTO else settings.by)
    wells.require(profiles.obs, [by], task="cellpaintr")
    named_by = {"by": by, "source_keys": wells.keys_of_group(profiles.obs, by)}
    if earlier:
        named_by["source_keys"] = earlier.facts.get("source_keys", [earlier.facts["by"]])
    # Held-out wells stay: they are not trained on, and validate.
    profiles = profiles[~wells.empty(profiles.obs) & ~wells.spared(profiles.obs)].copy()
    if profiles.n_obs < 2:
        raise InputError(f"cellpaintr: {profiles.n_obs} wells are left to learn from, after empty wells and spared controls")
    parts = (
        profiles.obs[schema.SPLIT].astype(str).to_numpy()
        if schema.SPLIT in profiles.obs
        else splits.with_controls(profiles, settings.split, seed=seed)
    )
    known = list(earlier.facts["sources"]) if earlier else []
    new = sorted({str(name) for name in sources.names(profiles.obs, named_by)} - set(known))
    if earlier and new and not settings.only_new_sources:
        raise InputError(f"cellpaintr: {by} {new[0]!r} is new to {earlier.folder}; add it alone first, with only_new_sources = true")
    values, missing = without_missing(profiles)
    facts: dict[str, Any] = {
        "features": list(profiles.var_names),
        **named_by,
        "sources": known + new,
        "groups": feature_groups(profiles.var, measures=False),
        "tokens": feature_groups(profiles.var, measures=True) if settings.tokens == "group" else list(profiles.var_names),
        "missing_values_set_to_zero": missing,
        "features_of_unknown_name": [n for n in profiles.var_names if not feature_names.parse(n).known],
        "split": _names(profiles.obs, parts),
    }
    if earlier:
        facts |= {name: earlier.facts[name] for name in ("groups", "tokens")}
    torch.manual_seed(seed)
    method = rebuild(settings, facts)
    labelled = Labelled(values, source_codes(profiles.obs, facts), np.asarray(pd.factorize(labels(profiles.obs))[0], dtype=np.intp))
    training, validation = (labelled.part(np.flatnonzero(parts == part)) for part in (wells.TRAIN, wells.VALIDATION))
    if len(training.values) < 2:
        raise InputError(f"cellpaintr: {len(training.values)} wells are in the training part; hold out less")
    measure(method, training.values)
    _freeze(method, settings, new, earlier)
    groups = method.groups.numpy()
    validate = score(validation, groups, settings, seed=seed) if len(validation.values) else None
    fresh = tuple(f"sources.{token_name(s)}" for s in new) if earlier else ()
    return Prepared(
        method, WellFeed(training, groups, settings, seed=seed), validate, facts, fresh, units=profiles.obs[parts == wells.TRAIN]
    )


def measure(method: CellPaintr, values: npt.NDArray[np.float32], /) -> None:
    """Set the clipping limits and the scale of each feature. Those of an earlier run replace them later.

    Parameters
    ----------
    method
        The model, which is changed.
    values
        (N, L) of the training wells.

    """
    s = method.settings
    # Values that were seen, inside the quantiles: with few wells an interpolated limit would follow the outlier it must cut.
    low = np.quantile(values, s.quantile, axis=0, method="higher")
    high = np.quantile(values, 1 - s.quantile, axis=0, method="lower")
    method.low.copy_(torch.as_tensor(low))
    method.high.copy_(torch.as_tensor(high))
    if s.unit_scale:
        size = np.sqrt(np.mean(np.square(np.clip(values, low, high), dtype=np.float64), axis=0))
        method.scale.copy_(torch.as_tensor(np.where(size > 1e-6, size, 1.0)))


def _freeze(method: CellPaintr, settings: CellPaintrSettings, new: list[str], earlier: Earlier | None) -> None:
    if settings.stage == "cwmm":
        method.sources.requires_grad_(False)
    if earlier and new:
        # A new laboratory begins in the middle of those that are known.
        middle = torch.stack([earlier.weights[f"sources.{token_name(s)}"] for s in earlier.facts["sources"]]).mean(dim=0)
        for source in new:
            method.sources[token_name(source)].data.copy_(middle)
    if settings.only_new_sources:
        if not new:
            raise InputError("cellpaintr: only_new_sources is set, and the profiles hold no source that the earlier run does not know")
        if settings.stage == "cwmm":
            raise InputError("cellpaintr: stage cwmm trains no source tokens; add sources in stage intra or inter")
        moving = {token_name(s) for s in new}
        for name, weight in method.named_parameters():
            weight.requires_grad_(name.removeprefix("sources.") in moving)


def _names(obs: pd.DataFrame, parts: npt.NDArray[np.str_]) -> dict[str, list[str]]:
    what = obs[schema.PERTURBATION].astype(str).to_numpy() if schema.PERTURBATION in obs else np.array([""] * len(obs))
    return {part: sorted(set(what[parts == part])) for part in wells.PARTS}


METHOD = Trainable(CellPaintrSettings, prepare, reads="profiles", prepare_from=prepare_from, embed=embed)
"""What `name = "cellpaintr"` in `[stage.method]` of a recipe means."""
