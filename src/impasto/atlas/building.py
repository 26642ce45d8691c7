"""Writing an index: unit vectors of wells and of their perturbations, a flat map, and what is shown beside them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import identity, mapped, progress, runs, schema, wells
from impasto import profiles as tables
from impasto.atlas import ENGINES, arrow_files, beside, by_position, consensus, deviation, folder, layout, pairs, strangers, well_columns
from impasto.atlas.consensus import COMPOUND, DOSE, LEVEL, MODALITY, PROFILE, TREATED_AS, TREATMENT, Consensus
from impasto.atlas.engines import AUTO, Engine, chosen_for
from impasto.atlas.index import open_index
from impasto.atlas.stacked import Stacked
from impasto.identity import Identity
from impasto.joint.space import Space
from impasto.ranking.blocks import unit
from impasto.schema import InputError
from impasto.version import __version__

Vectors = npt.NDArray[np.float32]
_EDGE = 0.002


@dataclass(frozen=True)
class Rows:
    """What is indexed.

    Attributes
    ----------
    wells
        Annotation of n wells (or sites).
    perturbations
        Of m perturbations.
    members
        The perturbations with their wells.
    values
        (n, width) the values of the wells.
    vectors
        Unit vectors of the wells (n, width) and of the perturbations (m, width).

    """

    wells: pd.DataFrame
    perturbations: pd.DataFrame
    members: Consensus
    values: Vectors
    vectors: tuple[Vectors, Vectors]


def build(
    profiles: anndata.AnnData,
    out: Path,
    /,
    *,
    run: Path | None = None,
    engine: str | type[Engine] = AUTO,
    seed: int = 0,
    features: anndata.AnnData | None = None,
    images: Path | None = None,
    cells: Path | None = None,
    hits: Path | None = None,
    title: str = "",
    pixel_um: float | None = None,
    dose_unit: str = "",
    positions: Vectors | None = None,
) -> None:
    """Write an index of Profiles, as a whole or not at all.

    Profile rows stay as wells (or sites), and their consensus over replicates is added: a row a compound, and a row a dose where there are
    several. Texts and molecules that `impasto embed` wrote beside them are no rows of an index.

    Parameters
    ----------
    profiles
        Profiles, or the embeddings of a run.
    out
        The folder of the index.
    run
        The run that embedded the profiles, which can embed new queries; or None.
    engine
        A name of `ENGINES`, or a class of your own, which `open_index` takes too; `auto`: by the number of rows (`engines.chosen_for`).
    seed
        Of the map and of random draws.
    features
        Of an index of embeddings: the corrected profiles that were embedded, for neighbours by named features and the reasons for them.
    images
        The folder that `impasto ingest` wrote of the images.
    cells
        The folder that `impasto cells` wrote, whose single cells can be shown.
    hits
        The folder that `impasto evaluate hits` wrote.
    title
        Of the page; its plates without one, or the name of the folder.
    pixel_um
        The side of a pixel, in micrometres; what the images say without one.
    dose_unit
        The unit of the doses; by default what the profiles say.
    positions
        (n, 2) of the wells on a map that is there already; a map is made without.

    Raises
    ------
    InputError
        There is no such engine, there are no rows, values are missing or infinite, `run` is not the run that embedded the profiles, or
        what is shown beside them does not belong to them.

    """
    if engine != AUTO:
        ENGINES.resolve(engine)
    made = identity.of(profiles)
    if run is not None:
        _refuse_other_run(run, made)
    rows = _rows(profiles)
    engine = chosen_for(sum(map(len, rows.vectors))) if isinstance(engine, str) and engine == AUTO else engine
    chosen = ENGINES.resolve(engine)
    space = _joint_space(run)
    main = folder.PROFILES if run is None else folder.EMBEDDING if space is None else folder.JOINT
    spaces = {main: rows.vectors}
    named = profiles if main == folder.PROFILES else features
    if main == folder.PROFILES and features is not None:
        raise InputError("features belong to an index of embeddings, and these are profiles themselves; leave --features out")
    if named is not None and named is features:
        spaces[folder.PROFILES] = beside.vectors_of(named, rows.wells, rows.members)
    with runs.atomic(out) as temporary:
        (temporary / folder.VECTORS).mkdir(parents=True)
        for name, both in spaces.items():
            for level, vectors in zip(folder.LEVELS, both, strict=True):
                np.save(temporary / folder.vectors(name, level), vectors, allow_pickle=False)
        flat, method = _flattened(rows, positions, seed=seed)
        of_wells = well_columns.of_wells(rows.wells.assign(x=flat[0][:, 0], y=flat[0][:, 1]))
        of_perturbations = rows.perturbations.rename(columns=well_columns.NAMES).assign(x=flat[1][:, 0], y=flat[1][:, 1])
        whole = (of_perturbations[TREATED_AS] == of_perturbations[schema.PERTURBATION]) & ~wells.negative(rows.perturbations)
        compounds = np.flatnonzero(whole.to_numpy(dtype=bool))
        np.save(temporary / folder.PAIRS, np.stack([pairs.quantiles(both[1][compounds], seed=seed) for both in spaces.values()]))
        chosen.build(temporary, Stacked(rows.vectors))
        if space is not None:
            strangers.write(temporary, *strangers.embedded(space, pd.concat([rows.wells, rows.perturbations], ignore_index=True)))
        said = beside.write(temporary, of_wells, of_perturbations, rows.members, named=named, images=images, cells=cells, hits=hits)
        encoded = [arrow_files.encoded(frame) for frame in (of_wells, said.perturbations)]
        for level, table in zip(folder.LEVELS, encoded, strict=True):
            arrow_files.write(table, temporary / folder.table(level))
        described: dict[str, Any] = {
            "version": folder.VERSION,
            "impasto": __version__,
            "title": title or wells.plates_in_words(wells.plates(rows.wells)[1]) or out.name,
            "engine": engine if isinstance(engine, str) else engine.__name__,
            "layout": method,
            "run": str(run.resolve()) if run else None,
            "reads": "" if space is None else space.reads,
            "width": rows.vectors[0].shape[1],
            "identity": made.record(),
            "spaces": list(spaces),
            "colours": well_columns.commonest(encoded[0], most=folder.COLOURS, without=(schema.WELL,)),
            "dose_unit": dose_unit or str(profiles.uns.get("concentration_unit", "")),
            **said.described,
            "pixel_um": said.described.get("pixel_um") if pixel_um is None else pixel_um,
            "digest": runs.digest(temporary)[:16],
        }
        runs.write_json(temporary / folder.DESCRIBED, described)
        by_chance = by_position.sentence(open_index(temporary, engine=chosen))
        if by_chance is not None:
            described["warnings"] = [*described["warnings"], by_chance]
            runs.write_json(temporary / folder.DESCRIBED, described)
    for sentence in described["warnings"]:
        progress.say(sentence)


# ---------------------------------------------------------------- rows
def _rows(profiles: anndata.AnnData, /) -> Rows:
    """The wells and the perturbations of a table, with their vectors."""
    values = tables.dense(profiles)
    if not len(values):
        raise InputError("an index of no rows answers nothing; give profiles that have some")
    bad = sum(int((~np.isfinite(values[here])).any(axis=1).sum()) for here in mapped.blocks(values))
    if bad:
        raise InputError(f"{bad} of {len(values)} profiles hold missing or infinite values; correct or select features first")
    obs = profiles.obs.reset_index(drop=True)
    profile = (obs[MODALITY] == PROFILE).to_numpy(dtype=bool) if MODALITY in obs else np.ones(len(obs), dtype=bool)
    pooled = profile & (obs[LEVEL] == TREATMENT).to_numpy(dtype=bool) if LEVEL in obs else np.zeros(len(obs), dtype=bool)
    if not profile.any():
        raise InputError("the table holds texts or molecules only, and an index is of profiles; give the whole output of impasto embed")
    own = profile & ~pooled
    values_of_wells = values if own.all() else mapped.take(values, np.flatnonzero(own))
    of_wells, vectors = obs[own].reset_index(drop=True), unit(values_of_wells)
    of_wells = of_wells.assign(**{well_columns.DISTANCE: deviation.of_wells(values_of_wells, of_wells)})
    members = consensus.of_wells(of_wells)
    means = unit(members.mean(vectors))
    perturbations = members.rows
    if pooled.any():
        members, means = _with_bags(members, means, obs[pooled].reset_index(drop=True), unit(values[pooled]))
        perturbations = members.rows
    far = [float(np.nanmedian(z)) if np.isfinite(z).any() else np.nan for z in _by_member(of_wells, members)]
    return Rows(of_wells, perturbations.assign(**{well_columns.DISTANCE: far}), members, values_of_wells, (vectors, means))


def _by_member(of_wells: pd.DataFrame, members: Consensus) -> list[npt.NDArray[np.float64]]:
    z = of_wells[well_columns.DISTANCE].to_numpy(dtype=np.float64)
    return [z[own] for own in members.members]


def _with_bags(members: Consensus, means: Vectors, bags: pd.DataFrame, vectors: Vectors) -> tuple[Consensus, Vectors]:
    """The perturbations that a run has pooled itself, which says more than a mean: its vector for a compound, ours for the doses."""
    rows, means = members.rows.copy(), means.copy()
    name = wells.replicates(bags, pool_doses=True).fillna("").tolist() if schema.PERTURBATION in bags else [""] * len(bags)
    place = {word: number for number, word in enumerate(rows[TREATED_AS])} if len(rows) else {}
    known = [number for number, word in enumerate(name) if word in place]
    at = [place[name[number]] for number in known]
    means[at] = vectors[known]
    if len(rows):
        # Search ranks what the run has pooled, and nothing else.
        rows[LEVEL] = COMPOUND
        rows.loc[rows[TREATED_AS] != rows[schema.PERTURBATION], LEVEL] = DOSE
        rows.loc[at, LEVEL] = TREATMENT
    others = [number for number, word in enumerate(name) if word not in place]
    describing = [word for word in (*consensus.DESCRIBING, schema.SPLIT) if word in bags]
    more = bags.iloc[others][describing].assign(
        **{schema.PERTURBATION: [name[n] for n in others], TREATED_AS: [name[n] for n in others], LEVEL: TREATMENT}
    )
    more["n_wells"] = bags.iloc[others]["n_rows"].to_numpy() if "n_rows" in bags else np.nan
    if schema.SPLIT in bags and len(rows):
        rows[schema.SPLIT] = pd.Series(bags[schema.SPLIT].iloc[known].to_numpy(dtype=object), index=at).reindex(range(len(rows)))
    everything = pd.concat([rows, more], ignore_index=True) if len(rows) else more.assign(**{schema.CONCENTRATION: np.nan})
    whole = Consensus(everything.reset_index(drop=True), [*members.members, *(np.empty(0, dtype=np.intp) for _ in others)])
    return whole, np.concatenate([means.reshape(-1, vectors.shape[1]), vectors[others]])


# ---------------------------------------------------------------- map
def _flattened(rows: Rows, positions: Vectors | None, *, seed: int) -> tuple[tuple[Vectors, Vectors], str]:
    """Map positions of wells and perturbations, in -1..1: a perturbation stands in the middle of its wells."""
    alone = not len(rows.wells)
    if positions is None:
        flat, method = layout.flatten(rows.vectors[1] if alone else rows.vectors[0], seed=seed)
        square = _squared(flat)
    else:
        square, method = positions, "given"
    if alone:
        return (np.zeros((0, 2), dtype=np.float32), square), method
    middle = rows.members.mean(square)
    lone = np.array([not len(own) for own in rows.members.members], dtype=bool)
    middle[lone] = np.nan
    return (square, middle), method


def _squared(flat: Vectors) -> Vectors:
    """Positions in -1..1 by one scale; the few outermost points are drawn in to the edge."""
    low, high = np.quantile(flat, _EDGE, axis=0), np.quantile(flat, 1 - _EDGE, axis=0)
    half = float(((high - low) / 2).max()) or 1.0
    return np.clip((flat - (low + high) / 2) / half, -1, 1).astype(np.float32)


# ---------------------------------------------------------------- runs
def _joint_space(run: Path | None) -> Space | None:
    """The joint space of a run; None without a run, and for a run of a method that has none."""
    if run is None or not Space.of_run(run):
        return None
    return Space.load(run)


def _refuse_other_run(run: Path, made: Identity) -> None:
    """Raise InputError where a run is not the one whose space the embeddings lie in."""
    described = {"name": run.name, "sha256": runs.digest(run / "model.safetensors")}
    identity.check(Identity(made.encoder, made.steps, described), made, of_expected=f"the run {run}", of_given="the indexed profiles")
