"""Perturbations of which some are related, and the graph that sources make of them."""

from __future__ import annotations

import pandas as pd

from impasto.perturbations import graph as graphs
from impasto.perturbations.graph_settings import SourceSettings
from impasto.perturbations.graph_sources import build

OBS = pd.DataFrame(
    {
        "perturbation": ["s1", "s2", "s3", "drug", "DMSO", "s1", "s4"],
        "perturbation_type": ["sirna", "sirna", "crispr", "compound", None, "sirna", "orf"],
        "control_type": ["trt", "trt", "trt", "trt", "negcon", "trt", "trt"],
        "gene": ["IQCB1", "IQCB1", "TP53;MDM2", "EGFR", None, "IQCB1", "NOBODY"],
        "targets": [None, None, None, "EGFR|MDM2", None, None, None],
        "inchikey": [None, None, None, "AAAA-B", None, None, None],
    },
    index=[str(i) for i in range(7)],
)


def made(values: dict[str, object], **more: object) -> graphs.Graph:
    return build(OBS, SourceSettings.read({**values, **more}, where="test"))


def weight(graph: graphs.Graph, a: str, b: str) -> float:
    first, second = graph.places(pd.DataFrame({"perturbation": [a, b]}))
    return float(graph.weights[first, second])


def pairs_of(table: pd.DataFrame) -> list[tuple[str, str]]:
    return list(table[["gene1", "gene2"]].itertuples(index=False, name=None))
