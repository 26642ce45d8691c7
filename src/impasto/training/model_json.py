"""`model.json`, the description that `impasto train` leaves beside the weights: the one place that reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from impasto import border
from impasto.schema import InputError

FILE, WEIGHTS = "model.json", "model.safetensors"
REMEDY = "make it again: impasto train RECIPE --out RUN"

_FORMS: dict[str, Any] = {
    **dict.fromkeys(("blocks", "channels", "classes", "features", "groups", "lines", "perturbations"), list[str]),
    **dict.fromkeys(("source_keys", "sources", "tokens"), list[str]),
    **dict.fromkeys(("mean", "spread"), list[float]),
    **dict.fromkeys(("split", "split_identities"), dict[str, list[str]]),
    **dict.fromkeys(("cell_lines", "identity", "prior", "start"), dict[str, Any]),
    **dict.fromkeys(("parameters", "perturbation_width", "profile_width", "sites", "trained_parameters"), int),
}
"""The form of what a run remembers of its data, for all that later commands read."""


def is_run(folder: Path, /) -> bool:
    """Whether a folder is a trained run.

    Parameters
    ----------
    folder
        Any folder.

    Returns
    -------
    bool
        Whether a description lies in it.

    """
    return (folder / FILE).exists()


def read(folder: Path, /) -> dict[str, Any]:
    """The description of a trained run.

    Parameters
    ----------
    folder
        Of the run.

    Returns
    -------
    dict[str, Any]
        `method` (its settings, `name` among them) and `facts` are there and are objects.

    Raises
    ------
    InputError
        The folder is no trained run, or its description is damaged.

    """
    if not is_run(folder):
        raise InputError(f"{folder} is not a trained run (it has no {FILE}); train one with: impasto train RECIPE --profiles P --out RUN")
    described = border.json_object(folder / FILE, "trained run", remedy=REMEDY)
    with border.reading(folder / FILE, "trained run", remedy=REMEDY):
        _check(described)
    return described


def _check(described: dict[str, Any]) -> None:
    for word in ("method", "facts"):
        if not isinstance(described[word], dict):
            raise ValueError(f"{word} is a {type(described[word]).__name__}, not an object")
    if not isinstance(described["method"]["name"], str):
        raise ValueError("its method has no name")
    for word, form in _FORMS.items():
        if word in described["facts"]:
            border.checked(described["facts"][word], form, word)
