"""What made a table of profiles: the encoder and the correction steps, and a comparison that refuses a mismatch.

An identity travels in `profiles.uns["impasto"]`, a plain nested dict that survives Parquet, `.h5ad` and `.zarr`, and in the key
`identity` of a run's `model.json`:

    {"encoder": {"name": "dinov2_s14", "sha256": "1986...", "layer": 6, "readout": "mean", "size": 224,
                 "preprocessing": "8 bit by ...", "illumination": "none", ...},
     "steps": [{"method": "standardize", "by": "plate", ...}, ...],
     "run": {"name": "cellclip", "path": "/data/runs/cellclip", "sha256": "ab12..."}}

`run` is there after `impasto embed` only: the trained run whose space the rows lie in. The names of the features are `var_names` of the
profiles and `facts["features"]` of a run, and are matched by name (`profiles.with_features`); they are not written a second time.
A table or a run without an identity (CellProfiler's, a CSV, one of 0.1.0) cannot be compared: `compare` returns a sentence to print.

    identity.record_encoder(profiles, {"name": "efficientnet_lite0", "sha256": "..."})        whoever makes profiles of images
    identity.record_step(corrected, {"method": "tvn", "by": "batch"})                         whoever corrects: once a step, in order
    note = identity.compare(made, identity.of(profiles), of_expected="the run runs/a", of_given="the profiles p.parquet")

A fitted correction keeps `identity.of(profiles).record()` of what it was fitted on; `Identity.read(record)` is `made` of the last line.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anndata

from impasto.schema import InputError

KEY = "impasto"
"""The entry of `uns` that holds the identity."""
_COMPARED = ("name", "sha256", "layer", "readout", "size", "preprocessing", "illumination", "settings")
"""What must agree of two encoders. Licence and runtime do not change what a feature means."""
_KEPT = "identity.json"
_SAID: set[str] = set()
_OF_A_FIT = ("learned_anew",)
"""Keys of a step that say what happened in one fit; two tables that differ in them are corrected alike."""


@dataclass(frozen=True)
class Identity:
    """What made some profiles. `encoder` and `run` are None where there is none; `steps` are in the order they were applied."""

    encoder: dict[str, Any] | None = None
    steps: tuple[dict[str, Any], ...] = ()
    run: dict[str, Any] | None = None

    @property
    def known(self) -> bool:
        """Whether anything at all is recorded."""
        return self.encoder is not None or bool(self.steps) or self.run is not None

    def record(self) -> dict[str, Any]:
        """The identity as `uns` and `model.json` hold it.

        Returns
        -------
        dict
            Plain and JSON-safe, without what is not known.

        """
        parts = {"encoder": self.encoder, "steps": list(self.steps), "run": self.run}
        return {name: _plain(part) for name, part in parts.items() if part}

    @classmethod
    def read(cls, record: Any, /) -> Identity:
        """The identity of a record.

        Parameters
        ----------
        record
            A dict, or its JSON.

        Returns
        -------
        Identity
            An empty one where the record is missing or not ours.

        """
        if isinstance(record, str):
            try:
                record = json.loads(record)
            except json.JSONDecodeError:
                return cls()
        if not isinstance(record, Mapping):
            return cls()
        steps = tuple(dict(step) for step in record.get("steps", []))
        encoder, run = record.get("encoder"), record.get("run")
        return cls(dict(encoder) if encoder else None, steps, dict(run) if run else None)


def of(profiles: anndata.AnnData, /) -> Identity:
    """What made these profiles.

    Parameters
    ----------
    profiles
        Any profiles.

    Returns
    -------
    Identity
        An empty one (`known` is False) where nothing is recorded.

    """
    return Identity.read(profiles.uns.get(KEY))


def of_facts(facts: Mapping[str, Any], /) -> Identity:
    """What made the profiles that a run was trained on.

    Parameters
    ----------
    facts
        The `facts` of the run's `model.json`.

    Returns
    -------
    Identity
        An empty one for a run of 0.1.0.

    """
    return Identity.read(facts.get("identity"))


def put(profiles: anndata.AnnData, identity: Identity, /) -> None:
    """Write an identity into `uns`, in place of the one there.

    Parameters
    ----------
    profiles
        Profiles, not a view.
    identity
        What made them.

    """
    record = identity.record()
    profiles.uns = {**{key: value for key, value in profiles.uns.items() if key != KEY}, **({KEY: record} if record else {})}


def record_encoder(profiles: anndata.AnnData, encoder: Mapping[str, Any], /) -> None:
    """Write down the encoder that made these profiles.

    Parameters
    ----------
    profiles
        Profiles of sites or wells, not a view. Their `uns` changes; nothing that shares it does.
    encoder
        `name`, `sha256`, and as far as they apply `layer`, `readout`, `size`, `preprocessing`, `illumination`, `settings`.

    """
    known = of(profiles)
    put(profiles, Identity(dict(encoder), known.steps, known.run))


def record_step(profiles: anndata.AnnData, step: Mapping[str, Any], /) -> None:
    """Write down a correction step, after those that stand there.

    Parameters
    ----------
    profiles
        The corrected profiles, not a view. Their `uns` changes; the profiles before the correction, which may share it, do not.
    step
        `method` and its settings, plain values: `{"method": "sphering", "by": "plate", "regulariser": 1.0}`.

    Raises
    ------
    InputError
        Where the step has no `method`.

    """
    if "method" not in step:
        raise InputError(f"a correction step needs its method; this one has {', '.join(step) or 'nothing'}")
    known = of(profiles)
    put(profiles, Identity(known.encoder, (*known.steps, dict(step)), known.run))


def record_run(embeddings: anndata.AnnData, folder: Path, sha256: str, /, *, read: Identity) -> None:
    """Write down the trained run that made these embeddings.

    Parameters
    ----------
    embeddings
        Rows in the space of the run, not a view.
    folder
        The run.
    sha256
        Of its weights.
    read
        What made the profiles that the run has read.

    """
    put(embeddings, Identity(read.encoder, read.steps, {"name": folder.name, "path": str(folder.resolve()), "sha256": sha256}))


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
        first, second = _told_apart(expected.encoder, given.encoder)
        remedy = f"profile the images with --encoder {expected.encoder.get('name')} and the same settings"
        raise InputError(f"the encoder of {of_expected} is {first}, that of {of_given} is {second}; {remedy}")
    if steps and _compared(expected.steps) != _compared(given.steps):
        first, second = _steps_told_apart(expected.steps, given.steps)
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
    if note and note not in _SAID:
        from impasto.progress import say

        _SAID.add(note)
        say(note)


def keep(folder: Path, identity: Identity, /) -> None:
    """Write the identity of the profiles that fitted steps were fitted on into the folder of these steps.

    Parameters
    ----------
    folder
        The folder of the fitted steps.
    identity
        What made the profiles of the fit.

    """
    from impasto.runs import write_json

    write_json(folder / _KEPT, identity.record())


def kept(folder: Path, /) -> Identity:
    """The identity of the profiles that the fitted steps of a folder were fitted on.

    Parameters
    ----------
    folder
        The folder of the fitted steps.

    Returns
    -------
    Identity
        An empty one for a folder of 0.1.0.

    """
    return Identity.read((folder / _KEPT).read_text() if (folder / _KEPT).exists() else None)


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
    """The keys in which two encoders differ, among those that both record. The same weights may lie under two names."""
    same_weights = bool(first.get("sha256")) and first.get("sha256") == second.get("sha256")
    keys = [key for key in _COMPARED if first.get(key) is not None and second.get(key) is not None]
    return [key for key in keys if not (key == "name" and same_weights) and _plain(first[key]) != _plain(second[key])]


def _told_apart(first: Mapping[str, Any], second: Mapping[str, Any]) -> tuple[str, str]:
    """Two encoders by name; where their names are the same, with the settings that differ."""
    if _named(first) != _named(second):
        return _named(first), _named(second)
    keys = _differ(first, second)
    one, other = (f"{_named(e)} with {', '.join(f'{key} {_written(e.get(key))}' for key in keys)}" for e in (first, second))
    return one, other


def _named(part: Mapping[str, Any]) -> str:
    """An encoder or a run by its name, layer, readout, and the beginning of its hash."""
    layer = f" layer {part['layer']}" if part.get("layer") is not None else ""
    readout = f" {part['readout']}" if part.get("readout") else ""
    sha = str(part.get("sha256") or "")
    hashed = f" (sha256 {sha[:12]})" if len(sha) == 64 else f" ({sha})" if sha else ""
    return f"{part.get('name')}{layer}{readout}{hashed}"


def _compared(steps: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{key: _plain(value) for key, value in step.items() if key not in _OF_A_FIT} for step in steps]


def _steps_told_apart(first: Sequence[Mapping[str, Any]], second: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """Two corrections by the names of their steps; where these are the same, with the settings of the first step that differs."""
    names = [" > ".join(str(step["method"]) for step in steps) or "none" for steps in (first, second)]
    if names[0] != names[1]:
        return names[0], names[1]
    one, other = next((a, b) for a, b in zip(_compared(first), _compared(second), strict=True) if a != b)
    keys = [key for key in sorted({*one, *other}) if one.get(key) != other.get(key)]
    settings = [", ".join(f"{one['method']}.{key} = {_written(step.get(key))}" for key in keys) for step in (one, other)]
    return f"{names[0]} ({settings[0]})", f"{names[1]} ({settings[1]})"


def _written(value: Any) -> str:
    return "not recorded" if value is None else value if isinstance(value, str) else json.dumps(_plain(value), sort_keys=True)


def _plain(value: Any) -> Any:
    """A value as JSON gives it back: tuples are lists, paths are text, numbers of numpy are numbers."""
    return json.loads(json.dumps(value, default=lambda other: other.item() if hasattr(other, "item") else str(other)))
