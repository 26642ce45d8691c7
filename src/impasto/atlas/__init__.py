"""Embeddings -> a searchable map."""

from __future__ import annotations

from typing import TYPE_CHECKING

from impasto.families import Family

if TYPE_CHECKING:
    from impasto.atlas.engines import Engine

ENGINES: Family[type[Engine]] = Family(
    "engines",
    what="engine",
    parts={
        "exact": "impasto.atlas.engines:Exact",
        "faiss": "impasto.atlas.engines:Faiss",
        "lance": "impasto.atlas.engines:Lance",
    },
)
"""Name of an engine of an index -> its class, with those of plugins (entry points `impasto.engines`)."""
