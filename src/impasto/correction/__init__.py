"""Profiles -> corrected profiles. Each corrector is one file: an equation, its settings, `fit` and `transform`."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from impasto.schema import one_of

if TYPE_CHECKING:
    from impasto.correction.fitted import Corrector

METHODS = {
    "cellpaintr": ("impasto.correction.cellpaintr.corrector", "CellPaintrCorrector"),
    "clip": ("impasto.correction.clip", "Clip"),
    "combat": ("impasto.correction.combat", "Combat"),
    "harmony": ("impasto.correction.harmony", "Harmony"),
    "inverse_normal": ("impasto.correction.inverse_normal", "InverseNormal"),
    "kernel_pca": ("impasto.correction.kernel_pca", "KernelPca"),
    "position": ("impasto.correction.position", "Position"),
    "select": ("impasto.correction.select", "Select"),
    "sphering": ("impasto.correction.sphering", "Sphering"),
    "standardize": ("impasto.correction.standardize", "Standardize"),
    "tvn": ("impasto.correction.tvn", "Tvn"),
}
"""Name of a method -> its module and class."""


def corrector(name: str) -> type[Corrector]:
    """The class of a method. Raises InputError, naming those there are."""
    module, found = METHODS[one_of(name, METHODS, what="correction method")]
    return getattr(importlib.import_module(module), found)
