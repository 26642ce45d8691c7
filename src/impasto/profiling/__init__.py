"""Sites to profiles.

`ENCODERS` is the family of encoders: name -> what makes one of `EncoderSettings`. It gives a `SiteEncoder`, or a `VisionEncoder`, through
which each channel goes as an image of its own. A run's folder and a Hugging Face model are encoders
too, by their path or hub name (`extract.open_encoder`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from impasto.families import Family

if TYPE_CHECKING:
    from impasto.nets.encoders.vision import VisionEncoder
    from impasto.profiling.encoders import SiteEncoder
    from impasto.profiling.settings import EncoderSettings

    Opener = Callable[[EncoderSettings], VisionEncoder | SiteEncoder]

ENCODERS: Family[Opener] = Family(
    "encoders",
    what="encoder",
    parts={
        "efficientnet_lite0": "impasto.profiling.encoders:vision_encoder",
        "dinov2_s14": "impasto.profiling.encoders:vision_encoder",
        "random": "impasto.profiling.encoders:vision_encoder",
        "intensity": "impasto.profiling.intensity:intensity",
        "cp_measure": "impasto.profiling.classical:cp_measure",
        "cp_measure_fast": "impasto.profiling.classical:cp_measure",
    },
)
"""Name of an encoder -> what makes it of its settings."""
WITHOUT_NET = frozenset({"intensity", "cp_measure", "cp_measure_fast"})
"""Those that count and measure pixels: no weights, and no copies of a batch of sites in the forms that a net takes."""
