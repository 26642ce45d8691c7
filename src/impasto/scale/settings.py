"""The options of every verb whose work is shards: where they run, and what may fail."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from impasto.scale import where
from impasto.scale.where import Where
from impasto.settings import Settings, Shown


class ShardSettings(Settings):
    """Where shards run. None of this changes a result."""

    change_nothing: ClassVar[frozenset[str]] = frozenset({"shards", "slurm", "max_bad", "retry_bad"})
    shards: str = Field(
        default="local",
        description="Where plates are worked on: local, local:4 (four at a time), ray (RAY_ADDRESS names a cluster), or slurm.",
    )
    slurm: Annotated[str, Shown(metavar="OPTIONS")] = Field(
        default="", description="Of --shards slurm: passed on to sbatch, as '--partition=x --mem=4G --time=2:00:00'."
    )
    max_bad: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="The share of plates that may fail and be left out; by default one in a hundred, at least one.",
    )
    retry_bad: bool = Field(default=False, description="Try again what an earlier run left out.")

    def where(self) -> Where:
        """Where shards run.

        Returns
        -------
        Where
            An engine with its options.

        Raises
        ------
        InputError
            There is no such engine.

        """
        return where.read(self.shards, options=self.slurm, max_bad=self.max_bad, retry_bad=self.retry_bad)
