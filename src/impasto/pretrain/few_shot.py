"""Few-shot fine-tuning: an encoder of an earlier run, or an untrained one, learns to name perturbations from a few wells of a new line.

Whole encoder and a new linear classifier, cross entropy, as in WSL (Integrating Biological Knowledge for Robust Microscopy Image Profiling
on De Novo Cell Lines, sections 4.1.3 and B.5). A *material* is the data with what is known of the encoder. It makes a new method, with the
same weights every time, for the rows that are shown, and it scores any rows. There is one for images and one for profiles.

Channels are matched by name. One that the run was trained on and the images lack counts as its mean, so the rest of the encoder is used as
it is. A feature that a profile run was trained on and the table lacks is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from impasto import identity
from impasto import profiles as tables
from impasto.perturbations import cell_lines
from impasto.plates.sites import Sites
from impasto.pretrain import profile_wsl, views
from impasto.pretrain.frozen import matched
from impasto.pretrain.images import Facts
from impasto.pretrain.pictures import Pictures
from impasto.pretrain.profile_wsl import ProfileWsl, ProfileWslSettings, Wells
from impasto.pretrain.view_feed import ViewFeed
from impasto.pretrain.views import View
from impasto.pretrain.wsl import Wsl, WslSettings
from impasto.sampling.pairs import Pairs
from impasto.schema import InputError
from impasto.training import checkpoint
from impasto.training.earlier import Earlier
from impasto.training.method import Method, Prepared
from impasto.training.wrapped import innermost

Rows = npt.NDArray[np.intp]
_TOGETHER = 64
_WHOLE = View((0.5, 0.5), (1.0, 1.0))


class Material(Protocol):
    """Data of a new line, and the encoder to begin with."""

    units: pd.DataFrame
    """One row a site or well, with its annotation."""
    names: npt.NDArray[np.object_]
    """The class of each row, `""` for none."""

    def prepared(self, shown: Rows, /, *, seed: int) -> Prepared:
        """A new method; its encoder always begins with the same weights.

        Parameters
        ----------
        shown
            The rows to train on.
        seed
            Of the new weights and the minibatches.

        Returns
        -------
        Prepared
            The method, its feed and its facts, `classes` among them.

        """

    def begin(self, prepared: Prepared, /) -> None:
        """Put the earlier run's weights into a method that has its additions.

        Parameters
        ----------
        prepared
            What `prepared` gave.

        """

    def scores(self, method: Method, rows: Rows, /) -> npt.NDArray[np.float32]:
        """The scores of the classes of `prepared(...).facts["classes"]`.

        Parameters
        ----------
        method
            A trained method.
        rows
            The rows to score.

        Returns
        -------
        npt.NDArray[np.float32]
            (rows, classes).

        """


class Images:
    """Sites of a new line.

    Parameters
    ----------
    sites
        Ingested images.
    settings
        What a recipe says of the method.
    earlier
        A run of an image-only method; None: the encoder of the settings, untrained.
    among
        The sites that may be read.
    where
        What an error names.

    """

    def __init__(self, sites: Sites, settings: dict[str, Any], earlier: Earlier | None, *, among: Sequence[int], where: str) -> None:
        self.earlier, self.units = earlier, sites.table
        chosen_settings = {"name": "wsl", **settings}
        if earlier is not None:
            chosen_settings = {
                **chosen_settings,
                "encoder": earlier.method["encoder"],
                "views": {**earlier.method["views"], **settings.get("views", {})},
            }
            chosen_settings["views"]["size"] = earlier.method["views"]["size"]
        self.settings = WslSettings.read(chosen_settings, where=where)
        chosen = self.settings.pairs.model_copy(update={"wells": "single", "epoch": "sites", "controls": False})
        self.settings = self.settings.model_copy(update={"pairs": chosen})
        self.names = profile_wsl.class_names(sites.table, chosen.group_by)
        read = sites.channels
        if earlier is not None:
            kind = self.settings.encoder.name
            # A channel that the run has never seen is of no use to its classifier, whatever the encoder could read.
            kind = "channel_vit" if kind == "ca_mae" else kind
            read = matched(Facts.of(earlier.facts), sites.channels, kind=kind, where=str(earlier.folder)).read
        self.pictures = Pictures(
            sites, channels=read, longest=self.settings.longest, memory_mb=self.settings.memory_mb, among=[int(row) for row in among]
        )
        if earlier is None:
            light = [float(m) for m in self.pictures.mean], [float(s) for s in self.pictures.spread]
            self.known = Facts(list(read), *light, perturbations=[])
        else:
            self.known = Facts.of(earlier.facts)
        self.filled = _Filled(self.pictures, self.known)

    def prepared(self, shown: Rows, /, *, seed: int) -> Prepared:
        pairs = Pairs.of(self.units, self.settings.pairs, among=[int(row) for row in np.intersect1d(shown, self.pictures.readable)])
        facts = Facts(self.known.channels, self.known.mean, self.known.spread, pairs.names)
        torch.manual_seed(seed)
        method = Wsl(self.settings, facts)
        feed = ViewFeed(self.filled, pairs, self.settings, tokens=int(method.encoder.tokens), focal=False, seed=seed)
        return Prepared(method, feed, None, {"classes": pairs.names}, units=self.units)

    def begin(self, prepared: Prepared, /) -> None:
        _begin(prepared, self.earlier)

    @torch.no_grad()
    def scores(self, method: Method, rows: Rows, /) -> npt.NDArray[np.float32]:
        inner: Any = innermost(method).eval()
        parts = []
        for some in np.array_split(rows, max(1, -(-len(rows) // _TOGETHER))):
            images = views.render([self.filled[int(row)] for row in some], [_WHOLE] * len(some), size=self.settings.views.size)
            with cell_lines.reading(method, torch.as_tensor(some)):
                parts.append(inner.classifier(inner.embed(images)))
        return torch.cat(parts).numpy()


class _Filled:
    """Pictures with the channels of a run: those that are not there hold their mean, which the method's light turns to 0."""

    def __init__(self, pictures: Pictures, facts: Facts, /) -> None:
        self.pictures, self.channels = pictures, facts.channels
        self.place = [pictures.channels.index(name) if name in pictures.channels else -1 for name in facts.channels]
        self.mean = torch.tensor(facts.mean, dtype=torch.float32)

    def __getitem__(self, number: int) -> Tensor:
        there = self.pictures[number]
        if self.place == list(range(len(there))):
            return there
        empty = self.mean[:, None, None].expand(-1, *there.shape[1:])
        return torch.stack([there[p] if p >= 0 else empty[i] for i, p in enumerate(self.place)])


