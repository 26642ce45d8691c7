"""SMILES: one molecule, one spelling. Every text, fingerprint and graph is made of the canonical one.

A language model reads letters, and a graph's chirality is that of its atoms' order. `OC(=O)C` and `CC(O)=O` are one acid and must give one
vector. The notation is Weininger's (1988), the canonical order RDKit's.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from impasto.schema import InputError

if TYPE_CHECKING:
    from rdkit.Chem import Mol


def molecule(smiles: str, /) -> Mol:
    """The molecule of a SMILES, its atoms in the order of the canonical one.

    Parameters
    ----------
    smiles
        One molecule.

    Returns
    -------
    Mol
        RDKit's molecule.

    Raises
    ------
    InputError
        Where the SMILES cannot be read, or RDKit is not installed.

    """
    from rdkit import Chem

    return Chem.MolFromSmiles(canonical(smiles))


@functools.lru_cache(maxsize=100_000)
def canonical(smiles: str, /) -> str:
    """The one spelling of a molecule.

    Parameters
    ----------
    smiles
        Any spelling.

    Returns
    -------
    str
        RDKit's canonical, isomeric SMILES.

    Raises
    ------
    InputError
        Where the SMILES cannot be read, or RDKit is not installed.

    """
    try:
        from rdkit import Chem, rdBase
    except ImportError:
        raise InputError("molecules need RDKit, which is not installed; run: pip install 'impasto[chem]'") from None

    with rdBase.BlockLogs():  # the sentence below says it; RDKit's own trace would say it twice
        parsed = Chem.MolFromSmiles(smiles) if smiles else None
    if parsed is None or not parsed.GetNumAtoms():
        raise InputError(f"{smiles!r} is not a SMILES that can be read; write for example CCCC(O)=O")
    return Chem.MolToSmiles(parsed)


def in_a_text(smiles: str, /) -> str:
    """The spelling that a text shows: the canonical one, and what RDKit cannot read as it is written.

    Parameters
    ----------
    smiles
        Any spelling; in a text it may also be what no chemist would write.

    Returns
    -------
    str
        The spelling. What could not be canonicalised is said once.

    """
    try:
        return canonical(smiles)
    except InputError as error:
        _say_once(str(error).partition(";")[0])
        return smiles


@functools.lru_cache(maxsize=100)
def _say_once(reason: str) -> None:
    from impasto.progress import say

    say(f"  in texts as it is written: {reason}")
