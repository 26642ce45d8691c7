"""The perturbation side of the two towers: what a run reads of a perturbation, and the tower that embeds it.

    frozen text        dropout, linear
    trained text       BERT, dropout, linear
    fingerprints       perceptron, plain or residual
    graphs             message passing

Each distinct text or molecule is read once. The tensors that a tower takes are in described.py.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from impasto import schema
from impasto.joint import molecule_vectors
from impasto.joint.described import Described, Features, Graphs, Tokens
from impasto.joint.settings import PerturbationSettings
from impasto.nets.encoders import molecule
from impasto.nets.encoders.residual_mlp import ResidualMLP
from impasto.perturbations import fingerprints, molecular_graphs
from impasto.perturbations.prompts import prompt
from impasto.perturbations.smiles import canonical

if TYPE_CHECKING:
    from impasto.nets.encoders.text import TextEncoder


def describe(obs: pd.DataFrame, settings: PerturbationSettings, /) -> Described:
    """What a run reads of the perturbation of every row.

    Parameters
    ----------
    obs
        Annotation of n rows.
    settings
        Whether texts or molecules are read, and how.

    Returns
    -------
    Described
        The perturbations of n rows.

    Raises
    ------
    InputError
        Where a molecule is needed and missing.

    """
    if settings.perturbation == "molecule":
        return of_molecules(fingerprints.of_rows(obs), settings)
    details = tuple(settings.details)
    return of_texts([prompt(row, template=settings.template, details=details) for row in obs.to_dict(orient="records")], settings)


def of_molecules(smiles: Sequence[str], settings: PerturbationSettings, /) -> Described:
    """Molecules as this run reads them.

    Parameters
    ----------
    smiles
        n SMILES.
    settings
        How molecules are read.

    Returns
    -------
    Described
        The perturbations of n rows.

    """
    distinct, which = _distinct([canonical(one) for one in smiles])
    if settings.molecule == "vectors":
        return Features(molecule_vectors.of(distinct, settings.molecule_vectors), which)
    if settings.molecule == "message_passing":
        return Graphs([molecular_graphs.graph(s) for s in distinct], which)
    return Features(torch.log1p(torch.as_tensor(fingerprints.fingerprints(distinct, bits=settings.bits))), which)


def of_texts(texts: Sequence[str], settings: PerturbationSettings, /) -> Described:
    """Texts as this run reads them: features of a frozen encoder, or tokens for an encoder that is trained.

    Parameters
    ----------
    texts
        n texts.
    settings
        Which text encoder, and whether it is trained.

    Returns
    -------
    Described
        The perturbations of n rows.

    """
    distinct, which = _distinct(texts)
    encoder, known = _reader(settings.text, settings.text_pooling, settings.text_limit)
    if settings.text_training == "frozen":
        new = [t for t in distinct if t not in known]
        known |= dict(zip(new, encoder.encode(new), strict=True))
        return Features(torch.stack([known[t] for t in distinct]), which)
    tokens = encoder.tokens(distinct)
    return Tokens(tokens["input_ids"], tokens["attention_mask"], which, width=encoder.width)


def context(obs: pd.DataFrame, /) -> dict[str, str | None]:
    """What completes a question to a run: its cell line and its type of perturbation.

    Parameters
    ----------
    obs
        Annotation of the rows of the run.

    Returns
    -------
    dict[str, str | None]
        Column -> its value where all rows agree, else None.

    """
    shared = {}
    for word in (schema.CELL_LINE, schema.PERTURBATION_TYPE):
        values = obs[word].dropna().unique() if word in obs else []
        shared[word] = str(values[0]) if len(values) == 1 else None
    return shared


@functools.lru_cache(maxsize=1)
def _reader(name: str, pooling: str, limit: int | None) -> tuple[TextEncoder, dict[str, Tensor]]:
    """The frozen encoder and the texts it has read: rows and seeds of a table ask for the same ones again and again."""
    from impasto.nets.encoders import text

    return text.load(name, pooling=pooling, limit=limit), {}


def _distinct(values: Sequence[str]) -> tuple[list[str], Tensor]:
    distinct, which = np.unique(np.asarray(values, dtype=object).astype(str), return_inverse=True)
    return distinct.tolist(), torch.as_tensor(which)


def width(settings: PerturbationSettings, /) -> int:
    """The width of what `describe` gives, where nothing has been described yet.

    Parameters
    ----------
    settings
        How perturbations are read.

    Returns
    -------
    int
        Of text features, of a fingerprint, or of an atom.

    """
    if settings.perturbation == "text":
        return _reader(settings.text, settings.text_pooling, settings.text_limit)[0].width
    if settings.molecule == "vectors":
        return molecule_vectors.of([], settings.molecule_vectors).shape[1]
    return molecular_graphs.ATOM_WIDTH if settings.molecule == "message_passing" else settings.bits


def tower(settings: PerturbationSettings, /, *, width: int) -> nn.Module:
    """The tower that embeds what `describe` gives.

    Parameters
    ----------
    settings
        How perturbations are read, and the sizes of the tower.
    width
        Of what `describe` gives.

    Returns
    -------
    nn.Module
        A module that returns embeddings (N, out).

    """
    out, dropout, hidden = settings.out, settings.dropout, settings.molecule_width
    if settings.perturbation == "text":
        head = nn.Sequential(nn.Dropout(dropout), nn.Linear(width, out))
        return head if settings.text_training == "frozen" else TrainedText(settings, head)
    if settings.molecule == "message_passing":
        return molecule.MessagePassing(atom_width=width, bond_width=molecular_graphs.BOND_WIDTH, width=hidden, out=out, dropout=dropout)
    if settings.molecule == "residual":
        return ResidualMLP(wide=width, width=hidden, out=out, depth=1, dropout=dropout)
    return molecule.mlp(wide=width, width=hidden, out=out, dropout=dropout)


class TrainedText(nn.Module):
    """A text encoder trained with the towers, whole or its last layers, and a head. The rest of it stays as it was.

    Parameters
    ----------
    settings
        Which encoder, and how much of it is trained.
    head
        From the encoder's width to the joint space.

    """

    def __init__(self, settings: PerturbationSettings, head: nn.Module) -> None:
        super().__init__()
        from impasto.nets.encoders import text

        self.encoder, self.head = text.load(settings.text, pooling=settings.text_pooling, limit=settings.text_limit), head
        self.encoder.train_only(settings.text_top if settings.text_training == "top" else None)

    def forward(self, ids: Tensor, mask: Tensor, /) -> Tensor:
        """Embed tokens.

        Parameters
        ----------
        ids, mask
            (N, longest) each.

        Returns
        -------
        Tensor
            (N, out).

        """
        return self.head(self.encoder(ids, mask))
