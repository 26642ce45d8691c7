"""Expression -> one vector a cell line: what a line is, from the genes it transcribes, so that a line never imaged has one too.

    counts -> genes expressed in at least 5 lines -> total 1e4 -> log1p -> 1,000 highly variable genes -> vector

Integrating Biological Knowledge for Robust Microscopy Image Profiling on De Novo Cell Lines, section 3.2.3 and appendix B.2. The vector is
a PCA of these genes, the genes themselves (`raw`), or scVI's latent (`scvi`, an extra).

Departures: the paper's latent comes from scVI or scGPT. PCA is the default here because it needs no further package. A new line is
projected by what was learned (`transform`), without learning again. Tables that are logarithms already (microarrays, log TPM:
`values = "log"`) are taken as they are, and their variable genes are those of the largest standard deviation.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from safetensors.numpy import load_file, save_file

from impasto import border, runs, schema, texts
from impasto.perturbations.expression_tables import normal_line, read_table
from impasto.perturbations.variable_genes import Floats, normalised, variable_genes
from impasto.schema import InputError
from impasto.settings import Settings


class ExpressionSettings(Settings):
    """How expression becomes a vector."""

    method: Literal["pca", "raw", "scvi"] = "pca"
    width: int = 256
    """Of the vector; PCA gives at most one less than there are lines, raw as many as there are genes."""
    genes: int = 1000
    lines: int = 5
    """A gene must be expressed in as many lines (in all, where there are fewer)."""
    total: float = 1e4
    values: Literal["counts", "log"] = "counts"
    epochs: int = 400
    """Of scVI."""
    seed: int = 0


@dataclass(frozen=True)
class Lines:
    """Vectors of cell lines, and what is needed to project a new line.

    Attributes
    ----------
    names
        Of the lines.
    vectors
        (lines, width).
    settings
        How expression became a vector.
    state
        What `transform` reads: genes, their mean, components.

    """

    names: list[str]
    vectors: npt.NDArray[np.float32]
    settings: ExpressionSettings
    state: dict[str, npt.NDArray[Any]]

    def of(self, names: Sequence[object], /) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
        """The vectors of some lines.

        Parameters
        ----------
        names
            n cell lines; letters and digits are compared, in any case.

        Returns
        -------
        tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]
            Vectors (n, width), and which of them are known (n,); the vector of an unknown line means nothing.

        """
        place = {normal_line(name): i for i, name in enumerate(self.names)}
        at = np.array([place.get(normal_line(name), -1) for name in names], dtype=np.intp)
        return self.vectors[at], at >= 0


def learn(table: pd.DataFrame, settings: ExpressionSettings, /) -> Lines:
    """Vectors of the lines of a table.

    Parameters
    ----------
    table
        Expression (lines, genes), by name.
    settings
        How expression becomes a vector.

    Returns
    -------
    Lines
        The vectors, of mean square 1 over all, and what projects a new line.

    Raises
    ------
    InputError
        Where there are fewer than two lines or no variable gene.

    """
    if len(table) < 2:
        raise InputError(
            f"expression of {len(table)} cell line is too little to learn from; give several, and project a new one with --like"
        )
    counts = table.to_numpy(dtype=np.float64)
    levels = counts if settings.values == "log" else normalised(counts, total=settings.total)
    enough = (counts > 0).sum(axis=0) >= min(settings.lines, len(table)) if settings.values == "counts" else np.ones(counts.shape[1], bool)
    enough &= levels.std(axis=0) > 0
    if not enough.any():
        raise InputError("no gene is expressed in enough lines and varies between them; give more lines, or lower the option lines")
    columns = np.flatnonzero(enough)
    inside = levels[:, columns]
    chosen = columns[variable_genes(inside, genes=settings.genes) if settings.values == "counts" else _most_spread(inside, settings.genes)]
    state: dict[str, npt.NDArray[Any]] = {"genes": chosen, "mean": levels[:, chosen].mean(axis=0)}
    if settings.method == "scvi":
        vectors = _scvi(counts[:, chosen], settings)
    else:
        state |= _projection(levels[:, chosen] - state["mean"], settings)
        vectors = _project(levels[:, chosen], state)
    names = [str(g) for g in table.columns[chosen]]
    state["genes"] = np.frombuffer("\n".join(names).encode(), dtype=np.uint8)
    return Lines([str(n) for n in table.index], vectors.astype(np.float32), settings, state)


def transform(table: pd.DataFrame, learned: Lines, /) -> Lines:
    """Vectors of new lines by what was learned from others.

    Parameters
    ----------
    table
        Expression (lines, genes), by name.
    learned
        From `learn`.

    Returns
    -------
    Lines
        The lines learned from, then the new ones.

    Raises
    ------
    InputError
        Where genes are missing, or the method has no projection.

    """
    if learned.settings.method == "scvi":
        raise InputError("scVI vectors are learned together; give old and new lines in one table")
    genes = gene_names(learned)
    missing = [g for g in genes if g not in table.columns]
    if missing:
        raise InputError(
            f"{len(missing)} of the {len(genes)} genes learned from are not in the table (first: {missing[0]!r}); give a table that has "
            "them"
        )
    counts = table.to_numpy(dtype=np.float64)
    levels = counts if learned.settings.values == "log" else normalised(counts, total=learned.settings.total)
    inside = pd.DataFrame(levels, columns=table.columns)[genes].to_numpy()
    vectors = _project(inside, learned.state).astype(np.float32)
    return Lines([*learned.names, *map(str, table.index)], np.concatenate([learned.vectors, vectors]), learned.settings, learned.state)


def gene_names(learned: Lines, /) -> list[str]:
    """The genes that the vectors are made of.

    Parameters
    ----------
    learned
        From `learn`.

    Returns
    -------
    list[str]
        Names, in order.

    """
    return bytes(learned.state["genes"]).decode().split("\n")


def _most_spread(levels: Floats, genes: int) -> npt.NDArray[np.intp]:
    return np.sort(np.argsort(-levels.std(axis=0), kind="stable")[:genes])


def _projection(centred: Floats, settings: ExpressionSettings) -> dict[str, Floats]:
    """Components (genes, width) that give vectors of mean square 1 over the lines learned from."""
    if settings.method == "raw":
        return {"components": np.diag(1 / centred.std(axis=0))}
    _, _, right = np.linalg.svd(centred, full_matrices=False)
    right *= np.sign(right[np.arange(len(right)), np.abs(right).argmax(axis=1)])[:, None]
    components = right[: min(settings.width, len(centred) - 1)].T
    return {"components": components / np.sqrt(np.square(centred @ components).mean())}


def _project(levels: Floats, state: dict[str, npt.NDArray[Any]]) -> Floats:
    return np.asarray((levels - state["mean"]) @ state["components"])


def _scvi(counts: Floats, settings: ExpressionSettings) -> Floats:
    """The latent of integer counts by scVI (Lopez et al. 2018), by scvi-tools with its defaults."""
    try:
        import scvi
    except ImportError:
        raise InputError("scVI needs the extra: pip install 'impasto[scvi]'; or choose method pca or raw") from None
    import anndata

    scvi.settings.seed = settings.seed
    data = anndata.AnnData(X=np.round(counts).astype(np.float32))
    scvi.model.SCVI.setup_anndata(data)
    model = scvi.model.SCVI(data, n_latent=settings.width)
    model.train(max_epochs=settings.epochs, enable_progress_bar=False, logger=False)
    latent = np.asarray(model.get_latent_representation(), dtype=np.float64)
    return latent / np.sqrt(np.square(latent).mean())


def write(learned: Lines, folder: Path, /) -> None:
    """Write `vectors.parquet` (cell_line, then one column a dimension), `expression.json` and `projection.safetensors`.

    Parameters
    ----------
    learned
        From `learn` or `transform`.
    folder
        Written as a whole.

    """
    with runs.atomic(folder) as temporary:
        temporary.mkdir(parents=True)
        frame = pd.DataFrame(learned.vectors, columns=[f"line_{i:03d}" for i in range(learned.vectors.shape[1])])
        frame.insert(0, schema.CELL_LINE, learned.names)
        frame.to_parquet(temporary / "vectors.parquet", index=False)
        texts.write(temporary / "expression.json", json.dumps(learned.settings.model_dump(mode="json"), indent=2, sort_keys=True))
        save_file({k: np.ascontiguousarray(v) for k, v in learned.state.items()}, temporary / "projection.safetensors")


def read(path: Path, /) -> Lines:
    """Vectors that were written, or precomputed ones.

    Parameters
    ----------
    path
        A folder that `write` left, or a table with a column cell_line, then numbers.

    Returns
    -------
    Lines
        The vectors.

    Raises
    ------
    InputError
        Where the path holds neither.

    """
    if path.is_dir():
        if not (path / "vectors.parquet").exists():
            raise InputError(f"{path} holds no vectors of cell lines; make them with: impasto expression TABLE --out VECTORS")
        table = read_table(path / "vectors.parquet")
        settings = ExpressionSettings.read(border.json_object(path / "expression.json", "description of cell lines"), where=str(path))
        with border.reading(path / "projection.safetensors", "projection of cell lines"):
            learned = load_file(path / "projection.safetensors")
        return Lines(list(table.index), table.to_numpy(dtype=np.float32), settings, learned)
    table = read_table(path)
    return Lines(list(table.index), table.to_numpy(dtype=np.float32), ExpressionSettings(), {})
