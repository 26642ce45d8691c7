"""MSN: an anchor with patches dropped is matched to the teacher's view of another well, through soft prototypes.

    L = lambda_1 mean_v H(p+, p_v) + lambda_2 (log K - H(mean p)) + lambda_3 mean_v H(p_v)           (losses/prototypes.py)

Huang et al., CWA-MSN, section 3.3 and 3.4; Assran et al. 2022 (MSN). Anchor views: one crop with a share of its patches dropped, and
focal crops, which are whole. Teacher: the EMA of encoder and head, momentum .996 to 1 linearly. The teacher's encoder is what is kept.
*Departures*: see losses/prototypes.py; Sinkhorn and the anchors' entropy (lambda_3) are off by default (the
public base has Sinkhorn on and offers the other; the paper names neither).
"""

from __future__ import annotations

import math
from typing import Any, Literal

import torch
from torch import Tensor, nn

from impasto.losses import prototypes
from impasto.nets import patches
from impasto.nets.heads import Norm, head
from impasto.nets.teacher import Teacher, momentum_at
from impasto.pretrain import collapse, images
from impasto.pretrain.images import Facts, ImageMethod, ImageSettings
from impasto.pretrain.view_feed import Views
from impasto.training.gather import gather
from impasto.training.method import Step

__all__ = ["METHOD", "Msn", "MsnSettings"]


class MsnSettings(ImageSettings):
    """The numbers of CWA-MSN 3.4, and those it leaves to its base."""

    name: Literal["msn"] = "msn"
    drop: float = 0.15
    prototypes: int = 1024
    out: int = 256
    hidden: int = 2048
    norm: Norm = "batch"
    temperature: float = 0.1
    sharpening: float = 0.25
    sinkhorn: int = 0
    """Iterations of Sinkhorn on the teacher's assignments."""
    match_weight: float = 1.0
    entropy_weight: float = 1.0
    anchor_entropy_weight: float = 0.0
    """Of the mean entropy of the anchors' assignments, lambda_3: an option of the base, which makes them surer; off."""
    momentum: float = 0.996
    momentum_end: float = 1.0


class Msn(ImageMethod):
    """Encoder, head and prototypes; a teacher of encoder and head.

    Parameters
    ----------
    settings
        Sizes, temperatures and weights of the terms.
    facts
        Channels and their light.

    """

    no_decay = ("prototypes",)
    samples_channels = True

    def __init__(self, settings: MsnSettings, facts: Facts, /) -> None:
        super().__init__(settings, facts)
        self.chosen = settings
        self.head = head([self.encoder.width, settings.hidden, settings.hidden, settings.out], norm=settings.norm)
        self.teacher = Teacher(nn.ModuleDict({"encoder": self.encoder, "head": self.head}))
        self.prototypes = nn.Parameter(torch.empty(settings.prototypes, settings.out))
        nn.init.uniform_(self.prototypes, -((1 / settings.out) ** 0.5), (1 / settings.out) ** 0.5)

    def forward(self, minibatch: Views, /) -> Step:
        views = self._anchors(minibatch)
        log_p = prototypes.log_assignments(self.head(views.flatten(0, 1)), self.prototypes, temperature=self.chosen.temperature)
        log_p = log_p.view(*views.shape[:2], -1)
        targets, log_targets = self._targets(minibatch.target)
        match, gap = prototypes.cross_entropy(targets, log_p), prototypes.mean_entropy_gap(log_p)
        terms = {"match": self.chosen.match_weight * match, "mean_entropy_gap": self.chosen.entropy_weight * gap}
        if self.chosen.anchor_entropy_weight:
            terms["anchor_entropy"] = self.chosen.anchor_entropy_weight * prototypes.entropy(log_p)
        return Step(
            terms=terms,
            embeddings={"image": views[:, 0]},
            monitors={
                "embedding_rank": lambda: collapse.effective_rank(views[:, 0]),
                "prototypes_used": lambda: collapse.prototypes_used(log_targets),
                "assignment_entropy": lambda: prototypes.entropy(log_p.detach()),
            },
            uniform={"match": self.chosen.match_weight * math.log(self.chosen.prototypes)},
        )

    def _anchors(self, minibatch: Views) -> Tensor:
        """The representations (B, V, width) of the anchors of all ranks: the crop with dropped patches first, then the focal ones."""
        keep = patches.split(minibatch.noise, drop=self.chosen.drop)[0] if self.chosen.drop else None
        views = self.represent(minibatch.anchor, keep, minibatch.shown)[:, None]
        if minibatch.focal.shape[1]:
            shown = None if minibatch.shown is None else minibatch.shown.repeat_interleave(minibatch.focal.shape[1], dim=0)
            focal = self.represent(minibatch.focal.flatten(0, 1), None, shown)
            views = torch.cat([views, focal.view(*minibatch.focal.shape[:2], -1)], dim=1)
        return gather(views)

    @torch.no_grad()
    def _targets(self, target: Tensor) -> tuple[Tensor, Tensor]:
        """The teacher's assignments (B, K), sharpened, and their log before that."""
        seen = gather(self.teacher.net["encoder"].represent(self.light(target)))
        log_p = prototypes.log_assignments(self.teacher.net["head"](seen), self.prototypes, temperature=self.chosen.temperature)
        sharp = prototypes.sharpen(log_p, temperature=self.chosen.sharpening)
        return (prototypes.sinkhorn(sharp, iterations=self.chosen.sinkhorn) if self.chosen.sinkhorn else sharp), log_p

    def backbone(self) -> Any:
        return self.teacher.net["encoder"]

    def after_step(self, progress: float, /) -> None:
        student = nn.ModuleDict({"encoder": self.encoder, "head": self.head})
        self.teacher.follow(student, momentum=momentum_at(progress, start=self.chosen.momentum, end=self.chosen.momentum_end))


METHOD = images.trainable(MsnSettings, Msn, focal=True)
"""What `name = "msn"` in `[stage.method]` of a recipe means."""
