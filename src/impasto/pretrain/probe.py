"""A held-out probe of image pretraining: wells of perturbations that training never sees, and whether they find their replicates.

    score = mean over wells of AP(wells of the same perturbation in other batches | all wells of other batches)

Embeddings of whole sites are averaged over the sites of a well. Then each feature is centred and scaled over the wells, without labels.
With one batch, other wells stand for other batches. The loss of a siamese method falls while it collapses; this score does not rise then.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field

from impasto import ranking
from impasto.pretrain.pictures import HasPixels
from impasto.pretrain.render import render
from impasto.pretrain.views import View
from impasto.ranking.precision import average_precision, chance_average_precision
from impasto.sampling.pairs import Pairs
from impasto.schema import InputError
from impasto.settings import Settings
from impasto.training.method import Method
from impasto.training.wrapped import innermost

Rows = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float32]
_TOGETHER = 32


class ProbeSettings(Settings):
    """How much is held out for the probe, and how many sites it looks at."""

    share: float = Field(default=0.2, gt=0, lt=1, description="Of the perturbations, which training then does not see.")
    sites: int = Field(default=512, ge=2, description="The most sites that are embedded each time.")


@dataclass(frozen=True)
class Probe:
    """Sites of held-out perturbations; a validation of the loop.

    Attributes
    ----------
    pictures
        The pixels of sites.
    sites
        Numbers of the sites.
    well, group, batch
        Of each site: codes.
    size
        Side of an image in pixels.

    """

    pictures: HasPixels
    sites: Rows
    well: Rows
    group: Rows
    batch: Rows
    size: int

    @torch.no_grad()
    def __call__(self, method: Method, /) -> dict[str, float]:
        """Score a method.

        Parameters
        ----------
        method
            Of images, with its additions.

        Returns
        -------
        dict[str, float]
            `score`, the mean average precision, and its `chance`.

        """
        inner = innermost(method)
        parts = []
        for first in range(0, len(self.sites), _TOGETHER):
            pictures = [self.pictures[int(number)] for number in self.sites[first : first + _TOGETHER]]
            images = render(pictures, [View.whole(picture.shape) for picture in pictures], size=self.size)
            parts.append(inner.embed(images.to(inner.device)).float().cpu())
        return self.scored(torch.cat(parts).numpy())

    def scored(self, embeddings: Floats, /) -> dict[str, float]:
        """Score embeddings.

        Parameters
        ----------
        embeddings
            (sites, width).

        Returns
        -------
        dict[str, float]
            `score` and `chance`.

        """
        _, first, codes = np.unique(self.well, return_index=True, return_inverse=True)
        wells = np.zeros((len(first), embeddings.shape[1]), dtype=np.float64)
        np.add.at(wells, codes, embeddings)
        wells /= np.bincount(codes)[:, None]
        spread = wells.std(axis=0)
        unit = ranking.unit((wells - wells.mean(axis=0)) / np.where(spread > 1e-9, spread, 1.0))
        similarity, group, batch = unit @ unit.T, self.group[first], self.batch[first]
        several = len(np.unique(batch)) > 1
        precisions, chance = [], []
        for query in range(len(first)):
            among = batch != batch[query] if several else np.arange(len(first)) != query
            right = group[among] == group[query]
            if right.any() and not right.all():
                scores = similarity[query][among]
                precisions.append(average_precision(scores[right], scores[~right]))
                chance.append(chance_average_precision(int(right.sum()), int((~right).sum())))
        return {"score": float(np.mean(precisions)), "chance": float(np.mean(chance))}


def hold_out(pairs: Pairs, pictures: HasPixels, settings: ProbeSettings, /, *, seed: int, size: int) -> tuple[Pairs, Probe]:
    """Take perturbations away from the pairs, for a probe.

    Parameters
    ----------
    pairs
        Of all perturbations.
    pictures
        The pixels of sites.
    settings
        How much is held out.
    seed
        Of the choice.
    size
        Side of an image in pixels.

    Returns
    -------
    tuple[Pairs, Probe]
        The pairs that are left to train on, and the probe.

    Raises
    ------
    InputError
        Where fewer than two perturbations with two wells can be held out, or none is left.

    """
    rng = np.random.default_rng([seed, 1])
    candidates = [i for i, rows in enumerate(pairs.members) if len(np.unique(pairs.well[rows])) > 1]
    count = max(2, round(settings.share * len(pairs.names)))
    if len(candidates) < count or len(pairs.names) <= count:
        raise InputError(
            f"the probe would hold out {count} of {len(pairs.names)} perturbations, of which {len(candidates)} have two wells; leave probe "
            "out, or give more perturbations"
        )
    held = sorted(rng.choice(candidates, count, replace=False).tolist())
    # Every well is seen before any is seen by a second site.
    sites = np.concatenate([rng.permutation(pairs.members[i]) for i in held])
    turn = np.zeros(len(sites), dtype=np.intp)
    seen: dict[int, int] = {}
    for place, number in enumerate(sites):
        turn[place] = seen[int(pairs.well[number])] = seen.get(int(pairs.well[number]), -1) + 1
    sites = np.sort(sites[np.argsort(turn, kind="stable")][: settings.sites])
    group_of = {int(number): i for i in held for number in pairs.members[i]}
    group = np.array([group_of[int(number)] for number in sites], dtype=np.intp)
    left = [i for i in range(len(pairs.names)) if i not in set(held)]
    kept = dataclasses.replace(pairs, names=[pairs.names[i] for i in left], members=[pairs.members[i] for i in left])
    return kept, Probe(pictures, sites, pairs.well[sites], group, pairs.batch[sites], size)
