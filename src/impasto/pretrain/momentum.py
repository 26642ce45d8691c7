"""The frame that BYOL and MoCo v3 share: predictions of one view against a teacher's projection of the other, both ways.

    L = l(predict(project(f(x1))), project'(f'(x2))) + l(predict(project(f(x2))), project'(f'(x1)))

Grill et al. 2020, Eq. 2 to 4; Chen, Xie & He 2021, Algorithm 1. The teacher is an EMA of encoder and projector; l is the method's own.
"""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor, nn

from impasto.nets.heads import Norm, head
from impasto.nets.teacher import Teacher, momentum_at
from impasto.pretrain import collapse
from impasto.pretrain.images import Facts, ImageMethod, ImageSettings
from impasto.pretrain.view_feed import Views
from impasto.training.gather import gather
from impasto.training.method import Step


class MomentumSettings(ImageSettings):
    """Projector and predictor of two layers, hidden to out; the momentum goes to 1 along a cosine."""

    hidden: int = 2048
    out: int = 256
    norm: Norm = "batch"
    momentum: float = 0.996


class Momentum(ImageMethod):
    """Encoder, projector, predictor; a teacher of the first two.

    Parameters
    ----------
    settings
        Sizes and momentum.
    facts
        Channels and their light.
    last_norm
        Whether projector and predictor end in a norm.

    """

    term: str

    def uniform(self, rows: int, /) -> float | None:  # noqa: ARG002 - where the loss is no choice among rows
        """What the loss is worth where every answer is uniform.

        Parameters
        ----------
        rows
            Of the minibatch.

        Returns
        -------
        float | None
            In nats; None where the loss is no choice among rows.

        """
        return None

    def __init__(self, settings: MomentumSettings, facts: Facts, /, *, last_norm: bool) -> None:
        super().__init__(settings, facts)
        self.start = settings.momentum
        self.projector = head([self.encoder.width, settings.hidden, settings.out], norm=settings.norm, last_norm=last_norm)
        self.predictor = head([settings.out, settings.hidden, settings.out], norm=settings.norm, last_norm=last_norm)
        self.teacher = Teacher(self._student())

    def _student(self) -> nn.ModuleDict:
        return nn.ModuleDict({"encoder": self.encoder, "projector": self.projector})

    @abstractmethod
    def compare(self, predictions: Tensor, targets: Tensor, /) -> Tensor:
        """The loss of one direction.

        Parameters
        ----------
        predictions
            Of the student (B, out).
        targets
            The teacher's projections (B, out).

        Returns
        -------
        Tensor
            A scalar.

        """

    def forward(self, minibatch: Views, /) -> Step:
        views = [self.light(view) for view in (minibatch.anchor, minibatch.target)]
        seen = [gather(self.encoder.represent(view)) for view in views]
        predictions = [self.predictor(self.projector(rows)) for rows in seen]
        with torch.no_grad():
            teacher = self.teacher.net
            targets = [teacher["projector"](gather(teacher["encoder"].represent(view))) for view in views]
        loss = self.compare(predictions[0], targets[1]) + self.compare(predictions[1], targets[0])
        worth = self.uniform(len(seen[0]))
        return Step(
            terms={self.term: loss},
            embeddings={"image": seen[0]},
            monitors={"embedding_rank": lambda: collapse.effective_rank(seen[0].detach())},
            uniform={} if worth is None else {self.term: worth},
        )

    def after_step(self, progress: float, /) -> None:
        self.teacher.follow(self._student(), momentum=momentum_at(progress, start=self.start, shape="cosine"))
