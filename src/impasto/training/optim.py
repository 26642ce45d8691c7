"""AdamW with weight decay where it belongs, and the learning-rate schedules of the four papers.

Loshchilov & Hutter 2019 (decoupled weight decay); warm-up then cosine, with hard restarts (CellCLIP, appendix B) or down to a
floor (CWA-MSN, 3.3). Decay is off for norms, biases, embeddings, tokens and the scale: everything with fewer than two
dimensions, and everything a module names in `no_decay`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import nn

from impasto.training.settings import OptimSettings


def optimiser(module: nn.Module, settings: OptimSettings) -> torch.optim.AdamW:
    """AdamW in two groups: with and without weight decay.

    Parameters
    ----------
    module
        Its trainable parameters.
    settings
        Learning rate and weight decay.

    Returns
    -------
    torch.optim.AdamW
        The optimiser; each group says whether it is `decayed`.

    """
    skipped: set[int] = set()
    for part in module.modules():
        if isinstance(part, nn.Embedding | nn.LayerNorm | nn.modules.batchnorm._BatchNorm):
            skipped |= {id(p) for p in part.parameters(recurse=False)}
        skipped |= {id(getattr(part, name)) for name in getattr(part, "no_decay", ())}
    trainable = [p for p in module.parameters() if p.requires_grad]
    plain = [p for p in trainable if p.ndim < 2 or id(p) in skipped]
    plain_ids = {id(p) for p in plain}
    decayed = [p for p in trainable if id(p) not in plain_ids]
    groups = [
        {"params": decayed, "weight_decay": settings.weight_decay, "decayed": True},
        {"params": plain, "weight_decay": 0.0, "decayed": False},
    ]
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=settings.lr, betas=(settings.betas[0], settings.betas[1]), fused=True)


def schedule(settings: OptimSettings, *, steps: int) -> Callable[[int], float]:
    """Linear warm-up from `lr_start`, then `restarts` cosine cycles from `lr` to `lr_floor`.

    Parameters
    ----------
    settings
        The rates and the warm-up.
    steps
        Of the whole training.

    Returns
    -------
    Callable[[int], float]
        Step (from 0) -> learning rate.

    Raises
    ------
    InputError
        Where the training would end before its warm-up.

    """
    warmup = settings.warmup_steps(steps)
    span = max(1, steps - warmup)

    def rate(step: int) -> float:
        if step < warmup:
            return settings.lr_start + (settings.lr - settings.lr_start) * (step + 1) / warmup
        done = min(1.0, (step - warmup) / span)
        phase = 1.0 if done >= 1.0 else (done * settings.restarts) % 1.0
        return settings.lr_floor + (settings.lr - settings.lr_floor) * 0.5 * (1 + math.cos(math.pi * phase))

    return rate


def decay_schedule(settings: OptimSettings, *, steps: int) -> Callable[[int], float]:
    """Constant weight decay, or from `weight_decay` to `weight_decay_end` along a half cosine.

    Parameters
    ----------
    settings
        The two weight decays.
    steps
        Of the whole training.

    Returns
    -------
    Callable[[int], float]
        Step (from 0) -> weight decay.

    """
    start, end = settings.weight_decay, settings.weight_decay_end
    if end is None:
        return lambda _: start
    return lambda step: end + (start - end) * 0.5 * (1 + math.cos(math.pi * min(1.0, step / max(1, steps))))
