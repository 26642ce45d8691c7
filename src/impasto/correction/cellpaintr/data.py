"""The wells CellPainTR learns from: values, sources, labels, groups of features; minibatches by stage; a score on held-out wells."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from impasto import profiles as tables
from impasto import ranking, schema, wells
from impasto.correction.cellpaintr import sources
from impasto.correction.cellpaintr.method import CellPaintr, CellPaintrSettings, Wells
from impasto.sampling import masks
from impasto.sampling.sources import mixed_sources, one_source
from impasto.schema import InputError
from impasto.training.method import Method

Rows = npt.NDArray[np.intp]
CONTROL = "negative control"


@dataclass(frozen=True)
class Labelled:
    """N wells.

    Attributes
    ----------
    values
        (N, L) float32, without missing ones.
    source
        (N,) codes of sources.
    label
        (N,) codes of labels.

    """

    values: npt.NDArray[np.float32]
    source: Rows
    label: Rows

    def part(self, rows: Rows, /) -> Labelled:
        """Some of the wells.

        Parameters
        ----------
        rows
            Their rows.

        Returns
        -------
        Labelled
            In the order of `rows`.

        """
        return Labelled(self.values[rows], self.source[rows], self.label[rows])


def without_missing(profiles: anndata.AnnData, /) -> tuple[npt.NDArray[np.float32], int]:
    """The values with 0 for missing and infinite ones.

    Parameters
    ----------
    profiles
        N profiles of L features.

    Returns
    -------
    values : npt.NDArray[np.float32]
        (N, L) of float32. All finite.
    missing : int
        How many values were set to 0.

    """
    values = tables.dense(profiles)
    missing = ~np.isfinite(values)
    return np.where(missing, np.float32(0), values), int(missing.sum())


def source_codes(obs: pd.DataFrame, facts: Mapping[str, Any], /) -> Rows:
    """The code of each row's source.

    Parameters
    ----------
    obs
        Annotation of n rows.
    facts
        Of the run: `by`, `source_keys` and `sources`.

    Returns
    -------
    Rows
        (n,) of int. The index of each row's source in `facts["sources"]`.

    Raises
    ------
    InputError
        A source is not among those that the model knows.

    """
    names = sources.names(obs, facts)
    strange = sorted(set(map(str, names)) - set(facts["sources"]))
    if strange:
        raise InputError(
            f"cellpaintr was trained on {facts['by']} {', '.join(map(repr, facts['sources']))}, not on {strange[0]!r}; add it with a train "
            "stage that has start = the run, only_new_sources = true and profiles of the new one"
        )
    return np.asarray(pd.Categorical(names, categories=list(facts["sources"])).codes, dtype=np.intp)


def labels(obs: pd.DataFrame, /) -> pd.Series:
    """The treatment of each row, at any dose.

    Parameters
    ----------
    obs
        Annotation of n rows, with the column `perturbation`.

    Returns
    -------
    pd.Series
        (n,) of string. The compound. All negative controls share one label. An unknown well has its own.

    Raises
    ------
    InputError
        The annotation has no perturbations.

    """
    wells.require(obs, [schema.PERTURBATION], task="cellpaintr")
    known = wells.compounds(obs).reset_index(drop=True).mask(wells.unknown(obs)).mask(wells.negative(obs), CONTROL)
    return known.fillna(pd.Series([f"row {i}" for i in range(len(known))], dtype="string"))


def feature_groups(var: pd.DataFrame, /, *, measures: bool) -> list[str]:
    """The group of each feature, named by channel and compartment.

    Parameters
    ----------
    var
        The `var` table of L features.
    measures
        Whether groups are split by measure (CellProfiler's module) too.

    Returns
    -------
    list[str]
        (L,) `compartment/channel` or `compartment/channel/group`.

    """
    parts = [schema.COMPARTMENT, schema.CHANNEL, *([schema.GROUP] if measures else [])]
    described = var if set(parts) <= set(var.columns) else tables.describe_features(list(var.index))
    return ["/".join(str(v) for v in row) for row in described[parts].itertuples(index=False)]


def lists_of(names: Sequence[str], /) -> list[list[int]]:
    """The positions of each distinct name.

    Parameters
    ----------
    names
        Names, with repeats.

    Returns
    -------
    list[list[int]]
        One list a distinct name, in order of name.

    """
    rows: dict[str, list[int]] = {}
    for i, name in enumerate(names):
        rows.setdefault(name, []).append(i)
    return [rows[name] for name in sorted(rows)]


class WellFeed:
    """Minibatches of labelled wells: in any order (cwmm), of one source (intra), of all sources (inter).

    Parameters
    ----------
    labelled
        N wells to learn from.
    groups
        (L,) the group of each feature.
    settings
        Of the stage.
    seed
        Of the order, the minibatches and the masks.

    """

    def __init__(self, labelled: Labelled, groups: npt.NDArray[np.intp], settings: CellPaintrSettings, *, seed: int) -> None:
        self.wells, self.groups, self.settings, self.seed = labelled, groups, settings, seed
        self._drawn: tuple[int, Sequence[Rows]] = (-1, ())

    def epoch(self, number: int, /) -> Sequence[Rows]:
        """The minibatches of an epoch.

        Parameters
        ----------
        number
            The epoch, from 0.

        Returns
        -------
        Sequence[Rows]
            The rows of each minibatch.

        """
        if number != self._drawn[0]:
            self._drawn = number, self._draw(number)
        return self._drawn[1]

    def _draw(self, number: int) -> Sequence[Rows]:
        s, seed = self.settings, [self.seed, number]
        if s.stage == "cwmm":
            order = np.random.default_rng(seed).permutation(len(self.wells.values))
            return np.array_split(order, max(1, len(order) // s.minibatch))
        draw = one_source if s.stage == "intra" else mixed_sources
        return draw(self.wells.source, self.wells.label, size=s.minibatch, hand=s.hand, seed=seed)

    def minibatch(self, rows: Rows, /, *, epoch: int) -> Wells:
        # What is hidden is drawn for the whole minibatch, so that ranks which share it hide what one process would.
        """The wells of a minibatch, or of this rank's share of one, with the values that are masked.

        Parameters
        ----------
        rows
            Rows of one minibatch of the epoch.
        epoch
            The epoch, from 0.

        Returns
        -------
        Wells
            The N wells, in the order of `rows`.

        """
        number, whole = next((n, m) for n, m in enumerate(self.epoch(epoch)) if rows[0] in m)
        hidden = hide(self.wells.part(whole), self.groups, self.settings, seed=[self.seed, epoch, number])
        own = self.wells.part(rows)
        masked = hidden[[int(np.flatnonzero(whole == row)[0]) for row in rows]]
        return Wells(*map(torch.as_tensor, (own.values, masked, own.source, own.label, np.asarray(rows))))


def hide(labelled: Labelled, groups: npt.NDArray[np.intp], settings: CellPaintrSettings, /, *, seed: list[int]) -> npt.NDArray[np.bool_]:
    """The values of a minibatch that are masked: one share for all, drawn from the range of the settings.

    Parameters
    ----------
    labelled
        N wells of L features.
    groups
        (L,) the group of each feature.
    settings
        Whose `masked` is the range of the share.
    seed
        Of the draw.

    Returns
    -------
    npt.NDArray[np.bool_]
        (N, L) of bool. True for a masked value.

    """
    low, high = settings.masked
    return masks.draw(labelled.values, groups, share=masks.share(low=low, high=high, seed=seed), seed=seed)


def in_parts(
    method: CellPaintr, labelled: Labelled, /, *, absent: npt.NDArray[np.bool_] | None = None, rows: int = 64
) -> npt.NDArray[np.float32]:
    """The CLS vector of each well, without gradient or dropout.

    Parameters
    ----------
    method
        The model.
    labelled
        N wells.
    absent
        (L,) True for the features that nobody measured, which are hidden as in stage cwmm; None: there are none.
    rows
        How many are computed at a time.

    Returns
    -------
    npt.NDArray[np.float32]
        (N, width) of float32. The vectors.

    """
    device = method.scale.device
    vectors: list[Tensor] = []
    with torch.no_grad():
        for start in range(0, len(labelled.values), rows):
            part = labelled.part(np.arange(start, min(start + rows, len(labelled.values))))
            values, source, label = map(torch.as_tensor, (part.values, part.source, part.label))
            hidden = torch.zeros_like(values, dtype=torch.bool) if absent is None else torch.as_tensor(absent).expand(len(values), -1)
            vectors.append(method.embed(Wells(values, hidden, source, label).to(device)).cpu())
    return torch.cat(vectors).numpy()


def score(
    validation: Labelled, groups: npt.NDArray[np.intp], settings: CellPaintrSettings, /, *, seed: int
) -> Callable[[Method], dict[str, float]]:
    """The validation of a stage. Stage cwmm scores minus the loss on one fixed mask. Later stages score the mAP of wells of one label, in
    stage inter across sources.

    Parameters
    ----------
    validation
        Held-out wells.
    groups
        (L,) the group of each feature.
    settings
        The settings of the stage.
    seed
        Of the fixed mask.

    Returns
    -------
    Callable[[Method], dict[str, float]]
        `score`, and in the later stages `chance`. It raises InputError where no held-out label has two wells to compare.

    """
    masked = hide(validation, groups, settings, seed=[seed])
    fixed = Wells(*map(torch.as_tensor, (validation.values, masked, validation.source, validation.label)))

    def reconstruction(method: Method) -> dict[str, float]:
        assert isinstance(method, CellPaintr)
        return {"score": -float(method(fixed.to(method.scale.device)).terms["masked_features"])}

    def retrieval(method: Method) -> dict[str, float]:
        assert isinstance(method, CellPaintr)
        unit = ranking.unit(in_parts(method, validation))
        similarity = unit @ unit.T
        precisions, chances = [], []
        for i in range(len(unit)):
            same = validation.label == validation.label[i]
            positive = same & ((validation.source != validation.source[i]) if settings.stage == "inter" else (np.arange(len(unit)) != i))
            if positive.any() and not same.all():
                precisions.append(ranking.average_precision(similarity[i, positive], similarity[i, ~same]))
                chances.append(ranking.chance_average_precision(int(positive.sum()), int((~same).sum())))
        if not precisions:
            raise InputError("cellpaintr: no held-out label has two wells to compare; hold out more, or set split.validation = 0")
        return {"score": float(np.mean(precisions)), "chance": float(np.mean(chances))}

    return reconstruction if settings.stage == "cwmm" else retrieval
