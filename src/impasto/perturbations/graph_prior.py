"""The graph prior: any method, and one more term from the relational graph. One table of a recipe adds it:

    [stage.method.prior]
    graph = "@graph"        # what `impasto graph` wrote
    loss = "contrast"       # contrast, laplacian, or laplacian_held
    weight = 1e-2

    L = L_method + weight * L_graph(F),   f_v = the mean embedding of the rows of perturbation v in the minibatch, to unit length

Integrating Biological Knowledge for Robust Microscopy Image Profiling on De Novo Cell Lines, sections 3.2.2 and 4.1.2; the weights tried
there are 1e-2 to 1e-5, in pretraining and in fine-tuning. The embeddings are the method's own (of a student where it has a teacher).

Departures: `laplacian_held` is the form of Proposition 3.1's proof (see `losses.graph_laplacian`); there f_v is the mean of unit rows, not
brought to unit length again, so that their spread counts. `edges = "shuffled"` shuffles the nodes, and `edges = "rewired"` swaps edges so
that every node keeps their number: the controls that must not help.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional

from impasto import wells
from impasto.losses.graph_contrast import graph_contrast, neighbours
from impasto.losses.graph_laplacian import graph_laplacian
from impasto.perturbations import graph as graphs
from impasto.perturbations.rewired import rewired
from impasto.schema import InputError, one_of
from impasto.settings import Settings
from impasto.training.gather import gather
from impasto.training.method import Addition, Method, Prepared, Step
from impasto.training.wrapped import Wrapped, on_innermost, units_of


class PriorSettings(Settings):
    """Which graph, which loss, how strong."""

    graph: Path
    loss: Literal["contrast", "laplacian", "laplacian_held"] = "contrast"
    weight: float = 1e-2
    symmetric: bool = False
    """Of the Laplacian: hubs count no more than others."""
    threshold: float = 0.0
    top: int | None = 5
    temperature: float = 0.1
    embedding: str | None = None
    """Which of the method's embeddings; its first by default."""
    edges: Literal["true", "shuffled", "rewired"] = "true"


class GraphPrior(Wrapped):
    """A method with one term more: `graph_<loss>`.

    Parameters
    ----------
    method
        The inner method.
    settings
        Which loss, and how strong.
    weights
        (nodes, nodes).
    nodes
        (units,), the node of each unit; -1 for none.

    """

    weights: Tensor
    nodes: Tensor

    def __init__(self, method: Method, settings: PriorSettings, *, weights: Tensor, nodes: Tensor) -> None:
        super().__init__(method)
        self.settings = settings
        self.register_buffer("weights", weights, persistent=False)
        self.register_buffer("nodes", nodes, persistent=False)

    def forward(self, minibatch: Any, /) -> Step:
        step = super().forward(minibatch)
        name = self.settings.embedding or next(iter(step.embeddings))
        vectors = step.embeddings[one_of(name, step.embeddings, what="embedding of the method")]
        term, present = self.term(vectors, self.nodes[gather(minibatch.unit)])
        terms = {**step.terms, f"graph_{self.settings.loss}": self.settings.weight * term}
        return dataclasses.replace(step, terms=terms, monitors={**step.monitors, "graph_nodes": vectors.new_tensor(float(present))})

    def term(self, vectors: Tensor, nodes: Tensor, /) -> tuple[Tensor, int]:
        """The loss, before its weight (section 3.2.2).

        Parameters
        ----------
        vectors
            Embeddings (rows, width).
        nodes
            (rows,), the node of each row; -1 for none.

        Returns
        -------
        tuple[Tensor, int]
            The loss, a scalar, and how many nodes it saw.

        """
        settings = self.settings
        present, place = torch.unique(nodes[nodes >= 0], return_inverse=True)
        unit = functional.normalize(vectors[nodes >= 0], dim=1)
        total = unit.new_zeros(len(present), unit.shape[1]).index_add(0, place, unit)
        features = total / torch.bincount(place, minlength=len(present)).clamp(min=1)[:, None].to(unit.dtype)
        between = self.weights[present][:, present].to(unit.dtype)
        if settings.loss == "contrast":
            related = neighbours(between, threshold=settings.threshold, top=settings.top)
            return graph_contrast(features, related, temperature=settings.temperature), len(present)
        held = settings.loss == "laplacian_held"
        features = features if held else functional.normalize(features, dim=1)
        return graph_laplacian(features, between, symmetric=settings.symmetric, held=held), len(present)


def add(prepared: Prepared, settings: PriorSettings, /, *, seed: int) -> Prepared:
    """The method with its prior.

    Parameters
    ----------
    prepared
        A method with its data.
    settings
        Which graph, which loss, how strong.
    seed
        Of shuffled edges.

    Returns
    -------
    Prepared
        The same, with the prior; `facts["prior"]` counts what is in the graph.

    Raises
    ------
    InputError
        Where the feed does not say what its rows are, or the graph relates no two of them.

    """
    units = units_of(prepared, addition="prior")
    graph = graphs.read(settings.graph)
    if settings.edges == "shuffled":
        graph = graph.shuffled(seed=seed)
    elif settings.edges == "rewired":
        graph = dataclasses.replace(graph, weights=rewired(graph.weights, seed=seed))
    names = wells.compounds(units)
    places = graph.places(units)
    known = sorted(set(places[places >= 0]))
    inside = graph.weights[known][:, known]
    if not inside.any():
        raise InputError(
            f"{settings.graph} relates no two of the {names.nunique()} perturbations that are trained on; make it of the same table"
        )
    method = GraphPrior(
        prepared.method,
        settings,
        weights=torch.as_tensor(graph.weights, dtype=torch.float32),
        nodes=torch.as_tensor(places, dtype=torch.long),
    )
    recorded = {
        **settings.model_dump(mode="json"),
        "perturbations": int(names.nunique()),
        "in_graph": len(known),
        "not_in_graph": sorted({str(n) for n, p in zip(names, places, strict=True) if p < 0 and pd.notna(n)}),
        "edges_among_them": int((inside > 0).sum()) // 2,
    }
    facts = {**prepared.facts, "prior": recorded}
    return dataclasses.replace(prepared, method=method, validate=on_innermost(prepared.validate), facts=facts)


ADDITION = Addition(PriorSettings, add)
"""What the table `prior` inside `[stage.method]` of a recipe adds."""
