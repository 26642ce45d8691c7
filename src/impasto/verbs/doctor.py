"""`impasto doctor`: what is installed here, what this machine has, and whether results are as they were left."""

from __future__ import annotations

import importlib
import platform
import sys
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

from packaging.requirements import Requirement
from pydantic import Field
from rich.table import Table

from impasto import machine, options, remote, verified
from impasto.schema import InputError
from impasto.settings import Settings, Shown
from impasto.verbs import ABOUT, terminal
from impasto.version import __version__

_GB = 2**30
FOR = {
    "chem": "structures of molecules, fingerprints, InChIKeys",
    "plots": "UMAP maps",
    "formats": ".nd2, .lif, .oif, .oib and .czi",
    "classical": "profile --encoder cp_measure",
    "atlas": "the explorer",
    "openvino": "profile --runtime openvino",
    "ray": "shards on a Ray cluster",
    "remote": "s3:// and https://",
    "lance": "index --engine lance",
    "faiss": "index --engine faiss",
    "scanorama": "correct --method scanorama",
    "scvi": "expression --method scvi, correct --method scvi",
    "cellpose": "cells --segmenter cellpose",
    "stardist": "cells --segmenter stardist",
    "watch": "[stage.loop] watch: a training in TensorBoard or Weights & Biases",
}
"""Extra -> what a user gets by it. Extras that only developers want are not shown."""
APART = frozenset({"cellpose", "stardist"})
"""Extras that want an environment of their own, with the versions of `constraints-EXTRA.txt`."""


@dataclass(frozen=True)
class Package:
    """A package that impasto asks for.

    Attributes
    ----------
    name, asked
        Its name, and the versions that impasto takes.
    installed
        The version that is installed; `""` where there is none.
    works
        Whether it is installed in a version that is asked for, and can be imported where it was tried.
    why_not
        What is wrong; `""` where it works.

    """

    name: str
    asked: str
    installed: str
    works: bool
    why_not: str = ""


def packages(extra: str = "", /) -> list[Package]:
    """The packages that impasto, or one of its extras, asks for.

    Parameters
    ----------
    extra
        The name of an extra; `""` for what is always needed.

    Returns
    -------
    list[Package]
        By name. What this Python or system does not need is left out.

    """
    asked = [Requirement(line) for line in metadata.requires("impasto") or []]
    always = {r.name for r in asked if r.marker is None or r.marker.evaluate({"extra": ""})}
    wanted = [r for r in asked if (r.marker is None or r.marker.evaluate({"extra": extra})) and (not extra or r.name not in always)]
    return sorted((_package(requirement) for requirement in wanted), key=lambda package: package.name.lower())


def _package(requirement: Requirement) -> Package:
    name, asked = requirement.name, str(requirement.specifier)
    try:
        installed = metadata.version(name)
    except metadata.PackageNotFoundError:
        return Package(name, asked, "", works=False, why_not="not installed")
    if not requirement.specifier.contains(installed, prereleases=True):
        return Package(name, asked, installed, works=False, why_not=f"{asked} is needed")
    try:
        for module in _modules(name):
            importlib.import_module(module)
    except Exception as error:  # noqa: BLE001 - whatever a package raises while it is imported is what the user wants to know
        return Package(name, asked, installed, works=False, why_not=f"cannot be imported ({type(error).__name__}: {error})")
    return Package(name, asked, installed, works=True)


def _modules(name: str) -> list[str]:
    """The modules of a package that stand on their own, by its list of files."""
    lines = (metadata.distribution(name).read_text("top_level.txt") or "").split()
    tops = lines or sorted({Path(str(f)).parts[0] for f in metadata.files(name) or [] if str(f).endswith("/__init__.py")})
    return [top for top in tops if not top.startswith("_") and top.isidentifier()][:1]


def here() -> dict[str, Any]:
    """What this machine has.

    Returns
    -------
    dict[str, Any]
        Versions, cores, bytes of memory and of disk, and the cache.

    """
    cache = remote.cache().folder
    return {
        "impasto": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "executable": sys.executable,
        "cores": machine.cores(),
        "memory": machine.memory(),
        "memory_free": machine.free_memory(),
        "disk_free": machine.free_disk(Path.cwd()),
        "cache": str(cache),
        "cache_disk_free": machine.free_disk(cache),
    }


class DoctorSettings(Settings):
    """What to look at."""

    results: Annotated[list[Path], Shown("argument", metavar="[RESULTS]...")] = Field(
        default_factory=list,
        description="Results, or folders of them, to compare with the digests in their records; else what is installed.",
    )


def run(values: dict[str, Any], flags: options.Printing) -> None:
    """Look at everything, or at results, and print it."""
    if paths := DoctorSettings.read(values, where="impasto doctor").results:
        _compare(paths, flags)
        return
    facts, needed = here(), packages()
    extras = {extra: packages(extra) for extra in FOR}
    if flags.as_json:
        of_extras = {extra: [asdict(p) for p in of_one] for extra, of_one in extras.items()}
        terminal.write_json({**facts, "packages": [asdict(p) for p in needed], "extras": of_extras})
        return
    say = terminal.console.print
    say(f"impasto {facts['impasto']}, Python {facts['python']}, {facts['platform']}", highlight=False)
    say(f"{facts['cores']} cores, memory {_gb(facts['memory_free'])} free of {_gb(facts['memory'])}", highlight=False)
    say(f"disk {_gb(facts['disk_free'])} free here, {_gb(facts['cache_disk_free'])} at the cache {facts['cache']}", highlight=False)
    bad = [package for package in needed if not package.works]
    for package in bad:
        say(f"[red]{package.name} {package.installed}: {package.why_not}[/red]; install it: pip install '{package.name}{package.asked}'")
    say(f"{len(needed) - len(bad)} of {len(needed)} packages that are always needed work", highlight=False)
    say(_table(extras))


def _compare(paths: list[Path], flags: options.Printing) -> None:
    compared = [one for path in paths for one in verified.results(path)]
    rows = [
        {
            "record": str(one.record),
            "verb": one.verb,
            "state": one.state,
            "files": one.files,
            "missing": list(one.missing) if flags.as_json else ", ".join(one.missing),
            "changed": list(one.changed) if flags.as_json else ", ".join(one.changed),
            "whole": one.is_whole,
        }
        for one in compared
    ]
    terminal.show(rows, title="", as_json=flags.as_json)
    broken = sum(not one.is_whole for one in compared)
    if broken:
        raise InputError(f"{broken} of {len(compared)} results are not as their runs left them; run the same commands again")


def _table(extras: dict[str, list[Package]]) -> Table:
    table = Table("extra", "what it gives", "state", box=None, pad_edge=False)
    for extra, of_one in extras.items():
        lacking = [package for package in of_one if not package.works]
        whole = ", ".join(f"{package.name} {package.installed}" for package in of_one)
        if not lacking:
            state = f"works ({whole})" if of_one else "not for this Python"
        elif all(not package.installed for package in lacking):
            state = _how_to_install(extra)
        else:
            state = "; ".join(f"{package.name} {package.installed}: {package.why_not}" for package in lacking)
        table.add_row(extra, FOR[extra], state)
    return table


def _how_to_install(extra: str) -> str:
    if extra in APART:
        return f"in an environment of its own: pip install --constraint constraints-{extra}.txt 'impasto\\[{extra}]'"
    return f"pip install 'impasto\\[{extra}]'"


def _gb(size: int | None) -> str:
    return "unknown" if size is None else f"{size / _GB:.1f} GB"


command = options.command("doctor", DoctorSettings, options.Printing, run=run, about=ABOUT["doctor"], example="impasto doctor runs/demo")
