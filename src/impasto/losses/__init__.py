"""One loss a file: tensors in, a scalar out.

`LOSSES` is the family that the two towers choose from: name -> a function of two sets of unit embeddings and a scale, or a
`pairs.PairLoss`. The other files are the losses that one method has of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from impasto.families import Family

if TYPE_CHECKING:
    from impasto.losses.pairs import PairLoss, Plain

LOSSES: Family[PairLoss | Plain] = Family(
    "losses",
    what="loss",
    parts={
        "clip": "impasto.losses.clip:clip",
        "cloob": "impasto.losses.cloob:CLOOB",
        "cwcl": "impasto.losses.cwcl:CWCL",
        "s2l": "impasto.losses.s2l:S2L",
        "sigclip": "impasto.losses.sigclip:SIGCLIP",
        "soft_sigclip": "impasto.losses.soft_sigclip:SOFT_SIGCLIP",
    },
)
"""Name of a loss of pairs -> the loss."""
