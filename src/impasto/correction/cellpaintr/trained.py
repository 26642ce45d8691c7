"""A trained CellPainTR: opened from a run's folder or built in memory; wells in, corrected profiles out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import anndata
import numpy as np
import numpy.typing as npt

from impasto import feature_names
from impasto import profiles as tables
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
            A feature is missing, or a source is not known.

        """
        values, _ = data.without_missing(tables.with_features(profiles, self.facts["features"]))
        return data.Labelled(values, data.source_codes(profiles.obs, self.facts), np.zeros(len(values), np.intp))

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
        return data.in_parts(self.method, self.wells(profiles))

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
        vectors = self.vectors(profiles)
        var = tables.describe_features(feature_names.embedding_names("", vectors.shape[1]))
        return anndata.AnnData(X=vectors, obs=profiles.obs.copy(), var=var, uns=dict(profiles.uns))
