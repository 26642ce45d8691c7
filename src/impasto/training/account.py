"""What a training took and how large it was, from what it left: the columns of size and time of the papers' tables.

The log counts steps, views (images that went through a net) and hours of all devices; model.json counts images and weights. The minutes
are those of the training alone: not of reading images, embedding or scoring.
"""

from __future__ import annotations

import math
from pathlib import Path

from impasto.training import log, model_json, verdict

NOT_TRAINED = "not trained"
"""1 where the run's own log calls it so (training/verdict.py), else 0."""


def of_run(run: Path, /) -> dict[str, float]:
    """The account of a trained run.

    Parameters
    ----------
    run
        The folder that `impasto train` left.

    Returns
    -------
    dict[str, float]
        Of the training: `steps`, `views`, `device hours`, `training minutes` (their sum over devices), `images`, `perturbations`. Of the
        encoder, in millions: all parameters, and those that learn; of a run that does not count them, all numbers of its weights.
        `share of uniform` is the largest share that a term of the loss keeps of what uniform answers are worth. `not trained` is 0 or 1.
        What a run does not record is left out.

    Raises
    ------
    InputError
        Where the folder is no trained run.

    """
    facts = model_json.read(run)["facts"]
    lines = log.read(run / log.FILE)
    last = lines[-1] if lines else {"step": 0, "device_hours": 0.0, "images_seen": 0}
    account = {"steps": float(last["step"]), NOT_TRAINED: float(verdict.KEY in last)}
    if "images_seen" in last:
        account["views"] = float(last["images_seen"])
    if "device_hours" in last:
        account |= {"device hours": float(last["device_hours"]), "training minutes": 60 * float(last["device_hours"])}
    shares = [value for name, value in last.items() if name.endswith(verdict.OF_UNIFORM)]
    if shares:
        account["share of uniform"] = max(shares)
    if "sites" in facts:
        account["images"] = float(facts["sites"])
    if facts.get("split", {}).get("train"):
        account["perturbations"] = float(len(facts["split"]["train"]))
    if "parameters" in facts:
        account["parameters (millions)"] = facts["parameters"] / 1e6
    elif (weights := run / model_json.WEIGHTS).exists():
        account["parameters (millions)"] = _numbers(weights) / 1e6
    if "trained_parameters" in facts:
        account["trained parameters (millions)"] = facts["trained_parameters"] / 1e6
    return account


def _numbers(weights: Path) -> int:
    """How many numbers a file of weights holds; its header alone is read."""
    from safetensors import safe_open

    with safe_open(weights, framework="np") as file:
        shapes: list[list[int]] = [file.get_slice(name).get_shape() for name in file.keys()]  # noqa: SIM118 - no mapping
    return sum(math.prod(shape) for shape in shapes)
