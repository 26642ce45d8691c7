"""How long a training runs, and with which optimiser: what `[stage.loop]` of a recipe may say. Needs no torch."""

from __future__ import annotations

from pydantic import Field

from impasto.settings import Settings


class OptimSettings(Settings):
    """The optimiser and its schedule. `warmup` and `restarts` count in steps and cycles."""

    lr: float = 2e-4
    lr_start: float = Field(default=0.0, description="Where the warm-up begins.")
    lr_floor: float = 0.0
    weight_decay: float = 0.1
    weight_decay_end: float | None = Field(default=None, description="Where it is given, reached along a half cosine.")
    warmup: int = 0
    restarts: int = 1
    clip_norm: float | None = None


class LoopSettings(Settings):
    """How long, how often, where."""

    epochs: int = 50
    max_steps: int | None = None
    validate_every: int = 1
    patience: int | None = Field(default=None, description="Validations without a better score before it stops; None never stops early.")
    checkpoint_every: int = 1
    chunk: int | None = Field(
        default=None,
        description="Bounds the memory of a contrastive minibatch: so many rows go through the net at once, with the whole gradient.",
    )
    device: str = "cpu"
    seed: int | None = Field(default=None, description="Of weights and minibatches; that of the training (0 in Python) by default.")
    optim: OptimSettings = OptimSettings()

    def seeded(self, seed: int) -> LoopSettings:
        """The same settings, with this seed where they name none.

        Parameters
        ----------
        seed
            Of the training.

        Returns
        -------
        LoopSettings
            The settings, or a copy.

        """
        return self if self.seed is not None else self.model_copy(update={"seed": seed})
