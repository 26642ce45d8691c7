"""Ingest: folders, sheets and tables -> one folder of checked tables that every later stage reads.

Images: `images.parquet` (one row a plane) and `wells.parquet` (annotation a plate and well). Tables of profiles:
`profiles.parquet`. Nothing is copied: images stay where they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import anndata
import pandas as pd

from impasto import annotation, profiles, runs, schema, spelling, wells
from impasto.plates import annotate, folders, images, planes, plate_index, profile_tables, summary
from impasto.plates.annotate import Wishes
from impasto.plates.columns import coded_rows, recoded
from impasto.plates.images import Choices
from impasto.plates.problems import refuse
from impasto.plates.profile_tables import Opening
from impasto.plates.reader import Asked
from impasto.plates.summary import Summary
from impasto.schema import InputError


@dataclass(frozen=True)
class Found:
    """What lies at the sources: planes and wells of images, or profiles.

    Attributes
    ----------
    planes
        Of images, sorted by place; empty for profiles.
    wells
        Annotation, a row a well; of profiles, a row each.
    profiles
        None for images.
    notes
        Sentences to show.
    summary
        The whole in short.

    """

    planes: pd.DataFrame
    wells: pd.DataFrame
    profiles: anndata.AnnData | None
    notes: tuple[str, ...]
    summary: Summary = field(default_factory=Summary)


def find(
    sources: Sequence[Path],
    *,
    platemaps: Sequence[Path] = (),
    channels: Mapping[str, str] | None = None,
    asked: Asked | None = None,
    choices: Choices | None = None,
    opening: Opening | None = None,
    wishes: Wishes | None = None,
) -> Found:
    """Look at the sources, all images or all tables; join the platemaps; check. Writes nothing.

    Parameters
    ----------
    sources
        Folders of images, sheets, or tables of profiles.
    platemaps
        Platemaps and lists of compounds, in any order.
    channels
        Of images: channel as written -> stain, as `choices.channel`.
    asked, choices
        Of images: how they are read, and what is taken of them.
    opening
        Of tables: what the user says of columns, layer, level, sheet, encoding.
    wishes
        What the user says of controls and names.

    Returns
    -------
    Found
        Planes and wells, or profiles.

    Raises
    ------
    InputError
        On anything that cannot be used, with the option that helps.

    """
    opening, wishes = opening or Opening(), wishes or Wishes()
    is_table = [folders.is_profiles(s) for s in sources]
    if not sources or any(is_table) != all(is_table):
        missing = [source for source in sources if not source.exists()]
        if missing:
            raise InputError(f"{missing[0]} does not exist; check the path")
        raise InputError("give images or tables of profiles, not both in one call; ingest them into two folders")
    columns = dict(opening.choices.columns)
    maps = annotate.read_maps(platemaps, columns=columns, sheet=opening.sheet, encoding=opening.encoding)
    if all(is_table):
        return _tables(sources, maps, opening=opening, wishes=wishes)
    choices = choices or Choices()
    choices = replace(choices, channel={**(channels or {}), **choices.channel})
    return _images(sources, maps, asked=asked or Asked(), choices=choices, wishes=wishes)


def _images(sources: Sequence[Path], maps: list[tuple[Path, pd.DataFrame]], *, asked: Asked, choices: Choices, wishes: Wishes) -> Found:
    plates = sorted({str(name) for _, table in maps if schema.PLATE in table for name in table[schema.PLATE].dropna()})
    read = images.read(sources, asked, choices, plates=plates)
    refuse(read.problems)
    notes = list(read.notes)
    of_wells = read.wells()
    for source, beside in read.beside:
        of_wells = _sidecar(of_wells, beside, source)
    annotated = annotate.annotate(of_wells, maps, wishes=wishes, where="the plates")
    notes += [*annotated.notes, *annotate.inferred(annotated.obs)]
    table = _placed(read.planes, annotated.obs)
    whole = replace(_of_annotation(annotated, maps), sources=read.told_sources(), plates=images.told_plates(table, read.looks))
    return Found(table, annotated.obs, None, tuple(notes), whole)


def _placed(table: pd.DataFrame, of_wells: pd.DataFrame) -> pd.DataFrame:
    """Batch and source, where folders do not tell them and the annotation does, belong to the planes: they say where a site is."""
    words = [word for word in (schema.SOURCE, schema.BATCH) if word in of_wells and not (table[word] != "").any()]
    if not words:
        return table
    keys = [k for k in (schema.SOURCE, schema.BATCH, schema.PLATE, schema.WELL) if k in of_wells and k not in words]
    code, several = coded_rows(table, keys)
    unique = pd.DataFrame(several, columns=keys).astype("string").replace("", pd.NA)
    where = unique.merge(of_wells[[*keys, *words]], on=keys, how="left", validate="many_to_one")
    given = {word: recoded(code, dict(enumerate(where[word].astype("string").fillna("")))) for word in words}
    return planes.sorted_by_place(table.assign(**given))


def _sidecar(of_wells: pd.DataFrame, beside: pd.DataFrame, source: Path) -> pd.DataFrame:
    """Annotation that lay beside the images, where it speaks of wells and agrees with itself."""
    if beside.empty:
        return of_wells
    table = spelling.annotation(beside, where=str(source))
    keys = [k for k in (schema.PLATE, schema.WELL) if k in table]
    if schema.WELL not in keys:
        return of_wells
    table = table.drop(columns=[c for c in ("file", "row", "channels", "masks", schema.SITE, schema.BATCH, schema.SOURCE) if c in table])
    first = table.drop_duplicates(keys)
    agreed = [c for c in table if c not in keys and table.groupby(keys)[c].nunique(dropna=False).max() == 1]
    return annotation.join(of_wells, [(str(source), first[[*keys, *agreed]])])[0]


def _of_annotation(annotated: annotate.Annotated, maps: Sequence[tuple[Path, pd.DataFrame]]) -> Summary:
    """The part of a summary that annotation tells."""
    obs = annotated.obs
    asked = schema.PERTURBATION in obs or schema.CONTROL_TYPE in obs
    return Summary(
        words={str(path): dict(table.attrs.get("columns", {})) for path, table in maps},
        kinds=wells.counts_of_kinds(obs) if asked else {},
        unknown_words=annotated.unknown_words,
        joins=annotated.joins,
        doses=annotate.several_doses(obs),
        shared_inchikeys=wells.shared_inchikeys(obs),
        problems=annotated.problems,
    )


def _tables(sources: Sequence[Path], maps: list[tuple[Path, pd.DataFrame]], *, opening: Opening, wishes: Wishes) -> Found:
    elsewhere = [word for word in opening.choices.columns if any(word in table for _, table in maps)]
    read, notes = profile_tables.read(sources, opening=opening, elsewhere=elsewhere)
    whole, more = profile_tables.stacked(read)
    obs = whole.obs
    obs.attrs["unit"] = whole.uns.get("concentration_unit", "")
    annotated = annotate.annotate(obs, maps, wishes=wishes, where=", ".join(map(str, sources)))
    annotated.obs.attrs.clear()
    whole.obs = annotated.obs
    notes += [*more, *annotated.notes, *annotate.inferred(whole.obs), *profile_tables.warnings(whole)]
    of_annotation = _of_annotation(annotated, maps)
    named = list(zip(map(str, sources), read, strict=True))
    in_short = replace(
        of_annotation,
        sources=[{"path": s, "reader": "table of profiles", "rows": t.n_obs, "how": list(t.uns["read_as"])} for s, t in named],
        plates=summary.plates_of(pd.DataFrame(), whole.obs),
        words={**{s: dict(t.uns["columns"]) for s, t in named}, **of_annotation.words},
        features={s: {"count": t.n_vars, "how": t.uns["features_from"]} for s, t in named},
        left_out={s: list(map(str, t.uns["columns_left_out"])) for s, t in named},
    )
    return Found(pd.DataFrame(), whole.obs.copy(), whole, tuple(notes), in_short)


def write(found: Found, out: Path) -> None:
    """Write an ingested folder, as a whole or not at all.

    Parameters
    ----------
    found
        What `find` returned.
    out
        The folder.

    """
    with runs.atomic(out) as temporary:
        temporary.mkdir(parents=True)
        if found.profiles is not None:
            profiles.write(found.profiles, temporary / "profiles.parquet")
            return
        planes.write(found.planes, temporary / plate_index.PLANES)
        plate_index.of_planes(found.planes).to_parquet(temporary / plate_index.FILE, index=False)
        found.wells.to_parquet(temporary / "wells.parquet", index=False)


def completeness(found: Found) -> pd.DataFrame:
    """Which wells are complete.

    Parameters
    ----------
    found
        What `find` returned.

    Returns
    -------
    pandas.DataFrame
        One row a well: annotation, and `complete`: whether it has as many planes as the fullest well of its plate.

    """
    of_wells = found.wells.copy()
    if found.planes.empty:
        of_wells["complete"] = True
        return of_wells
    keys = [*(k for k in wells.keys_of_plate(of_wells) if k in found.planes), schema.WELL]
    per_well = found.planes.groupby(keys, observed=True).size().rename("planes").reset_index()
    per_well = per_well.astype(dict.fromkeys(keys, "string")).replace({key: {"": pd.NA} for key in keys})
    fullest = per_well.groupby(keys[:-1], dropna=False)["planes"].transform("max")
    per_well["complete"] = per_well["planes"] == fullest
    return of_wells.merge(per_well, on=keys, how="left")
