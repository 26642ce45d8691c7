"""A plan: phases of shards, written down before the first one runs, so that a machine far away reads the same plan.

    FOLDER/plan.json
    FOLDER/receipts/SHARD.json       key, bytes and sha256 of the output, seconds, peak memory, what the shard says of it
    FOLDER/quarantine/SHARD.json     the reason why a shard was given up
    FOLDER/OUTPUT                    what each shard wrote

A shard is done where its receipt has its key and its output has the size that the receipt says. The key is made of the function, its
arguments, the digests of what it reads, the plates left out before it, and the keys of the shards that it comes after.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from impasto import texts, whole
from impasto.schema import InputError
from impasto.version import __version__

PLAN, RECEIPTS, QUARANTINE = "plan.json", "receipts", "quarantine"
BAD = "bad"
"""In what a shard says: the plates that it left out, name -> reason."""


@dataclass(frozen=True)
class Shard:
    """A pure piece of work.

    Attributes
    ----------
    name
        Its name among the shards of the plan, fit for a file.
    work
        `module:function`; called with its arguments and a `Task`.
    arguments
        JSON-safe.
    output
        The file or folder that it writes, from the folder of the plan.
    inputs
        Digests of what it reads from outside.
    after
        Names of shards whose outputs it reads.
    plates
        Names of the plates that it reads; those that were left out by an earlier shard are not there any more.
    may_fail
        Whether the others go on where this one is given up.

    """

    name: str
    work: str
    arguments: dict[str, Any]
    output: str
    inputs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    plates: tuple[str, ...] = ()
    may_fail: bool = False


@dataclass(frozen=True)
class Phase:
    """Shards that do not read each other.

    Attributes
    ----------
    name
        What is done, for sentences.
    shards
        In order.
    unit
        What one shard is: `plate`, `chunk`.
    shows_itself
        Whether a shard shows its own progress, where it is the only one that runs.

    """

    name: str
    shards: tuple[Shard, ...]
    unit: str = "shard"
    shows_itself: bool = False


@dataclass
class Plan:
    """Phases in order, and what is known of their shards on disk.

    Attributes
    ----------
    folder
        Where all is kept until the result is whole.
    phases
        In order.
    threads
        Threads of linear algebra in a shard; 0 leaves them as they are. Sums differ in the last bit with their number.

    """

    folder: Path
    phases: tuple[Phase, ...]
    threads: int = 1
    _by_name: dict[str, tuple[int, Shard]] = field(default_factory=dict, repr=False)
    _keys: dict[str, str] = field(default_factory=dict, repr=False)
    _bad_of: dict[int, dict[str, str]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self._by_name = {shard.name: (place, shard) for place, phase in enumerate(self.phases) for shard in phase.shards}
        if len(self._by_name) != sum(len(phase.shards) for phase in self.phases):
            raise ValueError("two shards of a plan have one name")

    def save(self) -> None:
        """Write the plan into its folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with whole.replacing(self.folder / PLAN) as temporary:
            texts.write(temporary, whole.as_json({"threads": self.threads, "phases": [asdict(phase) for phase in self.phases]}))

    def shard(self, name: str, /) -> Shard:
        """The shard of a name.

        Parameters
        ----------
        name
            Of a shard of this plan.

        Returns
        -------
        Shard
            The shard.

        """
        return self._by_name[name][1]

    def left_out(self, shard: Shard, /) -> dict[str, str]:
        """The plates of a shard that shards of earlier phases have left out.

        Parameters
        ----------
        shard
            A shard of this plan.

        Returns
        -------
        dict[str, str]
            Name of the plate -> reason.

        """
        own = set(shard.plates)
        return {name: reason for name, reason in self.bad_plates(before=self._by_name[shard.name][0]).items() if name in own}

    def bad_plates(self, *, before: int | None = None) -> dict[str, str]:
        """All plates that were left out.

        Parameters
        ----------
        before
            By the phases before this one; by all where left out.

        Returns
        -------
        dict[str, str]
            Name of the plate -> the first reason.

        """
        bad: dict[str, str] = {}
        for place, phase in enumerate(self.phases[:before]):
            if before is None or place not in self._bad_of:
                said = [receipt_of(self.folder, shard.name) for shard in phase.shards]
                self._bad_of[place] = {k: v for one in said if one for k, v in one["facts"].get(BAD, {}).items()}
            bad = {**self._bad_of[place], **bad}
        return bad

    def key(self, shard: Shard, /) -> str:
        """The key of a shard, as things stand on disk. It is kept: call it when all earlier phases are done.

        Parameters
        ----------
        shard
            A shard of this plan.

        Returns
        -------
        str
            SHA-256.

        """
        if shard.name not in self._keys:
            survivors = [name for name in shard.after if not quarantined(self.folder, name)]
            facts = [
                __version__,
                shard.work,
                shard.arguments,
                shard.output,
                shard.inputs,
                sorted(self.left_out(shard)) if shard.plates else [],
                [self.key(self.shard(name)) for name in survivors],
            ]
            self._keys[shard.name] = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
        return self._keys[shard.name]

    def is_done(self, shard: Shard, /) -> bool:
        """Whether a shard has left its output.

        Parameters
        ----------
        shard
            A shard of this plan.

        Returns
        -------
        bool
            True where its receipt has its key and the output the size that it says.

        """
        said = receipt_of(self.folder, shard.name)
        if said is None or said["key"] != self.key(shard):
            return False
        path = self.folder / shard.output
        return path.exists() and size_of(path) == said["bytes"]

    def todo(self, phase: Phase, /) -> list[Shard]:
        """The shards of a phase that are neither done nor given up.

        Parameters
        ----------
        phase
            A phase of this plan.

        Returns
        -------
        list[Shard]
            In order.

        """
        return [s for s in phase.shards if not quarantined(self.folder, s.name, key=self.key(s)) and not self.is_done(s)]

    def given_up(self, phase: Phase, /) -> dict[str, dict[str, Any]]:
        """The shards of a phase that were given up.

        Parameters
        ----------
        phase
            A phase of this plan.

        Returns
        -------
        dict[str, dict[str, Any]]
            Name -> the record of its quarantine.

        """
        records = {shard.name: quarantined(self.folder, shard.name, key=self.key(shard)) for shard in phase.shards}
        return {name: record for name, record in records.items() if record}

    def survivors(self, names: Iterable[str], /) -> list[tuple[str, Path]]:
        """The outputs of shards that were not given up.

        Parameters
        ----------
        names
            Of shards.

        Returns
        -------
        list[tuple[str, Path]]
            Name and output, in order.

        """
        return [(name, self.folder / self.shard(name).output) for name in names if not quarantined(self.folder, name)]


