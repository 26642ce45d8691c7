"""What an index keeps beside its vectors: named features, the images of its wells, and the tables of hits."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import profiles as tables
from impasto import schema, wells
from impasto.atlas import arrow_files, folder, hit_tables, image_tables
from impasto.atlas.consensus import Consensus
from impasto.cells.folder import Cells
from impasto.ranking.blocks import unit
from impasto.schema import InputError

Vectors = npt.NDArray[np.float32]
_LARGEST = float(np.finfo(np.float16).max)


@dataclass(frozen=True)
class Beside:
    """What was written.

    Attributes
    ----------
    perturbations
        The table of perturbations, with what the hits say of them.
    described
        For `index.json`.

    """

    perturbations: pd.DataFrame
    described: dict[str, Any] = field(default_factory=dict)


def write(
    where: Path,
    of_wells: pd.DataFrame,
    of_perturbations: pd.DataFrame,
    members: Consensus,
    /,
    *,
    named: anndata.AnnData | None,
    images: Path | None,
    cells: Path | None,
    hits: Path | None,
) -> Beside:
    """Write what is shown beside the vectors into the folder of an index that is being made.

    Parameters
    ----------
    where
        The folder.
    of_wells, of_perturbations, members
        The rows of the index.
    named
        Profiles with named features, row by row as the wells or to be joined to them; None without.
    images
        The folder of ingested images; None without.
    cells
        The folder of single cells; None without.
    hits
        The folder of called hits; None without.

    Returns
    -------
    Beside
        The perturbations with their hits, and what `index.json` says.

    Raises
    ------
    InputError
        The images or the hits do not belong to these wells.

    """
    described: dict[str, Any] = {"channels": [], "image_root": "", "warnings": []}
    if cells is not None:
        described[folder.CELLS] = str(Cells(cells).folder.resolve())
        described[folder.CELLS_IMAGES] = "" if images is None else str(images.resolve())
    if named is not None and _has_names(named.var):
        _write_features(where, named, of_wells, members)
    if images is not None:
        pictures = image_tables.write(where, images, of_wells)
        described |= {"channels": pictures.channels, "image_root": pictures.root, "shapes": pictures.shapes, "pixel_um": pictures.pixel_um}
        described["warnings"] += pictures.warnings
    if hits is not None:
        of_perturbations, called = hit_tables.write(where, hits, of_perturbations, of_wells)
        described["hits"] = called
    return Beside(of_perturbations, described)


def vectors_of(features: anndata.AnnData, of_wells: pd.DataFrame, members: Consensus, /) -> tuple[Vectors, Vectors]:
    """The profiles of the wells of an index, as a second space.

    Parameters
    ----------
    features
        Profiles of all of these wells.
    of_wells, members
        The rows of the index.

    Returns
    -------
    tuple[Vectors, Vectors]
        Unit vectors of the wells and of the perturbations.

    Raises
    ------
    InputError
        A well has no profile, values are missing, or a perturbation has no wells.

    """
    values = tables.dense(features)[joined(features.obs, of_wells)]
    if not np.isfinite(values).all():
        raise InputError("the features hold missing or infinite values; correct or select features first")
    if any(not len(own) for own in members.members):
        raise InputError("the index holds perturbations without wells, which have no features; leave --features out")
    own = unit(values)
    return own, unit(members.mean(own))


def joined(obs: pd.DataFrame, of_wells: pd.DataFrame, /) -> npt.NDArray[np.intp]:
    """The row of another table of the same wells for every well of an index.

    Parameters
    ----------
    obs
        Annotation of the other table.
    of_wells
        Annotation of n wells.

    Returns
    -------
    npt.NDArray[np.intp]
        (n,) rows of the other table.

    Raises
    ------
    InputError
        A well is not in the other table, or stands there twice.

    """
    keys = [word for word in wells.SITE_KEYS if word in obs and word in of_wells]
    if not {schema.PLATE, schema.WELL} <= set(keys):
        raise InputError("features are joined to wells by plate and well, and one of the tables lacks these columns")
    text = [frame[keys].astype("string").fillna("").reset_index(drop=True) for frame in (of_wells, obs)]
    if text[1].duplicated().any():
        raise InputError(f"the features hold {int(text[1].duplicated().sum())} rows of a {' '.join(keys)} that another row has too")
    at = text[0].merge(text[1].assign(_row=np.arange(len(obs))), on=keys, how="left")["_row"]
    if at.isna().any():
        raise InputError(
            f"{int(at.isna().sum())} of {len(at)} wells of the index have no row in the features; give the table that was embedded"
        )
    return at.to_numpy(dtype=np.intp)


def _has_names(var: pd.DataFrame) -> bool:
    """Whether features say what they measure: a compartment or a channel."""
    words = [word for word in (schema.COMPARTMENT, schema.CHANNEL) if word in var]
    return any((var[word].astype("string").fillna("") != "").any() for word in words)


def _write_features(where: Path, named: anndata.AnnData, of_wells: pd.DataFrame, members: Consensus) -> None:
    """The mean corrected features of every perturbation, in half precision, and what each feature is."""
    values = tables.dense(named)
    if "modality" in named.obs or len(values) != len(of_wells):
        values = values[joined(named.obs, of_wells)]
    np.save(where / folder.FEATURES, np.clip(members.mean(values), -_LARGEST, _LARGEST).astype(np.float16), allow_pickle=False)
    words = {word: named.var[word].to_numpy() for word in (schema.COMPARTMENT, schema.GROUP, schema.CHANNEL) if word in named.var}
    described = pd.DataFrame({"name": named.var_names.to_numpy(dtype=object), **words})
    arrow_files.write(arrow_files.encoded(described), where / folder.NAMED_FEATURES)
