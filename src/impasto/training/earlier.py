"""An earlier run to start from: what it was, what it remembers, its weights. `start = "@earlier"` of a train stage."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anndata
from torch import Tensor

from impasto import border, identity
from impasto.identity import Identity
from impasto.schema import InputError
from impasto.settings import Settings
from impasto.training import checkpoint, model_json
from impasto.training.method import Prepared, Trainable


@dataclass(frozen=True)
class Earlier:
    """A run that `impasto train` left.

    Attributes
    ----------
    folder
        Of the run.
    method
        The settings of its method.
    facts
        What model.json remembers.
    weights
        By name.

    """

    folder: Path
    method: dict[str, Any]
    facts: dict[str, Any]
    weights: dict[str, Tensor]

    @property
    def identity(self) -> Identity:
        """What made the profiles that the run was trained on."""
        return identity.of_facts(self.facts)

    @classmethod
    def read(cls, folder: Path) -> Earlier:
        """Open a run.

        Parameters
        ----------
        folder
            Of the run.

        Returns
        -------
        Earlier
            Its settings, facts and weights.

        Raises
        ------
        InputError
            Where the folder is not a finished run.

        """
        for name in (model_json.FILE, model_json.WEIGHTS):
            if not (folder / name).exists():
                raise InputError(f"{folder} is not a finished run (it has no {name}); make one with: impasto train RECIPE --out RUN")
        said = model_json.read(folder)
        weights = border.weights(folder / model_json.WEIGHTS, "trained run", remedy=model_json.REMEDY)
        return cls(folder, said["method"], said["facts"], weights)


def begun(trainable: Trainable, settings: Settings, data: Any, earlier: Earlier | None, /, *, seed: int) -> Prepared:
    """A method with its data; with an earlier run it holds that run's weights, matched by name.

    Parameters
    ----------
    trainable, settings
        The method and what its table says.
    data
        Profiles (AnnData) or Sites, as the method reads.
    earlier
        The run to start from. Its profiles and these must come from one encoder and one correction.
    seed
        Of the weights and the minibatches.

    Returns
    -------
    Prepared
        The method, its feed and its facts; `facts["identity"]` says what made the profiles.

    Raises
    ------
    InputError
        On every mismatch that the settings do not allow.

    """
    if not isinstance(data, anndata.AnnData):
        prepared = _begun(trainable, settings, data, earlier, seed=seed)
        if earlier is not None:
            _refuse_other_channels(earlier, prepared)
        return prepared
    made = identity.of(data)
    if earlier is not None:
        identity.check(earlier.identity, made, of_expected=f"the run {earlier.folder}", of_given="the profiles")
    prepared = _begun(trainable, settings, data, earlier, seed=seed)
    return dataclasses.replace(prepared, facts={**prepared.facts, "identity": made.record()})


def _refuse_other_channels(earlier: Earlier, prepared: Prepared) -> None:
    """Weights of channels are matched by their place, so the channels must be the same ones in the same order."""
    before, now = earlier.facts.get("channels"), prepared.facts.get("channels")
    if before is not None and before != now:
        raise InputError(
            f"the run {earlier.folder} was trained on the channels {', '.join(before)}, and these images are read as "
            f"{', '.join(now or [])}; set channels = {json.dumps(before)} in [stage.method]"
        )


def _begun(trainable: Trainable, settings: Settings, data: Any, earlier: Earlier | None, /, *, seed: int) -> Prepared:
    if earlier is None:
        return trainable.prepare(settings, data, seed=seed)
    prepared = (
        trainable.prepare(settings, data, seed=seed)
        if trainable.prepare_from is None
        else trainable.prepare_from(settings, data, earlier, seed=seed)
    )
    checkpoint.put(prepared.method, earlier.weights, where=str(earlier.folder), fresh=prepared.fresh)
    return prepared