def load(folder: Path, /) -> Plan:
    """The plan that was saved in a folder.

    Parameters
    ----------
    folder
        Where all is kept.

    Returns
    -------
    Plan
        The plan.

    Raises
    ------
    InputError
        There is none.

    """
    try:
        said = json.loads(texts.read(folder / PLAN))
    except (OSError, ValueError) as error:
        raise InputError(f"{folder} holds no plan of shards ({PLAN}); give the folder that a run with --shards works in") from error
    phases = [Phase(p["name"], tuple(_shard(s) for s in p["shards"]), p["unit"], p["shows_itself"]) for p in said["phases"]]
    return Plan(folder, tuple(phases), said["threads"])


def _shard(said: dict[str, Any]) -> Shard:
    lists = {name: tuple(said[name]) for name in ("inputs", "after", "plates")}
    return Shard(said["name"], said["work"], said["arguments"], said["output"], may_fail=said["may_fail"], **lists)


def receipt_of(folder: Path, name: str, /) -> dict[str, Any] | None:
    """What a shard left of itself.

    Parameters
    ----------
    folder
        Of the plan.
    name
        Of the shard.

    Returns
    -------
    dict[str, Any] | None
        None where it is not done.

    """
    return _record(folder / RECEIPTS / f"{name}.json")


def quarantined(folder: Path, name: str, /, *, key: str | None = None) -> dict[str, Any] | None:
    """Why a shard was given up.

    Parameters
    ----------
    folder
        Of the plan.
    name
        Of the shard.
    key
        Its key; a record of another key is of an earlier run, and says nothing.

    Returns
    -------
    dict[str, Any] | None
        None where it was not.

    """
    record = _record(folder / QUARANTINE / f"{name}.json")
    return record if record is not None and key in (None, record["key"]) else None


def _record(path: Path) -> dict[str, Any] | None:
    try:
        value = json.loads(texts.read(path))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) and "key" in value else None


def size_of(path: Path, /) -> int:
    """The bytes of an output.

    Parameters
    ----------
    path
        A file, or a folder.

    Returns
    -------
    int
        Of a folder, of all files in it.

    """
    if path.is_file():
        return path.stat().st_size
    return sum(member.stat().st_size for member in path.rglob("*") if member.is_file())


def chunks(names: Sequence[str], size: int, /) -> list[tuple[str, ...]]:
    """Names in order, so many at a time.

    Parameters
    ----------
    names
        Of plates.
    size
        How many a chunk has.

    Returns
    -------
    list[tuple[str, ...]]
        The last may be shorter.

    """
    return [tuple(names[start : start + size]) for start in range(0, len(names), size)]
