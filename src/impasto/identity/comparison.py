"""Two identities compared: one sentence where they differ, or where one records nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import anndata

from impasto.identity.record import Identity, of, plain
from impasto.schema import InputError

_COMPARED = (
    *("name", "sha256", "commit", "code", "input", "order", "layer", "readout", "size", "crops", "normalise", "preprocessing"),
    *("illumination", "precision", "settings"),
)
"""What must agree of two encoders, in the order that a difference is named in. Licence and runtime do not change what a feature means."""
_SAID_BY_THE_WEIGHTS = ("name", "commit")
"""What may differ where the weights are the same: they may lie under two names, and in two commits."""
_PRINTED: set[str] = set()
_OF_A_FIT = ("learned_anew",)
"""Keys of a step that say what happened in one fit; two tables that differ in them are corrected alike."""


def compare(expected: Identity, given: Identity, /, *, of_expected: str, of_given: str, steps: bool = True) -> str:
    """Refuse two identities that differ.

    Parameters
    ----------
    expected
        What a run, a fitted correction or an index was made of.
    given
        What is about to be read by it.
    of_expected, of_given
        What each is called in a sentence: `"the run runs/a"`, `"the profiles p.parquet"`.
    steps
        Whether the correction steps must agree too.

    Returns
    -------
    str
        A sentence to print once where one of the two records nothing, so that they could not be compared; else `""`.

    Raises
    ------
    InputError
        The encoders, the runs or (with `steps`) the correction steps differ: one sentence that names both, and what helps.

    """
    if not (expected.known and given.known):
        unknown = [name for name, identity in ((of_expected, expected), (of_given, given)) if not identity.known]
        return f"nothing records which encoder and corrections made {' and '.join(unknown)}, so this was not compared"
    if (expected.run or {}).get("sha256") != (given.run or {}).get("sha256"):
        embedded = [f"embeddings of the run {_named(one.run)}" if one.run else "profiles that no run embedded" for one in (expected, given)]
        raise InputError(f"{of_expected}: {embedded[0]}; {of_given}: {embedded[1]}; give profiles that were made alike")
    if expected.encoder and given.encoder and _differ(expected.encoder, given.encoder):
        first, second = _encoders_by_difference(expected.encoder, given.encoder)
        remedy = f"profile the images with --encoder {expected.encoder.get('name')} and the same settings"
        raise InputError(f"the encoder of {of_expected} is {first}, that of {of_given} is {second}{_first_of(expected, given)}; {remedy}")
    if steps and _compared(expected.steps) != _compared(given.steps):
        first, second = _steps_by_difference(expected.steps, given.steps)
        remedy = "correct the profiles by the same steps" if expected.steps else "give the profiles as they were before the correction"
        raise InputError(f"the correction of {of_expected} is {first}, that of {of_given} is {second}; {remedy}")
    return ""


def check(expected: Identity, given: Identity, /, *, of_expected: str, of_given: str, steps: bool = True) -> None:
    """Refuse two identities that differ, as `compare`. Print once in a process what could not be compared.

    Parameters
    ----------
    expected
        What a run, a fitted correction or an index was made of.
    given
        What is about to be read by it.
    of_expected, of_given
        What each is called in a sentence: `"the run runs/a"`, `"the profiles p.parquet"`.
    steps
        Whether the correction steps must agree too.

    Raises
    ------
    InputError
        The encoders, the runs or (with `steps`) the correction steps differ.

    """
    note = compare(expected, given, of_expected=of_expected, of_given=of_given, steps=steps)
    if note and note not in _PRINTED:
        from impasto.progress import say

        _PRINTED.add(note)
        say(note)


def common(profiles: Sequence[anndata.AnnData], /) -> Identity:
    """The identity that all these tables share, for what is stacked from them.

    Parameters
    ----------
    profiles
        Tables of profiles.

    Returns
    -------
    Identity
        An empty one where a table has none.

    Raises
    ------
    InputError
        Two identities differ.

    """
    identities = [of(table) for table in profiles]
    if not identities or not all(one.known for one in identities):
        return Identity()
    for number, other in enumerate(identities[1:], start=2):
        compare(identities[0], other, of_expected="table 1", of_given=f"table {number}")
    return identities[0]


def _differ(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    """The keys in which two encoders differ, among those that both record, in the order of `_COMPARED`."""
    same_weights = bool(first.get("sha256")) and first.get("sha256") == second.get("sha256")
    keys = [key for key in _COMPARED if first.get(key) is not None and second.get(key) is not None]
    return [key for key in keys if not (same_weights and key in _SAID_BY_THE_WEIGHTS) and plain(first[key]) != plain(second[key])]


def _encoders_by_difference(first: Mapping[str, Any], second: Mapping[str, Any]) -> tuple[str, str]:
    """Two encoders by name; where their names are the same, with the settings that differ."""
    if _named(first) != _named(second):
        return _named(first), _named(second)
    keys = _differ(first, second)
    one, other = (f"{_named(e)} with {', '.join(f'{key} {_written(e.get(key))}' for key in keys)}" for e in (first, second))
    return one, other


def _first_of(expected: Identity, given: Identity) -> str:
    """The first field in which two encoders of different names differ, beside their names and hashes; `""` where there is none."""
    first, second = expected.encoder or {}, given.encoder or {}
    keys = [key for key in _differ(first, second) if key not in ("name", "sha256", "commit")]
    if _named(first) == _named(second) or not keys:
        return ""
    return f" (they differ in {keys[0]} first: {_written(first.get(keys[0]))}, {_written(second.get(keys[0]))})"


def _named(part: Mapping[str, Any]) -> str:
    """An encoder or a run by its name, layer, readout, and the beginning of its hash."""
    layer = f" layer {part['layer']}" if part.get("layer") is not None else ""
    readout = f" {part['readout']}" if part.get("readout") else ""
    sha = str(part.get("sha256") or "")
    hashed = f" (sha256 {sha[:12]})" if len(sha) == 64 else f" ({sha})" if sha else ""
    return f"{part.get('name')}{layer}{readout}{hashed}"


def _compared(steps: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{key: plain(value) for key, value in step.items() if key not in _OF_A_FIT} for step in steps]


def _steps_by_difference(first: Sequence[Mapping[str, Any]], second: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """Two corrections by the names of their steps; where these are the same, with the settings of the first step that differs."""
    names = [" > ".join(str(step["method"]) for step in steps) or "none" for steps in (first, second)]
    if names[0] != names[1]:
        return names[0], names[1]
    one, other = next((a, b) for a, b in zip(_compared(first), _compared(second), strict=True) if a != b)
    keys = [key for key in sorted({*one, *other}) if one.get(key) != other.get(key)]
    settings = [", ".join(f"{one['method']}.{key} = {_written(step.get(key))}" for key in keys) for step in (one, other)]
    return f"{names[0]} ({settings[0]})", f"{names[1]} ({settings[1]})"


def _written(value: Any) -> str:
    return "not recorded" if value is None else value if isinstance(value, str) else json.dumps(plain(value), sort_keys=True)
