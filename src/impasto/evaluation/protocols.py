"""The names of `--protocol`, by task. docs/protocols.md says what each one can be compared with.

They stand here and not with their tasks, so that help lists them without loading a task.
"""

from __future__ import annotations

from typing import Literal, get_args

Ranked = Literal["plate-controls", "plate-others", "all-others", "copairs"]
"""Which wells a replicate is ranked among."""
Replicates = Literal[Ranked, "cpjump1-replicability"]
Sisters = Literal["all", "passing", "both", "cpjump1-matching"]
Relations = Literal["two-sided", "one-sided", "efaar"]
CompoundGene = Literal["rxrx3-core", "cwa-msn", "signed"]
Correction = Literal["cellpaintr", "cellpaintr-scib", "cellpaintr-eq14", "arevalo"]
"""Of mixing and of conservation."""
Transfer = Literal["within-batch", "over-batches"]
Distributions = Literal["energy", "wasserstein"]
"""Which distance of distributions."""

BY_TASK: dict[str, tuple[str, ...]] = {
    "replicates": get_args(Replicates),
    "sisters": get_args(Sisters),
    "relations": get_args(Relations),
    "compound-gene": get_args(CompoundGene),
    "mixing": get_args(Correction),
    "conservation": get_args(Correction),
    "shortcuts": get_args(Ranked),
    "transfer": get_args(Transfer),
    "distributions": get_args(Distributions),
}
"""Task -> its protocols. A task that is not listed has one way of ranking."""


def listed() -> str:
    """The protocols of every task, as help prints them.

    Returns
    -------
    str
        One part a task, joined by `; `.

    """
    return "; ".join(f"{task}: {', '.join(names)}" for task, names in BY_TASK.items())
