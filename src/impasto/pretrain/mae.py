"""MAE: most patches are dropped, and their pixels predicted from the rest (losses/masked_patches.py, nets/decoder.py).

He et al. 2022. Mask .75, encoder on the patches that stay only. With `encoder.name = "ca_mae"` this is the channel-agnostic MAE of
Kraus et al. 2024: one token a patch and channel, all channels through one projection. *Departures*: CA-MAE has a decoder a channel;
here one decoder knows the channels by their places.
"""

from __future__ import annotations

from typing import Any, Literal

from impasto.losses.masked_patches import masked_patches
from impasto.nets import patches
from impasto.nets.decoder import Decoder
from impasto.pretrain import collapse, images
from impasto.pretrain.images import Facts, ImageMethod, ImageSettings
from impasto.pretrain.view_feed import Views
from impasto.schema import InputError
from impasto.training.gather import gather
from impasto.training.method import Step

__all__ = ["METHOD", "Mae", "MaeSettings", "decoder"]


class ReconstructionSettings(ImageSettings):
    """How much is hidden, and the decoder."""

    drop: float = 0.75
    decoder_width: int = 384
    decoder_depth: int = 4
    decoder_heads: int = 6
    normalise: bool = True
    """Whether each patch's pixels are compared after its own mean and sd are taken off."""


class MaeSettings(ReconstructionSettings):
    """As the frame of reconstruction has them."""

    name: Literal["mae"] = "mae"


def decoder(encoder: Any, settings: ReconstructionSettings, /, *, beside: bool = False) -> Decoder:
    """A decoder for an encoder with tokens.

    Parameters
    ----------
    encoder
        An image encoder.
    settings
        Sizes of the decoder.
    beside
        Whether the decoder sees the tokens of another view too.

    Returns
    -------
    Decoder
        The untrained decoder.

    Raises
    ------
    InputError
        Where the encoder has no patches.

    """
    if not encoder.tokens:
        raise InputError("a masked autoencoder needs an encoder with patches: vit, channel_vit or ca_mae, not resnet")
    return Decoder(
        seen_width=encoder.width,
        tokens=encoder.tokens,
        token_pixels=encoder.token_pixels,
        width=settings.decoder_width,
        depth=settings.decoder_depth,
        heads=settings.decoder_heads,
        beside=beside,
    )


class Mae(ImageMethod):
    """Encoder and decoder.

    Parameters
    ----------
    settings
        Which share is hidden, and the decoder.
    facts
        Channels and their light.

    """

    def __init__(self, settings: MaeSettings, facts: Facts, /) -> None:
        super().__init__(settings, facts)
        self.chosen = settings
        self.decoder = decoder(self.encoder, settings)

    def forward(self, minibatch: Views, /) -> Step:
        anchor = self.light(minibatch.anchor)
        keep, dropped = patches.split(minibatch.noise, drop=self.chosen.drop)
        seen = self.encoder(anchor, keep)
        loss = masked_patches(
            self.decoder(seen, keep, dropped), patches.take(self.encoder.cut(anchor), dropped), normalise=self.chosen.normalise
        )
        rows = gather(seen[:, 0])
        return Step(
            terms={"masked_patches": loss},
            embeddings={"image": rows},
            monitors={"embedding_rank": lambda: collapse.effective_rank(rows.detach())},
        )


METHOD = images.trainable(MaeSettings, Mae, across=False)
"""What `name = "mae"` in `[stage.method]` of a recipe means."""
