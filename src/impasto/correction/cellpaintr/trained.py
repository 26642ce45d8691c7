"""A trained CellPainTR: opened from a run's folder or built in memory; wells in, corrected profiles out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import anndata
import numpy as np
import numpy.typing as npt

from impasto import feature_names, progress
from impasto import profiles as tables
from impasto.correction import absent
from impasto.correction.cellpaintr import data
from impasto.correction.cellpaintr.method import CellPaintr, CellPaintrSettings
from impasto.schema import InputError
from impasto.training import checkpoint
from impasto.training.earlier import Earlier


def read(folder: Path, /) -> Earlier:
    """A run that `impasto train` left.

    Parameters
    ----------
    folder
        The folder of the run.

    Returns
    -------
    Earlier
        Its settings, facts and weights.

    Raises
    ------
    InputError
        The folder holds no run of this method.

    """
    run = Earlier.read(folder)
    if run.method["name"] != "cellpaintr":
        raise InputError(f"{folder} holds a {run.method['name']} model; correction needs a cellpaintr run")
    return run


def rebuild(settings: CellPaintrSettings, facts: dict[str, Any], /) -> CellPaintr:
    """The method of a run, with untrained weights.

    Parameters
    ----------
    settings
        The settings of the method.
    facts
        What model.json remembers of the data.

    Returns
    -------
    CellPaintr
        The model.

    """
    codes = {name: code for code, name in enumerate(sorted(set(facts["groups"])))}
    # Without lists of groups each feature is a token, in the order of the features.
    lists = data.lists_of(facts["tokens"]) if settings.tokens == "group" else [[i] for i in range(len(facts["features"]))]
    return CellPaintr(settings, lists=lists, groups=[codes[name] for name in facts["groups"]], sources=facts["sources"])


LOOKED_AT = 256
"""Wells by which the share of the source is measured."""


@dataclass(frozen=True)
class Trained:
    """One trained model.

    Attributes
    ----------
    method
        The method with its weights.
    facts
        The facts of its run.

    """

    method: CellPaintr
    facts: dict[str, Any]

    @property
    def form(self) -> str:
        """In which form the net reads the source."""
        return self.method.settings.source

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Open a run that `impasto train` left.

        Parameters
        ----------
        folder
            The folder of the run.

        Returns
        -------
        Self
            With its weights, ready to correct.

        Raises
        ------
        InputError
            The folder holds no run of this method.

        """
        run = read(folder)
        return cls.rebuilt(run.method, run.facts, run.weights, where=str(folder))

    @classmethod
    def rebuilt(cls, settings: dict[str, Any], facts: dict[str, Any], weights: dict[str, Any], *, where: str) -> Self:
        """Put a model together from what is remembered of it.

        Parameters
        ----------
        settings
            The settings of the method.
        facts
            The facts of the run.
        weights
            The weights by name.
        where
            The place, for error sentences.

        Returns
        -------
        Self
            With its weights, ready to correct.

        Raises
        ------
        InputError
            The weights do not fit the settings.

        """
        method = rebuild(CellPaintrSettings.read(settings, where=where), facts)
        checkpoint.put(method, weights, where=where)
        method.requires_grad_(False)
        return cls(method.eval(), facts)

    def wells(self, profiles: anndata.AnnData, /) -> data.Labelled:
        """The profiles as this model reads them: its features, in its order, zeros for missing values, codes of sources.

        Parameters
        ----------
        profiles
            N profiles.

        Returns
        -------
        data.Labelled
            N wells of L features, all with label 0.

        Raises
        ------
        InputError
            A source is not known, or the profiles have none of the features.

        """
        whole, _ = absent.with_all(profiles, self.facts["features"], reader="cellpaintr")
        values, _ = data.without_missing(tables.with_features(whole, self.facts["features"]))
        return data.Labelled(values, data.source_codes(profiles.obs, self.facts), np.zeros(len(values), np.intp))

    def hidden(self, profiles: anndata.AnnData, /) -> npt.NDArray[np.bool_]:
        """The features that these profiles lack: they are read as hidden, as in the first stage of training.

        Parameters
        ----------
        profiles
            N profiles.

        Returns
        -------
        npt.NDArray[np.bool_]
            (L,) True where nobody measured the feature.

        """
        lacking = absent.names(profiles) | (set(self.facts["features"]) - set(profiles.var_names))
        return np.array([name in lacking for name in self.facts["features"]], dtype=bool)

    def vectors(self, profiles: anndata.AnnData, /) -> npt.NDArray[np.float32]:
        """The CLS vector of each row.

        Parameters
        ----------
        profiles
            N profiles.

        Returns
        -------
        npt.NDArray[np.float32]
            (N, width) of float32. The vectors.

        """
        return data.in_parts(self.method, self.wells(profiles), absent=self.hidden(profiles))

    def source_share(self, profiles: anndata.AnnData, /) -> float | None:
        """How much of the variance of CLS the source explains, when each well is read as of every source.

        Parameters
        ----------
        profiles
            N profiles; `LOOKED_AT` of them, evenly taken, are looked at.

        Returns
        -------
        float | None
            From 0, where the source changes nothing, to 1; None for a model of one source.

        """
        count = len(self.facts["sources"])
        if count < 2 or profiles.n_obs < 2:
            return None
        chosen = np.unique(np.linspace(0, profiles.n_obs - 1, min(LOOKED_AT, profiles.n_obs)).round().astype(int))
        some = profiles[chosen].copy()
        read, lacking = self.wells(some), self.hidden(some)
        moved = [replace(read, source=np.full(len(read.values), code, np.intp)) for code in range(count)]
        vectors = np.stack([data.in_parts(self.method, one, absent=lacking) for one in moved]).astype(np.float64)
        whole = vectors.reshape(-1, vectors.shape[2]).var(axis=0).sum()
        return float(vectors.var(axis=0).mean(axis=0).sum() / whole) if whole > 0 else 0.0

    def correct(self, profiles: anndata.AnnData, /) -> anndata.AnnData:
        """Correct profiles.

        Parameters
        ----------
        profiles
            N profiles.

        Returns
        -------
        anndata.AnnData
            The same N rows, the CLS vector (width) as features.

        """
        lacking = int(self.hidden(profiles).sum())
        if lacking:
            absent.say(lacking, len(self.facts["features"]), reader="cellpaintr")
        if (share := self.source_share(profiles)) is not None:
            progress.say(f"cellpaintr: the {self.facts['by']} explains {share:.1%} of the variance of CLS (source = {self.form!r})")
        vectors = self.vectors(profiles)
        var = tables.describe_features(feature_names.embedding_names("", vectors.shape[1]))
        return anndata.AnnData(X=vectors, obs=profiles.obs.copy(), var=var, uns=dict(profiles.uns))
