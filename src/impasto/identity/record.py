"""The identity of profiles: the encoder, the correction steps and the run that made them, as `uns` and `model.json` hold it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anndata

from impasto import texts
from impasto.schema import InputError

KEY = "impasto"
"""The entry of `uns` that holds the identity."""
_FILE = "identity.json"


@dataclass(frozen=True)
class Identity:
    """What made some profiles.

    Attributes
    ----------
    encoder
        Name, sha256 and settings of the encoder; None where there is none.
    steps
        The correction steps, in the order they were applied.
    run
        Name, path and sha256 of the run that embedded them; None where there is none.

    """

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
        dict[str, Any]
            Plain and JSON-safe, without what is not known.

        """
        parts = {"encoder": self.encoder, "steps": list(self.steps), "run": self.run}
        return {name: plain(part) for name, part in parts.items() if part}

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


def write_to(folder: Path, identity: Identity, /) -> None:
    """Write the identity of the profiles that fitted steps were fitted on into the folder of these steps.

    Parameters
    ----------
    folder
        The folder of the fitted steps.
    identity
        What made the profiles of the fit.

    """
    from impasto.runs import write_json

    write_json(folder / _FILE, identity.record())


def read_from(folder: Path, /) -> Identity:
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
    return Identity.read(texts.read(folder / _FILE) if (folder / _FILE).exists() else None)


def plain(value: Any) -> Any:
    """A value as JSON gives it back: tuples are lists, paths are text, numbers of numpy are numbers.

    Parameters
    ----------
    value
        Anything that a record may hold.

    Returns
    -------
    Any
        The value in its plain form.

    """
    return json.loads(json.dumps(value, default=lambda other: other.item() if hasattr(other, "item") else str(other)))
