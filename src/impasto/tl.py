"""Tools, as scanpy's users expect them: `impasto.tl.NAME(profiles, ...)`.

One function a task, those of plugins included, each returning one `Result`; and `pca`, `neighbours`, `umap` and `explain`. Every function
takes Profiles or a DataFrame with `Metadata_` columns, and does what its verb does.
"""

from __future__ import annotations

from collections.abc import Callable

import anndata
import numpy as np

from impasto import ranking, wells
from impasto.evaluation import TASKS, inputs
from impasto.evaluation.arms import evaluate as arms
from impasto.evaluation.compound_gene import evaluate as compound_gene
from impasto.evaluation.conservation import evaluate as conservation
from impasto.evaluation.cross_modal import evaluate as cross_modal
from impasto.evaluation.differential_features import evaluate as differential_features
from impasto.evaluation.distributions import evaluate as distributions
from impasto.evaluation.explain import Explanation, explain
from impasto.evaluation.grit import evaluate as grit
from impasto.evaluation.guides import evaluate as guides
from impasto.evaluation.hits import evaluate as hits
from impasto.evaluation.inputs import Table
from impasto.evaluation.maps import nearest as neighbours
from impasto.evaluation.maps import pca, written_to
from impasto.evaluation.mechanism import evaluate as mechanism
from impasto.evaluation.mixing import evaluate as mixing
from impasto.evaluation.percent_replicating import evaluate as percent_replicating
from impasto.evaluation.power import evaluate as power
from impasto.evaluation.relations import evaluate as relations
from impasto.evaluation.replicates import evaluate as replicates
from impasto.evaluation.result import Result
from impasto.evaluation.saturation import evaluate as saturation
from impasto.evaluation.shortcuts import evaluate as shortcuts
from impasto.evaluation.sisters import evaluate as sisters
from impasto.evaluation.subpopulations import evaluate as subpopulations
from impasto.evaluation.transfer import evaluate as transfer
from impasto.schema import InputError, nearest

__all__ = [
    "Explanation",
    "Result",
    "arms",
    "compound_gene",
    "conservation",
    "cross_modal",
    "differential_features",
    "distributions",
    "explain",
    "grit",
    "guides",
    "hits",
    "mechanism",
    "mixing",
    "neighbours",
    "pca",
    "percent_replicating",
    "power",
    "relations",
    "replicates",
    "saturation",
    "shortcuts",
    "sisters",
    "subpopulations",
    "transfer",
    "umap",
]


def __getattr__(name: str) -> Callable[..., Result]:
    """A task that has no line here: of a plugin, or added in Python."""
    task = name.replace("_", "-")
    if task not in TASKS:
        raise AttributeError(f"impasto.tl has no {name!r}{nearest(name, __dir__())}; it has {', '.join(__dir__())}")
    return TASKS[task]


def __dir__() -> list[str]:
    return sorted({*__all__, *(task.replace("-", "_") for task in TASKS)})


def umap(profiles: Table, /, *, k: int = 15, min_distance: float = 0.1, seed: int = 0, copy: bool = False) -> anndata.AnnData | None:
    """A flat map by UMAP, by cosine.

    Parameters
    ----------
    profiles
        n rows.
    k
        Neighbours of a row.
    min_distance
        How close two points of the map may lie.
    seed
        Of the map; the same seed gives the same map.
    copy
        Whether a copy is returned instead of writing to `profiles`. A DataFrame always gives new Profiles.

    Returns
    -------
    anndata.AnnData | None
        The copy, with `copy`. Written: `obsm["X_umap"]` (n, 2), `uns["umap"]` (its settings).

    Raises
    ------
    InputError
        umap-learn is not installed, or there are fewer than four rows.

    """
    from impasto.atlas import layout

    if not layout.has_umap():
        raise InputError("umap needs the package umap-learn, which is not installed; install it: pip install 'impasto[plots]'")
    ours = inputs.as_profiles(profiles, task="umap", joint=True)
    if ours.n_obs < 4:
        raise InputError(f"umap needs four rows or more, and the table has {ours.n_obs}")
    flat = layout.by_umap(ranking.unit(wells.finite(ours, task="umap")), seed=seed, k=k, min_distance=min_distance)
    target = written_to(profiles, ours, copy=copy)
    target.obsm["X_umap"] = np.asarray(flat, dtype=np.float32)
    target.uns["umap"] = {"params": {"n_neighbors": k, "min_dist": min_distance, "metric": "cosine", "random_state": seed}}
    return None if target is profiles else target
