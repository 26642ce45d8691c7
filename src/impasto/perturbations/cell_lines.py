"""Cell-line tokens on any method whose encoder is a trunk of tokens. One table of a recipe adds them:

    [stage.method.cell_lines]
    vectors = "@expression"     # what `impasto expression` wrote, or a table of precomputed vectors
    tokens = 2

Integrating Biological Knowledge for Robust Microscopy Image Profiling on De Novo Cell Lines, section 3.2.4 (see nets/cell_line_tokens.py).
Encoders with a trunk are ViT, ChannelViT, CA-MAE and CrossChannelFormer; a decoder has none. A teacher begins with its student's tokens and
follows them. `lines = "shuffled"` shuffles the vectors among the lines: the control that says whether expression matters.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from impasto import schema
from impasto.nets import cell_line_tokens
from impasto.nets.cell_line_tokens import LinesOfRows
from impasto.nets.encoders.channel_vit import ChannelViT
from impasto.nets.encoders.cross_channel_former import CrossChannelFormer
from impasto.nets.encoders.vit import ViT
from impasto.perturbations import expression
from impasto.schema import InputError
from impasto.settings import Settings
from impasto.training.method import Addition, Method, Prepared, Step
from impasto.training.wrapped import Wrapped, on_innermost, units_of

ENCODERS = (ViT, ChannelViT, CrossChannelFormer)
FRESH = "*trunk.lines.*"
"""The names of the weights that a run without tokens does not have."""


class CellLineSettings(Settings):
    """Which vectors, how many tokens, and the share of rows that count as of an unknown line in training."""

    vectors: Path
    tokens: int = Field(default=2, ge=1)
    drop: float = Field(default=0.1, ge=0, lt=1)
    lines: Literal["true", "shuffled"] = "true"


class WithCellLines(Wrapped):
    """A method whose encoders read the cell line of every row.

    Parameters
    ----------
    method
        With tokens on its encoders.
    lines_of_rows
        What the tokens read.
    vectors
        (units, dim), the vector of each unit's line.
    known
        (units,), False where the line has no vector.
    lines
        (units,), codes of the lines.

    """

    vectors: Tensor
    known: Tensor
    lines: Tensor

    def __init__(self, method: Method, lines_of_rows: LinesOfRows, *, vectors: Tensor, known: Tensor, lines: Tensor) -> None:
        super().__init__(method)
        self.lines_of_rows = lines_of_rows
        self.register_buffer("vectors", vectors, persistent=False)
        self.register_buffer("known", known, persistent=False)
        self.register_buffer("lines", lines, persistent=False)

    def forward(self, minibatch: Any, /) -> Step:
        """A step in which the encoders read the lines of the minibatch.

        Parameters
        ----------
        minibatch
            With `unit`, and `partner` where it holds pairs.

        Returns
        -------
        Step
            The inner method's step.

        Raises
        ------
        InputError
            Where a pair joins two cell lines.

        """
        partner: Tensor = getattr(minibatch, "partner", minibatch.unit)
        unit: Tensor = minibatch.unit
        if not torch.equal(self.lines[unit], self.lines[partner]):
            raise InputError('a pair joins two cell lines; pair within one: pairs.group_by = ["perturbation", "cell_line"]')
        with self.lines_of_rows.of(self.vectors[unit], self.known[unit]):
            return super().forward(minibatch)


def vectors_of(settings: CellLineSettings, names: Sequence[object], /, *, seed: int) -> tuple[Tensor, Tensor]:
    """The vector of each name.

    Parameters
    ----------
    settings
        Which vectors, and whether they are shuffled among the lines.
    names
        n cell lines.
    seed
        Of the shuffling.

    Returns
    -------
    tuple[Tensor, Tensor]
        Vectors (n, dim), and which of them are known (n,).

    Raises
    ------
    InputError
        Where the vectors cannot be read.

    """
    table = expression.read(settings.vectors)
    if settings.lines == "shuffled":
        order = np.random.default_rng(seed).permutation(len(table.names))
        table = dataclasses.replace(table, vectors=table.vectors[order])
    vectors, known = table.of(names)
    return torch.as_tensor(vectors), torch.as_tensor(known)


def attach(method: nn.Module, /, *, dim: int, tokens: int, drop: float) -> LinesOfRows:
    """Add tokens to all encoders of a method; copies (teachers) begin with the same weights.

    Parameters
    ----------
    method
        Changed in place.
    dim
        Width of a line's vector.
    tokens
        How many tokens a line has.
    drop
        The share of rows that count as of an unknown line in training.

    Returns
    -------
    LinesOfRows
        What says which lines the rows of a step are of.

    Raises
    ------
    InputError
        Where no encoder has a trunk of tokens.

    """
    lines_of_rows = LinesOfRows()
    encoders = [module for module in method.modules() if isinstance(module, ENCODERS)]
    if not encoders:
        raise InputError(
            "cell-line tokens need an encoder with a trunk of tokens (vit, channel_vit, ca_mae, two_towers); a resnet has none"
        )
    made = [cell_line_tokens.attach(e.trunk, lines_of_rows, dim=dim, width=e.trunk.width, tokens=tokens, drop=drop) for e in encoders]
    for encoder, lines in zip(encoders, made, strict=True):
        lines.load_state_dict(made[0].state_dict())
        lines.requires_grad_(next(encoder.trunk.blocks.parameters()).requires_grad)
    return lines_of_rows


def add(prepared: Prepared, settings: CellLineSettings, /, *, seed: int) -> Prepared:
    """The method with tokens.

    Parameters
    ----------
    prepared
        A method with its data.
    settings
        Which vectors, and how many tokens.
    seed
        Of the tokens' weights.

    Returns
    -------
    Prepared
        The same, with tokens; `facts["cell_lines"]` lists the lines with and without a vector.

    Raises
    ------
    InputError
        Where the rows have no cell line, or none of their lines has a vector.

    """
    units = units_of(prepared, addition="cell-line tokens")
    if schema.CELL_LINE not in units:
        raise InputError("the data have no column cell_line, which cell-line tokens need; add it to the platemap")
    names = units[schema.CELL_LINE].astype("string").fillna("")
    vectors, known = vectors_of(settings, names, seed=seed)
    if not known.any():
        some = ", ".join(sorted(names.unique())[:5])
        raise InputError(
            f"{settings.vectors} has none of the cell lines {some} (compared by letters and digits); make their vectors with: impasto "
            "expression TABLE --out VECTORS"
        )
    torch.manual_seed(seed)
    lines_of_rows = attach(prepared.method, dim=vectors.shape[1], tokens=settings.tokens, drop=settings.drop)
    method = WithCellLines(
        prepared.method,
        lines_of_rows,
        vectors=vectors,
        known=known,
        lines=torch.as_tensor(np.unique(names.to_numpy(dtype=str), return_inverse=True)[1], dtype=torch.long),
    )
    without = sorted(set(names[~known.numpy()]))
    facts = {
        **settings.model_dump(mode="json"),
        "dim": int(vectors.shape[1]),
        "lines_known": sorted(set(names) - set(without)),
        "lines_unknown": without,
    }
    return dataclasses.replace(
        prepared, method=method, validate=on_innermost(prepared.validate), facts={**prepared.facts, "cell_lines": facts}
    )


def reattach(method: nn.Module, facts: dict[str, Any], /) -> str:
    """Add the tokens of a run to its rebuilt method. Outside `reading`, all rows are then read as of an unknown line.

    Parameters
    ----------
    method
        Changed in place.
    facts
        What model.json remembers.

    Returns
    -------
    str
        A sentence on how lines are read from now on; `""` for a run without tokens.

    """
    recorded = facts.get("cell_lines")
    if recorded is None:
        return ""
    attach(method, dim=recorded["dim"], tokens=recorded["tokens"], drop=recorded["drop"])
    return "trained with cell-line tokens; read as of an unknown line"


def reading(method: Method, unit: Tensor, /) -> contextlib.AbstractContextManager[None]:
    """A context in which the encoders of a method read the lines of some rows; it changes nothing for a method without tokens.

    Parameters
    ----------
    method
        With or without additions.
    unit
        (rows,), the number of each row's unit.

    Returns
    -------
    contextlib.AbstractContextManager[None]
        The context.

    """
    while isinstance(method, Wrapped):
        if isinstance(method, WithCellLines):
            return method.lines_of_rows.of(method.vectors[unit], method.known[unit])
        method = method.method
    return contextlib.nullcontext()


ADDITION = Addition(CellLineSettings, add)
"""What the table `cell_lines` inside `[stage.method]` of a recipe adds."""
