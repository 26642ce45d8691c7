"""An index on disk: unit vectors, the annotation of their rows, and where they came from.

A folder: `vectors.npy` (rows, width; float32, unit length), `rows.parquet` (annotation and a flat map position `x`, `y`),
`index.json` (engine, origin, digest of the profiles). Of a run that reads texts or molecules, `strangers.npy` and `strangers.parquet`
hold queries that name nothing here, which answers are compared with (see `null`). Search is exact, in blocks over the memory-mapped
vectors, unless another engine was chosen when the index was built (see `atlas.ENGINES`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import identity, runs, schema, wells
from impasto import profiles as tables
from impasto.atlas import ENGINES, layout, strangers
from impasto.atlas.engines import Engine
from impasto.devices import DEFAULT, DeviceSettings
from impasto.identity import Identity
from impasto.joint.space import Space
from impasto.schema import InputError

MODALITY = "modality"
_AGAIN = "; make the index again: impasto index PROFILES --out INDEX"
_BLOCK = 65_536
"""So many vectors are looked at together when an index is opened."""
PROFILE, PERTURBATION_ROW = "profile", "perturbation"


@dataclass(frozen=True)
class Index:
    """An open index.

    Attributes
    ----------
    folder
        Where it lies.
    vectors
        (rows, width), of unit length.
    rows
        Annotation, one row a vector.
    run
        The trained run that can embed new queries, or None.
    engine
        The name of the engine that searches it.
    made
        What made the profiles that were indexed.
    on
        Where the nets run that embed a query.

    """

    folder: Path
    vectors: npt.NDArray[np.float32]
    rows: pd.DataFrame
    run: Path | None
    engine: str | type[Engine]
    made: Identity = field(default_factory=Identity)
    on: DeviceSettings = DEFAULT

    def nearest(self, query: npt.NDArray[np.float32], /, *, top: int, among: npt.NDArray[np.bool_]) -> pd.DataFrame:
        """The rows nearest to a query by cosine.

        Parameters
        ----------
        query
            (width,) any length but zero.
        top
            How many rows.
        among
            (rows,) True for the candidates.

        Returns
        -------
        pd.DataFrame
            The `top` rows, best first, with `score` (the cosine) and `row` (the row of the index).

        Raises
        ------
        InputError
            No row is among the candidates.

        """
        if not among.any():
            raise InputError(f"{self.folder} holds no row of the kind asked for; build the index from profiles that have some")
        unit = unit_rows(query[None])[0]
        positions, scores = ENGINES.resolve(self.engine)(self.folder, self.vectors).nearest(unit, top=top, among=among)
        ranked = self.rows.iloc[positions].reset_index(names="row")
        ranked.insert(0, "score", scores)
        return ranked


def unit_rows(values: npt.NDArray[np.float32], /) -> npt.NDArray[np.float32]:
    """Rows scaled to unit length.

    Parameters
    ----------
    values
        (rows, width).

    Returns
    -------
    npt.NDArray[np.float32]
        (rows, width) of float32. A row of zeros stays zero.

    """
    length = np.linalg.norm(values, axis=1, keepdims=True)
    return np.divide(values, length, out=np.zeros_like(values), where=length > 0).astype(np.float32)


def build(profiles: anndata.AnnData, out: Path, /, *, run: Path | None = None, engine: str | type[Engine] = "exact", seed: int = 0) -> None:
    """Write an index of Profiles, as a whole or not at all.

    Profile rows stay as wells (or sites), and their consensus over replicates is added. So both wells and perturbations can be ranked. Rows
    of modality `perturbation` (embedded texts, molecules) stay as they are.

    Parameters
    ----------
    profiles
        Profiles, or the embeddings of a run.
    out
        The folder of the index.
    run
        The run that embedded the profiles, which can embed new queries; or None.
    engine
        A name of `ENGINES`, or a class of your own, which `open_index` takes too.
    seed
        Of the flat map.

    Raises
    ------
    InputError
        There is no such engine, there are no rows, values are missing or infinite, or `run` is not the run that embedded the profiles.

    """
    chosen = ENGINES.resolve(engine)
    made = identity.of(profiles)
    if run is not None:
        _refuse_other_run(run, made)
    values = tables.dense(profiles)
    if not np.isfinite(values).all():
        bad = int((~np.isfinite(values)).any(axis=1).sum())
        raise InputError(f"{bad} of {len(values)} profiles hold missing or infinite values; correct or select features first")
    rows = profiles.obs.reset_index(drop=True).copy()
    if not len(rows):
        raise InputError("an index of no rows answers nothing; give profiles that have some")
    if MODALITY not in rows:
        rows[MODALITY] = PROFILE
    vectors, rows = _with_consensus(unit_rows(values), rows)
    space = _joint_space(run)
    with runs.atomic(out) as temporary:
        temporary.mkdir()
        np.save(temporary / "vectors.npy", vectors, allow_pickle=False)
        flat, method = layout.flatten(vectors, seed=seed)
        rows.assign(x=flat[:, 0], y=flat[:, 1]).to_parquet(temporary / "rows.parquet", index=False)
        described: dict[str, Any] = {
            "engine": engine if isinstance(engine, str) else engine.__name__,
            "layout": method,
            "run": str(run.resolve()) if run else None,
            "width": vectors.shape[1],
        }
        described["identity"] = made.record()
        chosen.build(temporary, vectors)
        if space is not None:
            strangers.write(temporary, *strangers.embedded(space, rows))
        runs.write_json(temporary / "index.json", described)


def _with_consensus(vectors: npt.NDArray[np.float32], rows: pd.DataFrame) -> tuple[npt.NDArray[np.float32], pd.DataFrame]:
    """Add one row a perturbation and dose (`wells.replicates`): the mean of the unit vectors of its profiles, scaled to unit length."""
    if "level" in rows and (rows.loc[rows[MODALITY] == PROFILE, "level"] == "perturbation").any():
        return vectors, rows  # a trained run pooled the bags itself, which says more than a mean
    rows["level"] = np.where(rows[MODALITY] == PROFILE, "well", "perturbation")
    if schema.PERTURBATION not in rows:
        return vectors, rows
    treatments = wells.replicates(rows).to_numpy(dtype=object)
    named = (rows[MODALITY] == PROFILE).to_numpy() & ~wells.unknown(rows) & ~pd.isna(treatments)
    observed = anndata.AnnData(
        X=vectors[named], obs=rows[named].assign(treatment=treatments[named]).reset_index(drop=True).rename(index=str)
    )
    consensus = tables.aggregate(observed, by=["treatment"], statistic="mean")
    added = consensus.obs.drop(columns="treatment").assign(level="perturbation", **{MODALITY: PROFILE})
    return np.concatenate([vectors, unit_rows(tables.dense(consensus))]), pd.concat([rows, added], ignore_index=True)


def _joint_space(run: Path | None) -> Space | None:
    """The joint space of a run; None without a run, and for a run of a method that has none."""
    if run is None or not Space.of_run(run):
        return None
    return Space.load(run)


def open_index(folder: Path, /, *, engine: type[Engine] | None = None) -> Index:
    """Open an index.

    Parameters
    ----------
    folder
        The folder that `build` wrote.
    engine
        The class that it was built with, where that is of your own and has no name in `ENGINES`.

    Returns
    -------
    Index
        Its vectors stay in the file.

    Raises
    ------
    InputError
        The folder is no index, is a damaged one, or needs an engine that is not known.

    """
    described = folder / "index.json"
    if not described.exists():
        raise InputError(f"{folder} is not an index; make one with: impasto index PROFILES --out INDEX")
    facts = json.loads(described.read_text())
    vectors = np.load(folder / "vectors.npy", mmap_mode="r", allow_pickle=False)
    rows = pd.read_parquet(folder / "rows.parquet")
    if not len(rows) or len(rows) != len(vectors):
        raise InputError(f"{folder} holds {len(rows)} rows and {len(vectors)} vectors{_AGAIN}")
    if not all(np.isfinite(vectors[start : start + _BLOCK]).all() for start in range(0, len(vectors), _BLOCK)):
        raise InputError(f"{folder} holds vectors that are not finite, and nothing is near to those{_AGAIN}")
    run = Path(facts["run"]) if facts["run"] else None
    if engine is None:
        schema.one_of(facts["engine"], ENGINES, what="engine")
    return Index(folder, vectors, rows, run, engine or facts["engine"], Identity.read(facts.get("identity")))


def _refuse_other_run(run: Path, made: Identity) -> None:
    """Raise InputError where a run is not the one whose space the embeddings lie in."""
    described = {"name": run.name, "sha256": runs.digest(run / "model.safetensors")}
    identity.check(Identity(made.encoder, made.steps, described), made, of_expected=f"the run {run}", of_given="the indexed profiles")


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain objects.

    Parameters
    ----------
    table
        A table.

    Returns
    -------
    list[dict[str, Any]]
        One a row; what is missing is None.

    """
    plain = table.astype(object).where(table.notna(), None)
    return [dict(zip(map(str, table.columns), row, strict=True)) for row in plain.itertuples(index=False, name=None)]
