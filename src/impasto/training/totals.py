"""The loss terms of an epoch, summed where they were computed: a step reads nothing from the device.

Reading a number from a GPU waits until all that was asked of it is done. So the terms are summed there, and beside each sum lies the
first value that was not finite, if any. Both are read every so many steps, and before a checkpoint.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.distributed as dist
from torch import Tensor

from impasto import devices
from impasto.schema import InputError


class Totals:
    """Sums over the rows of an epoch, on the device."""

    def __init__(self) -> None:
        self.rows = 0
        self._sums: dict[str, Tensor] = {}
        self._firsts: dict[str, Tensor] = {}

    def add(self, terms: Mapping[str, Tensor], /, *, rows: int) -> None:
        """Add the terms of a step.

        Parameters
        ----------
        terms
            Name -> scalar, the mean over its rows.
        rows
            How many these are.

        """
        self.rows += rows
        for name, term in terms.items():
            value = term.detach()
            exact = value if value.device.type == "mps" else value.double()
            self._sums[name] = self._sums[name] + exact * rows if name in self._sums else exact * rows
            first = self._firsts.get(name, value)
            self._firsts[name] = torch.where(torch.isfinite(first), value, first)

    def look(self, *, epoch: int) -> None:
        """Read the first value of each term that was not finite.

        Parameters
        ----------
        epoch
            What the error names.

        Raises
        ------
        InputError
            Where there is one.

        """
        if not self._firsts:
            return
        values = torch.stack([value.float() for value in self._firsts.values()])
        for name, value in zip(self._firsts, values.tolist(), strict=True):
            if not torch.isfinite(torch.tensor(value)):
                raise InputError(
                    f"the loss term {name!r} is {value} in epoch {epoch}; lower the learning rate, or clip or correct the input"
                )

    def means(self) -> dict[str, float]:
        """The mean of each term over the rows of all ranks.

        Returns
        -------
        dict[str, float]
            Name -> mean; `rows` then counts those of all ranks.

        """
        if not self._sums:
            return {}
        first = next(iter(self._sums.values()))
        whole = torch.stack([*self._sums.values(), torch.full_like(first, float(self.rows))])
        if devices.count() > 1:
            dist.all_reduce(whole)
        *sums, rows = whole.tolist()
        self.rows = int(rows)
        return {name: total / rows for name, total in zip(self._sums, sums, strict=True)}
