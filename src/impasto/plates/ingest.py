"""Ingest: folders, sheets and tables -> one folder of checked tables that every later stage reads.

Images: `images.parquet` (one row a plane) and `wells.parquet` (annotation a plate and well). Tables of profiles:
`profiles.parquet`. Nothing is copied: images stay where they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import anndata
import numpy as np
import pandas as pd

from impasto import profiles, runs, schema, spelling, wells
from impasto.plates import folders, platemap
from impasto.plates.planes import KEYS
from impasto.schema import InputError


@dataclass(frozen=True)
class Found:
    """What was found: planes and wells of images, or profiles; and sentences worth telling."""

    planes: pd.DataFrame
    wells: pd.DataFrame
    profiles: anndata.AnnData | None
    notes: tuple[str, ...]


def find(
    sources: Sequence[Path],
    *,
    platemaps: Sequence[Path] = (),
    channels: Mapping[str, str] | None = None,
    order: Sequence[str] = (),
    depth: int | None = None,
    columns: Mapping[str, str] | None = None,
    features: str | None = None,
) -> Found:
    """Look at the sources, all images or all tables; join the platemaps; check. Writes nothing. Raises InputError."""
    tables = [folders.is_profiles(s) for s in sources]
    if not sources or any(tables) != all(tables):
        raise InputError("give images or tables of profiles, not both in one call; ingest them into two folders")
    maps = [(path, platemap.read(path)) for path in platemaps]
    if all(tables):
        return _tables(sources, maps, columns=columns, features=features)
    parts = [folders.read(s, channels=channels or {}, order=order, depth=depth) for s in sources]
    notes = [f"{source}: {kind}, {len(found)} planes" for source, (found, _, kind) in zip(sources, parts, strict=True)]
    planes = pd.concat([found for found, _, _ in parts], ignore_index=True)
    if "illumination" in planes:
        planes["illumination"] = planes["illumination"].fillna("")
    wells = planes[[schema.PLATE, schema.WELL]].drop_duplicates(ignore_index=True)
    for source, (_, beside, _) in zip(sources, parts, strict=True):
        wells = _sidecar(wells, beside, source)
    notes += [_match(wells, table, path) for path, table in maps if schema.WELL in table]
    return Found(*_placed(planes, platemap.join(wells, maps)), None, tuple(notes))


def _placed(planes: pd.DataFrame, wells: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Batch and source, where folders do not tell them and the annotation does, belong to the planes: they say where a site is."""
    told = [word for word in (schema.SOURCE, schema.BATCH) if word in wells]
    if not told:
        return planes, wells
    keys = [schema.PLATE, schema.WELL]
    where = planes[keys].merge(wells[[*keys, *told]], on=keys, how="left", validate="many_to_one")
    given = {word: planes[word].mask(planes[word] == "", where[word].astype("string").fillna("").astype(object)) for word in told}
    order = [*KEYS, schema.CHANNEL, "path", "page"]
    return planes.assign(**given).sort_values(order, kind="stable", ignore_index=True), wells.drop(columns=told)


def _sidecar(wells: pd.DataFrame, beside: pd.DataFrame, source: Path) -> pd.DataFrame:
    """Annotation that lay beside the images, where it speaks of wells and agrees with itself."""
    if beside.empty:
        return wells
    table = spelling.annotation(beside, where=str(source))
    keys = [k for k in (schema.PLATE, schema.WELL) if k in table]
    if schema.WELL not in keys:
        return wells
    for key in keys:
        table[key] = table[key].astype(str)
    table = table.drop(columns=[c for c in ("file", "row", "channels", "masks", schema.SITE, schema.BATCH, schema.SOURCE) if c in table])
    first = table.drop_duplicates(keys)
    agreed = [c for c in table if c not in keys and table.groupby(keys)[c].nunique(dropna=False).max() == 1]
    return platemap.join(wells, [(source, first[[*keys, *agreed]])])


def _match(wells: pd.DataFrame, table: pd.DataFrame, path: Path) -> str:
    unnamed, unused = platemap.unmatched(wells, table)
    return f"{path}: {len(wells) - unnamed} of {len(wells)} wells are on the platemap; {unused} of its wells have no data"


