"""Everything that a run needs to go on as if it had never stopped: weights, optimiser, random state, place. No pickle.

A checkpoint is one file, `state.safetensors`: the tensors of the method and of the optimiser, the random state, and as metadata the
place (step, best score, early-stopping count). One file can be replaced in one step: a kill leaves the old one or the new one whole.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save as as_bytes
from torch import Tensor, nn

from impasto import devices, runs
from impasto.nets.encoders import resnet
from impasto.schema import InputError

_RANDOM = "random."
_FILE, _PLACE = "state.safetensors", "place"


def save(folder: Path, *, method: nn.Module, optimiser: torch.optim.Optimizer, place: Mapping[str, Any]) -> None:
    """Write a checkpoint, replacing the one before it as a whole.

    Parameters
    ----------
    folder
        Of the checkpoint.
    method, optimiser
        Whose tensors are written.
    place
        Step, best score and the like, plain values.

    """
    tensors = {f"method.{k}": v for k, v in method.state_dict().items()}
    for number, state in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{number}.{k}": torch.as_tensor(v) for k, v in state.items()}
    tensors |= {_RANDOM + kind: state for kind, state in devices.random_state().items()}
    # Tensors that share memory (tied weights) must be saved apart: safetensors refuses aliases.
    apart = {k: v.detach().cpu().clone().contiguous() for k, v in tensors.items()}
    with runs.atomic(folder / _FILE) as temporary:
        # As bytes: `save_file` writes under a name of its own, which a killed run would leave behind.
        temporary.write_bytes(as_bytes(apart, metadata={_PLACE: json.dumps(place, sort_keys=True)}))


def exists(folder: Path) -> bool:
    """Whether there is a checkpoint to go on from.

    Parameters
    ----------
    folder
        Of the checkpoint.

    Returns
    -------
    bool
        True where there is one.

    """
    return (folder / _FILE).exists()


def load(folder: Path, *, method: nn.Module, optimiser: torch.optim.Optimizer) -> dict[str, Any]:
    """Put a checkpoint back into a method and its optimiser, and set the random state.

    Parameters
    ----------
    folder
        Of the checkpoint.
    method, optimiser
        Changed in place.

    Returns
    -------
    dict[str, Any]
        The place that `save` was given.

    Raises
    ------
    InputError
        Where the weights do not fit the method, or are those of a ResNet that version 0.1.0 began to train.

    """
    with safe_open(folder / _FILE, framework="pt") as stored:
        place: dict[str, Any] = json.loads(stored.metadata()[_PLACE])
        tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    weights = {k.removeprefix("method."): v for k, v in tensors.items() if k.startswith("method.")}
    if resnet.renamed(weights).keys() != weights.keys():
        # The optimiser numbers the weights in the order of the net, which is another one now.
        raise InputError(
            f"{folder} was begun by version 0.1.0 of impasto, whose ResNet is written otherwise. A finished run of it can be used; "
            "this one cannot go on: remove the folder and train again"
        )
    put(method, weights, where=str(folder))
    whole = optimiser.state_dict()
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        if key.startswith("optimiser."):
            _, number, name = key.split(".", 2)
            state.setdefault(int(number), {})[name] = tensor
    optimiser.load_state_dict({"state": state, "param_groups": whole["param_groups"]})
    devices.set_random_state({k.removeprefix(_RANDOM): v for k, v in tensors.items() if k.startswith(_RANDOM)})
    return place


def put(module: nn.Module, tensors: Mapping[str, Tensor], *, where: str, fresh: Sequence[str] = ()) -> None:
    """Load weights by name, all of them and no others.

    Parameters
    ----------
    module
        Changed in place.
    tensors
        Name -> weight; the names of version 0.1.0 are understood.
    where
        What an error names.
    fresh
        Patterns of names (`sources.*`) that may differ; such a weight keeps its value in the module.

    Raises
    ------
    InputError
        Where a weight is not finite, missing, new or misshapen; the sentence names the first.

    """
    tensors = resnet.renamed(tensors)
    for name, tensor in sorted(tensors.items()):
        if not torch.isfinite(tensor).all():
            raise InputError(
                f"{where}: weight {name!r} holds values that are not finite, so all that it makes would be; train it again: "
                "impasto train RECIPE --out RUN"
            )
    own = module.state_dict()
    wrong = dict.fromkeys(own.keys() - tensors.keys(), "missing")
    wrong |= dict.fromkeys(tensors.keys() - own.keys(), "not part of this model")
    shared = own.keys() & tensors.keys()
    wrong |= {
        name: f"of shape {tuple(tensors[name].shape)}, this model needs {tuple(own[name].shape)}"
        for name in shared
        if own[name].shape != tensors[name].shape
    }
    for name in sorted(wrong):
        if not any(fnmatch.fnmatchcase(name, pattern) for pattern in fresh):
            raise InputError(f"{where}: weight {name!r} is {wrong[name]}; was it trained with other settings?")
    module.load_state_dict({name: own[name] if name in wrong else tensors[name] for name in own})
