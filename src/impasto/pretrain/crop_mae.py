"""CropMAE: the hidden patches of one crop are predicted from what little is seen of it and from another crop, or another well.

Eymaël et al. 2024 (mask .985); across wells it is the CropMAE-Cross of CWA-MSN, section 4.3 and Table 4. The loss is MAE's
(losses/masked_patches.py); the decoder and its departure are in nets/decoder.py.
"""

from __future__ import annotations

from typing import Literal

from impasto.losses.masked_patches import masked_patches
from impasto.nets import patches
from impasto.pretrain import collapse, images
from impasto.pretrain.images import Facts, ImageMethod
from impasto.pretrain.mae import ReconstructionSettings, decoder
from impasto.pretrain.view_feed import Views
from impasto.training.gather import gather
from impasto.training.method import Step

__all__ = ["METHOD", "CropMae", "CropMaeSettings"]


class CropMaeSettings(ReconstructionSettings):
    """Nearly all of the target is hidden."""

    name: Literal["crop_mae"] = "crop_mae"
    drop: float = 0.985


class CropMae(ImageMethod):
    """Encoder of both crops, and a decoder that sees the anchor beside the target.

    Parameters
    ----------
    settings
        Which share is hidden, and the decoder.
    facts
        Channels and their light.

    """

    def __init__(self, settings: CropMaeSettings, facts: Facts, /) -> None:
        super().__init__(settings, facts)
        self.chosen = settings
        self.decoder = decoder(self.encoder, settings, beside=True)

    def forward(self, minibatch: Views, /) -> Step:
        target = self.light(minibatch.target)
        keep, dropped = patches.split(minibatch.noise, drop=self.chosen.drop)
        whole, seen = self.encoder(self.light(minibatch.anchor)), self.encoder(target, keep)
        predicted = self.decoder(seen, keep, dropped, whole)
        loss = masked_patches(predicted, patches.take(self.encoder.cut(target), dropped), normalise=self.chosen.normalise)
        rows = gather(whole[:, 0])
        return Step(
            terms={"masked_patches": loss},
            embeddings={"image": rows},
            monitors={"embedding_rank": lambda: collapse.effective_rank(rows.detach())},
        )


METHOD = images.trainable(CropMaeSettings, CropMae)
"""What `name = "crop_mae"` in `[stage.method]` of a recipe means."""