def _tables(
    sources: Sequence[Path], maps: list[tuple[Path, pd.DataFrame]], *, columns: Mapping[str, str] | None, features: str | None
) -> Found:
    read = [profiles.read(s, columns=columns, features=features) for s in sources]
    notes = [f"{source}: {t.n_obs} rows, {t.n_vars} features" for source, t in zip(sources, read, strict=True)]
    for source, table in zip(sources, read, strict=True):
        taken = ", ".join(f"{word} = {column}" for word, column in table.uns["columns"].items())
        notes.append(f"{source}: {taken or 'no column is known by its spelling'}")
        refuse_doubled_wells(table, where=str(source))
    whole = read[0] if len(read) == 1 else profiles.join_common(read)
    if len(read) > 1:
        notes.append(f"{whole.n_vars} features are common to the {len(read)} tables; {whole.uns['features_dropped']} others are dropped")
        refuse_doubled_wells(whole, where="the tables together")
    if maps:
        profiles.require(whole, schema.WELL, task="joining a platemap")
        keys = [k for k in (schema.PLATE, schema.WELL) if k in whole.obs]
        notes += [_match(whole.obs[keys].drop_duplicates(), table, path) for path, table in maps if schema.WELL in table]
        joined = platemap.join(whole.obs.reset_index(drop=True), maps)
        whole.obs = joined.rename(index=str)
    untold = [word for word in (schema.PLATE, schema.WELL, schema.PERTURBATION) if word not in whole.obs]
    if untold:
        notes.append(f"no column means {', '.join(untold)}; where there is one, say so: --set columns.{untold[0]}=NAME")
    notes += _warnings(whole)
    return Found(pd.DataFrame(), whole.obs.copy(), whole, tuple(notes))


def refuse_doubled_wells(table: anndata.AnnData, *, where: str) -> None:
    """Raise InputError where two rows of a table of wells are the same well of the same plate and batch."""
    keys = [k for k in (*KEYS, schema.TIME_H) if k in table.obs]
    if schema.WELL not in keys or schema.PLATE not in keys:
        return
    doubled = table.obs.duplicated(keys, keep=False)
    if doubled.any():
        plate, well = table.obs.loc[doubled, [schema.PLATE, schema.WELL]].iloc[0]
        raise InputError(
            f"{where}: {int(doubled.sum())} rows share their plate and well (first: plate {plate}, well {well}); "
            "keep one row a well, or add a site column"
        )


def _warnings(table: anndata.AnnData) -> list[str]:
    """What later stages will stumble over, counted now."""
    values = profiles.dense(table)
    notes = []
    bad = ~np.isfinite(values)
    if bad.any():
        worst = table.var_names[int(bad.sum(axis=0).argmax())]
        columns = int(bad.any(axis=0).sum())
        notes.append(
            f"{columns} features hold missing or infinite values ({bad.mean():.2%} of all; most in {worst}): correct --method select"
        )
    large = np.abs(values[~bad]).max(initial=0.0)
    if large > 1e3:
        notes.append(f"the largest value is {large:.3g}: clip before comparing (correct --method clip)")
    if not wells.marks_controls(table.obs):
        notes.append("no negative controls are marked; what needs them will refuse: say where they are (--platemap, control_type)")
    return notes


def write(found: Found, out: Path) -> None:
    """Write what was found, as a whole folder or not at all."""
    with runs.atomic(out) as temporary:
        temporary.mkdir(parents=True)
        if found.profiles is not None:
            profiles.write(found.profiles, temporary / "profiles.parquet")
            return
        found.planes.to_parquet(temporary / "images.parquet", index=False)
        found.wells.to_parquet(temporary / "wells.parquet", index=False)


def completeness(found: Found) -> pd.DataFrame:
    """One row a well: annotation, and `complete` (every channel of the folder at every site that the fullest well has)."""
    wells = found.wells.copy()
    if found.planes.empty:
        wells["complete"] = True
        return wells
    per_well = found.planes.groupby([schema.PLATE, schema.WELL]).size().rename("planes").reset_index()
    fullest = per_well.groupby(schema.PLATE)["planes"].transform("max")
    per_well["complete"] = per_well["planes"] == fullest
    return wells.merge(per_well, on=[schema.PLATE, schema.WELL], how="left")
