"""The values of the rows that bags are made of: in memory, or read from the file when they are needed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import anndata
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from impasto import profiles as tables
from impasto.joint import channels
from impasto.joint.settings import TwoTowersSettings
from impasto.schema import InputError

Rows = npt.NDArray[np.intp]
_TOGETHER = 4096


class Values(Protocol):
    """Blocks of rows: what a tensor (rows, C, d) does, whether or not it is one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows, channels, width."""

    def __getitem__(self, rows: Tensor, /) -> Tensor:
        """The blocks (..., C, d) of rows (...)."""


class Stored:
    """Blocks of some rows of a file that is mapped into memory.

    Parameters
    ----------
    mapped
        (all rows, features).
    rows
        The rows that are meant, by their number in the file.
    columns
        (C, d), where each feature of a block stands; -1 where none does.

    """

    def __init__(self, mapped: npt.NDArray[np.floating], rows: Rows, columns: npt.NDArray[np.intp]) -> None:
        self.mapped, self.rows, self.columns = mapped, rows, columns
        self.shape: tuple[int, ...] = (len(rows), *columns.shape)
        self.as_it_lies = np.array_equal(columns.ravel(), np.arange(mapped.shape[1]))

    def __getitem__(self, rows: Tensor, /) -> Tensor:
        # In the order of the file, each row once: neighbours lie on one page of the disk.
        wanted, back = np.unique(self.rows[rows.numpy().ravel()], return_inverse=True)
        lines = np.asarray(self.mapped[wanted], dtype=np.float32)
        blocks = lines if self.as_it_lies else lines[:, self.columns.clip(min=0)] * (self.columns >= 0)
        return torch.from_numpy(blocks)[torch.as_tensor(back)].view(*rows.shape, *self.columns.shape)


def of(
    profiles: anndata.AnnData, rows: Rows, settings: TwoTowersSettings, /, *, among: list[str] | None, width: int | None
) -> tuple[Values, list[str]]:
    """The values of some rows.

    Parameters
    ----------
    profiles
        In memory, or mapped from a file.
    rows
        Numbers of rows.
    settings
        `blocks` says what a block is, such as `channel`.
    among
        The names of the blocks to read; None: all.
    width
        Of a block in an earlier run; None: that of the widest block.

    Returns
    -------
    tuple[Values, list[str]]
        Blocks (rows, C, d), and the names of the C channels.

    Raises
    ------
    InputError
        Where values in memory are missing or infinite.

    """
    if isinstance(profiles.X, np.memmap):
        numbered = anndata.AnnData(X=np.arange(1, profiles.n_vars + 1, dtype=np.float32)[None], var=profiles.var)
        places, names = channels.values(numbered, settings, among=among, width=width)
        return Stored(profiles.X, rows, places[0].astype(np.intp) - 1), names
    chosen = profiles[rows].copy()
    finite(chosen)
    blocks, names = channels.values(chosen, settings, among=among, width=width)
    return torch.as_tensor(blocks), names


def statistics(values: Values, rows: Rows, /, *, limit: float) -> tuple[Tensor, Tensor]:
    """Mean and sd of clipped values, read a few rows at a time.

    Parameters
    ----------
    values
        Blocks (rows, C, d).
    rows
        The rows that count.
    limit
        Values are clipped to +-limit.

    Returns
    -------
    tuple[Tensor, Tensor]
        Mean and sd, (C, d) each.

    Raises
    ------
    InputError
        Where values are missing or infinite.

    """
    total = torch.zeros(values.shape[1:], dtype=torch.float64)
    for block in _blocks(values, rows):
        if not torch.isfinite(block).all():
            raise InputError("a feature holds missing or infinite values; run: impasto correct --method select")
        total += block.clamp(-limit, limit).sum(dim=0, dtype=torch.float64)
    mean = total / len(rows)
    squares = torch.zeros_like(mean)
    for block in _blocks(values, rows):
        squares += ((block.clamp(-limit, limit) - mean) ** 2).sum(dim=0)
    return mean.float(), (squares / len(rows)).sqrt().float()


def _blocks(values: Values, rows: Rows) -> Iterator[Tensor]:
    for first in range(0, len(rows), _TOGETHER):
        yield values[torch.as_tensor(rows[first : first + _TOGETHER])]


def finite(profiles: anndata.AnnData) -> None:
    """Refuse missing and infinite values.

    Parameters
    ----------
    profiles
        Profiles in memory.

    Raises
    ------
    InputError
        Where there are any; the sentence names the first feature.

    """
    bad = ~np.isfinite(tables.dense(profiles)).all(axis=0)
    if bad.any():
        first = profiles.var_names[int(np.flatnonzero(bad)[0])]
        raise InputError(
            f"{int(bad.sum())} features hold missing or infinite values (first: {first}); run: impasto correct --method select"
        )
