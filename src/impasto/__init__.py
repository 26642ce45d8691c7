"""impasto: Cell Painting plates or CellProfiler tables in; corrected, searchable, honestly scored morphology out.

`import impasto as im`: `im.read`, `im.read_cells`, `im.write`, `im.open`, `im.concat`; `im.pp` corrects, `im.tl` scores, `im.pl` draws;
`im.train`, `im.embed`, `im.search`, `im.explore`, `im.map`, `im.place`; `im.datasets` fetches public data. Nothing is imported until it is
used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from impasto.version import __version__ as __version__

if TYPE_CHECKING:
    from impasto import datasets, pl, pp, tl
    from impasto.front import concat, embed, explore, map, open, place, read, read_cells, search, train, write  # noqa: A004 - words that users know

__all__ = [
    "concat",
    "datasets",
    "embed",
    "explore",
    "map",
    "open",
    "pl",
    "place",
    "pp",
    "read",
    "read_cells",
    "search",
    "tl",
    "train",
    "write",
]
_NAMESPACES = ("datasets", "pl", "pp", "tl")


def __getattr__(name: str) -> Any:
    """Import a namespace, or the front door, when it is first asked for."""
    from importlib import import_module

    if name in _NAMESPACES:
        return import_module(f"impasto.{name}")
    if name in __all__:
        return getattr(import_module("impasto.front"), name)
    raise AttributeError(f"module 'impasto' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, "__version__"})
