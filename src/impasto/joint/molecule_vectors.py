"""Vectors of molecules that the user brings: of a net whose weights do not ship, such as MPNN++ (Lu et al., CellCLIP, Table 2).

A table with one column `smiles`, in any spelling, and numbers in all others. A molecule that it does not name is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from impasto import schema, tables
from impasto.perturbations.smiles import canonical
from impasto.schema import InputError


def of(smiles: Sequence[str], path: Path | None, /) -> Tensor:
    """The vectors of some molecules.

    Parameters
    ----------
    smiles
        n canonical SMILES.
    path
        The table.

    Returns
    -------
    Tensor
        (n, width), float32.

    Raises
    ------
    InputError
        Where there is no table, or it lacks the column, a molecule or a number.

    """
    if path is None:
        raise InputError("molecule = 'vectors' reads a table of yours; name it with molecule_vectors")
    table, _ = tables.read(path)
    named = [column for column in table if str(column).lower().removeprefix("metadata_") == schema.SMILES]
    if len(named) != 1:
        raise InputError(f"{path} has {len(named)} columns named smiles; give one, and numbers in the others")
    values = table.drop(columns=named).to_numpy()
    try:
        numbers = values.astype(np.float32)
    except (TypeError, ValueError):
        raise InputError(f"{path} holds text beside the column smiles; give numbers alone") from None
    if not numbers.shape[1] or not np.isfinite(numbers).all():
        raise InputError(f"{path} holds {'missing or infinite numbers' if numbers.shape[1] else 'no numbers'} beside the column smiles")
    place = {canonical(str(one)): row for row, one in enumerate(table[named[0]])}
    lacking = [one for one in smiles if one not in place]
    if lacking:
        raise InputError(f"{path} does not name {len(lacking)} of {len(smiles)} molecules (first: {lacking[0]!r}); add their vectors")
    return torch.as_tensor(numbers[[place[one] for one in smiles]])
