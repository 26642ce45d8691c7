"""The structure of a compound as a drawing (extra `chem`)."""

from __future__ import annotations

import importlib.util
from typing import Any

from impasto.schema import InputError

WIDTH, HEIGHT = 300, 180


def can_draw() -> bool:
    """Whether RDKit is installed.

    Returns
    -------
    bool
        True where `svg` works.

    """
    return importlib.util.find_spec("rdkit") is not None


def svg(smiles: str, /, *, dark: bool) -> str:
    """Draw a molecule without a background.

    Parameters
    ----------
    smiles
        The molecule.
    dark
        Whether the page behind is dark.

    Returns
    -------
    str
        300 x 180 pixels of SVG.

    Raises
    ------
    InputError
        The SMILES cannot be read.

    """
    from rdkit import Chem, rdBase
    from rdkit.Chem.Draw import rdMolDraw2D

    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(smiles)
    if molecule is None:
        raise InputError(f"the structure {smiles!r} cannot be read as SMILES")
    drawer = rdMolDraw2D.MolDraw2DSVG(WIDTH, HEIGHT)
    options: Any = drawer.drawOptions()
    if dark:
        rdMolDraw2D.SetDarkMode(options)
    options.clearBackground = False
    options.padding = 0.05
    rdMolDraw2D.PrepareAndDrawMolecule(drawer, molecule)
    drawer.FinishDrawing()
    return str(drawer.GetDrawingText())