class Profiles:
    """Wells of a new line.

    Parameters
    ----------
    profiles
        Profiles of wells.
    settings
        What a recipe says of the method.
    earlier
        A run of profile_wsl; None: the settings, untrained.
    where
        What an error names.

    """

    def __init__(self, profiles: anndata.AnnData, settings: dict[str, Any], earlier: Earlier | None, *, where: str) -> None:
        chosen_settings = {"name": "profile_wsl", **settings}
        if earlier is not None:
            if earlier.method["name"] != "profile_wsl":
                raise InputError(f"{earlier.folder} holds a {earlier.method['name']} model; on profiles, start from a profile_wsl run")
            built = {k: earlier.method[k] for k in ("blocks", "width", "depth", "heads", "out")}
            chosen_settings = {**chosen_settings, **built}
            identity.check(earlier.identity, identity.of(profiles), of_expected=f"the run {earlier.folder}", of_given="the profiles")
            profiles = tables.with_features(profiles, earlier.facts["features"])
        self.settings = ProfileWslSettings.read(chosen_settings, where=where)
        self.earlier, self.profiles, self.units = earlier, profiles, profiles.obs
        self.names = profile_wsl.class_names(profiles.obs, self.settings.classes)
        values, _, _ = tables.blocks(profiles, by=self.settings.blocks, among=self._blocks())
        self.values = torch.as_tensor(values)

    def _blocks(self) -> list[str] | None:
        return None if self.earlier is None else list(self.earlier.facts["blocks"])

    def prepared(self, shown: Rows, /, *, seed: int) -> Prepared:
        return profile_wsl.assemble(self.settings, self.profiles, self.names, among=shown, seed=seed, blocks=self._blocks())

    def begin(self, prepared: Prepared, /) -> None:
        _begin(prepared, self.earlier)

    @torch.no_grad()
    def scores(self, method: Method, rows: Rows, /) -> npt.NDArray[np.float32]:
        inner = innermost(method).eval()
        assert isinstance(inner, ProfileWsl)
        chosen = torch.as_tensor(rows)
        with cell_lines.reading(method, chosen):
            return inner.scores(Wells(self.values[chosen], chosen, chosen)).numpy()


def _begin(prepared: Prepared, earlier: Earlier | None) -> None:
    """The encoder's weights and its light, by name. Only a new classifier, and tokens that the run did not have, keep their new weights."""
    if earlier is None:
        return
    own = prepared.method.state_dict()
    encoder_weights = {name: value for name, value in earlier.weights.items() if name.startswith("encoder.") or name in ("mean", "spread")}
    had_tokens = any(".trunk.lines." in name for name in encoder_weights)
    fresh = ["classifier.*"] if had_tokens else ["classifier.*", cell_lines.FRESH]
    if had_tokens and not any(".trunk.lines." in name for name in own):
        raise InputError(f"{earlier.folder} was trained with cell-line tokens; give its variant the same [cell_lines]")
    checkpoint.put(prepared.method, encoder_weights, where=str(earlier.folder), fresh=fresh)
