"""Molecules as count fingerprints: the larger of Morgan's and RDKit's counts, bit by bit.

    f_b = max( Morgan_b, RDKit_b ),   8192 bits

Morgan 1965 (circular environments up to radius 2); RDKit's path fingerprint. Sanchez-Fernandez et al., CLOOME; Lu et al.,
CellCLIP, appendix E ("a max-pooled combination of Morgan and RDKit count-based fingerprints").

Departures: none known; the radius is not given, 2 is RDKit's habit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto.perturbations.smiles import molecule
from impasto.schema import InputError


def fingerprints(smiles: Sequence[str], /, *, bits: int = 8192) -> npt.NDArray[np.float32]:
    """Count fingerprints (CLOOME; CellCLIP, appendix E).

    Parameters
    ----------
    smiles
        n molecules.
    bits
        Of a fingerprint.

    Returns
    -------
    npt.NDArray[np.float32]
        Counts (n, bits).

    Raises
    ------
    InputError
        Where a SMILES cannot be read, or RDKit is not installed.

    """
    counts = np.zeros((len(smiles), bits), dtype=np.float32)
    generators = _generators(bits)
    for row, text in zip(counts, smiles, strict=True):
        read = molecule(text)
        for generator in generators:
            np.maximum(row, generator.GetCountFingerprintAsNumPy(read), out=row)
    return counts


def _generators(bits: int) -> tuple[Any, Any]:
    molecule("C")  # says what to install where RDKit is missing
    from rdkit.Chem import rdFingerprintGenerator

    return rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=bits), rdFingerprintGenerator.GetRDKitFPGenerator(fpSize=bits)


def of_rows(obs: pd.DataFrame, /) -> list[str]:
    """The SMILES of every row.

    Parameters
    ----------
    obs
        Annotation of n rows.

    Returns
    -------
    list[str]
        n SMILES.

    Raises
    ------
    InputError
        Where a perturbation has none; the sentence counts them.

    """
    from impasto import schema

    written = obs[schema.SMILES].astype("string") if schema.SMILES in obs else pd.Series(pd.NA, index=obs.index, dtype="string")
    without = written.isna() | (written.str.strip() == "")
    if without.any():
        names = sorted(obs.loc[without, schema.PERTURBATION].astype(str).unique())
        raise InputError(
            f"{len(names)} perturbations have no SMILES (first: {names[0]!r}), and this method reads molecules; "
            "join the compounds' annotation, leave them out, or set perturbation = 'text'"
        )
    return written.astype(str).tolist()
