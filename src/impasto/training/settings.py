"""How long a training runs, and with which optimiser: what `[stage.loop]` of a recipe may say. Needs no torch."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from impasto.devices import Compile, DeviceSettings
from impasto.schema import InputError
from impasto.settings import Settings

Watch = Literal["tensorboard", "wandb"]


class OptimSettings(Settings):
    """The optimiser and its schedule. `warmup` and `restarts` count in steps and cycles."""

    lr: float = 2e-4
    lr_start: float = Field(default=0.0, description="Where the warm-up begins.")
    lr_floor: float = 0.0
    weight_decay: float = 0.1
    betas: list[float] = Field(
        default_factory=lambda: [0.9, 0.999],
        min_length=2,
        max_length=2,
        description="How fast AdamW forgets gradients, and their squares.",
    )
    weight_decay_end: float | None = Field(default=None, description="Where it is given, reached along a half cosine.")
    warmup: int = Field(default=0, ge=0, description="Steps until the rate is `lr`; fewer than the training has.")
    warmup_share: float | None = Field(default=None, ge=0, lt=1, description="The same as a share of all steps, instead of `warmup`.")
    restarts: int = 1
    clip_norm: float | None = None

    @model_validator(mode="after")
    def _one_warmup(self) -> OptimSettings:
        if self.warmup and self.warmup_share is not None:
            raise InputError("the warm-up is given twice, by warmup and by warmup_share; leave one out")
        return self

    def warmup_steps(self, steps: int, /) -> int:
        """The steps of the warm-up.

        Parameters
        ----------
        steps
            Of the whole training.

        Returns
        -------
        int
            Fewer than `steps`.

        Raises
        ------
        InputError
            Where the training would end before its warm-up.

        """
        if self.warmup_share is not None:
            return round(self.warmup_share * steps)
        if 0 < steps <= self.warmup:
            raise InputError(
                f"the warm-up takes {self.warmup} steps and the whole training {steps}, so it would end before it has begun; train longer "
                "(epochs), lower optim.warmup, or say optim.warmup_share = 0.15 instead"
            )
        return self.warmup


class LoopSettings(DeviceSettings):
    """How long, how often, where."""

    change_nothing: ClassVar[frozenset[str]] = frozenset({"compile", "log_every", "feeding_threads", "watch"})

    epochs: int = 50
    max_steps: int | None = Field(default=None, ge=1, description="Steps after which it ends, whatever the epochs say.")
    validate_every: int = 1
    patience: int | None = Field(default=None, description="Validations without a better score before it stops; None never stops early.")
    checkpoint_every: int = 1
    chunk: int | None = Field(
        default=None,
        description="Bounds the memory of a contrastive minibatch: so many rows go through the net at once, with the whole gradient.",
    )
    compile: Compile = Field(
        default="auto", description="Whether blocks of trunks are compiled: auto (on a GPU with a C compiler), on or off."
    )
    log_every: int = Field(default=50, ge=1, description="Steps between two looks at the loss: a look waits for the device.")
    feeding_threads: int | None = Field(
        default=None, ge=1, description="Threads that make minibatches ahead: 1 on a CPU, up to 8 beside a GPU by default."
    )
    watch: list[Watch] = Field(default_factory=list, description="Who else gets the log of each epoch: tensorboard, wandb (extra watch).")
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
