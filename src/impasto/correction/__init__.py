"""Profiles -> corrected profiles. Each corrector is one file: an equation and its settings; `base` and `per_group` hold the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from impasto.families import Family

if TYPE_CHECKING:
    from impasto.correction.base import Corrector

CORRECTORS: Family[type[Corrector[Any]]] = Family(
    "correctors",
    what="correction method",
    parts={
        "cellpaintr": "impasto.correction.cellpaintr.corrector:CellPaintrCorrector",
        "arm": "impasto.correction.arm:Arm",
        "clip": "impasto.correction.clip:Clip",
        "combat": "impasto.correction.combat:Combat",
        "compress": "impasto.correction.compress:Compress",
        "harmony": "impasto.correction.harmony:Harmony",
        "inverse_normal": "impasto.correction.inverse_normal:InverseNormal",
        "kernel_pca": "impasto.correction.kernel_pca:KernelPca",
        "position": "impasto.correction.position:Position",
        "scanorama": "impasto.correction.scanorama:Scanorama",
        "scvi": "impasto.correction.scvi:Scvi",
        "select": "impasto.correction.select:Select",
        "sphering": "impasto.correction.sphering:Sphering",
        "standardize": "impasto.correction.standardize:Standardize",
        "tvn": "impasto.correction.tvn:Tvn",
    },
)
"""Name of a correction method -> its class, with those of plugins (entry points `impasto.correctors`)."""
