"""Profiles for scverse's mantispy, to version 2.0 of its AnnData schema (package 0.1.0a1: experimental, so all of it is in this file).

- `obs` holds `Metadata_<Concept>` for identity and annotation. Computed results are in snake_case without the prefix.
- `var` says of every feature its object, group, feature, channel, scale, angle, gray levels, radial bin and parameters. It also says
  whether it is a feature, and its kind (measurement, embedding, derived).
- `uns["mantispy"]` says the schema's version, the resolution (well or aggregate) and the columns that name a row. impasto has no profiles
  of single objects.
- X is float32, rows are "0", "1"...
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anndata
import pandas as pd

from impasto import feature_names, schema, spelling
from impasto import profiles as tables
from impasto.export.exporter import Exporter
from impasto.schema import InputError, channel_name

VERSION = "2.0"
SPELLED = {
    schema.SOURCE: "Source",
    schema.BATCH: "Batch",
    schema.PLATE: "Plate",
    schema.WELL: "Well",
    schema.SITE: "Site",
    schema.PERTURBATION: "Perturbation",
    schema.PERTURBATION_NAME: "Compound",
    schema.PERTURBATION_TYPE: "Perturbation_Type",
    schema.CONTROL_TYPE: "Control_Type",
    schema.GENE: "Gene",
    schema.TARGETS: "Targets",
    schema.SMILES: "SMILES",
    schema.INCHIKEY: "InChIKey",
    schema.MOA: "MOA",
    schema.CONCENTRATION: "Concentration",
    schema.TIME_H: "Time_H",
    schema.CELL_LINE: "CellLine",
    schema.CELL_COUNT: "CellCount",
}
COMPUTED = ("n_rows", schema.SPARED, schema.SPLIT)
_COLUMNS = ("object", "feature_group", "feature", "channel", "scale", "angle", "gray_levels", "radial_bin", "params")
_NUMBERS = ("scale", "angle", "gray_levels")
_NUMBER, _RADIAL_BIN = re.compile(r"^-?\d+(\.\d+)?$"), re.compile(r"^\d+of\d+$")
_TREATMENT = "treatment"


def stamped(profiles: anndata.AnnData, /, *, concentration_unit: str | None = None) -> anndata.AnnData:
    """The profiles in mantispy's schema.

    Parameters
    ----------
    profiles
        Profiles of sites, wells or perturbations.
    concentration_unit
        Such as `uM`; needed where there are concentrations.

    Returns
    -------
    anndata.AnnData
        A copy.

    Raises
    ------
    InputError
        Where a concentration has no unit or is no number, where two columns would share a name, and where rows are named neither by plate
        and well nor by perturbation.

    """
    obs = _annotation(profiles.obs, unit=concentration_unit)
    resolution, grouped_by = _resolution(obs)
    stamp: dict[str, object] = {"schema_version": VERSION, "resolution": resolution, "grouped_by": grouped_by}
    if f"{spelling.PREFIX}Perturbation" in obs:
        stamp["perturbation"] = {"column": f"{spelling.PREFIX}Perturbation"}
        if f"{spelling.PREFIX}Control_Type" in obs:
            stamp["perturbation"] = {"column": f"{spelling.PREFIX}Perturbation", "control_column": f"{spelling.PREFIX}Control_Type"}
    uns = {**profiles.uns, "mantispy": stamp}
    return anndata.AnnData(X=tables.dense(profiles), obs=obs, var=features(list(profiles.var_names)), uns=uns)


def _annotation(obs: pd.DataFrame, *, unit: str | None) -> pd.DataFrame:
    """`obs` with the schema's names; control types with the flag that belongs to them; text as categories, missing as missing."""
    computed = [c for c in obs if c in COMPUTED]
    out = spelling.prefixed(obs.drop(columns=computed), spelled=SPELLED)
    out = pd.concat([out, obs[computed]], axis=1)
    if schema.CONTROL_TYPE in obs:
        kinds = obs[schema.CONTROL_TYPE].astype(str).replace(schema.TRT, _TREATMENT)
        out[f"{spelling.PREFIX}Control_Type"], out[f"{spelling.PREFIX}Control"] = kinds, kinds != _TREATMENT
    if schema.CONCENTRATION in obs:
        out[f"{spelling.PREFIX}Concentration"] = _numbers(obs[schema.CONCENTRATION])
        if unit is None:
            raise InputError("the profiles have concentrations, and mantispy assumes no unit: say which it is with --concentration-unit uM")
        out[f"{spelling.PREFIX}ConcentrationUnit"] = unit
    for column in out:
        if out[column].dtype == object or isinstance(out[column].dtype, pd.StringDtype | pd.CategoricalDtype):
            # An empty string stands for nothing in .h5ad, and a gene named "" would be a gene. Through object: the categories of a
            # pandas string array are of a type that older files cannot hold.
            text = out[column].astype("string").replace("", pd.NA)
            out[column] = text.astype(object).where(text.notna(), None).astype("category")
    out.index = pd.RangeIndex(len(out)).astype(str)
    return out


def _numbers(concentration: pd.Series) -> pd.Series:
    values = pd.to_numeric(concentration, errors="coerce")
    text = concentration[values.isna() & concentration.notna() & (concentration.astype("string") != "")]
    if len(text):
        raise InputError(
            f"{len(text)} concentrations are not numbers (first {text.iloc[0]!r}); mantispy takes numbers in one unit: write them so"
        )
    return values.astype(float)


def _resolution(obs: pd.DataFrame) -> tuple[str, list[str]]:
    """What a row is, and the columns that name it; a site is finer than a well and carries plate and well, which is what `well` asks."""
    place = [f"{spelling.PREFIX}{word}" for word in ("Plate", "Well")]
    if set(place) <= set(obs):
        return "well", [*place, *([f"{spelling.PREFIX}Site"] if f"{spelling.PREFIX}Site" in obs else [])]
    if f"{spelling.PREFIX}Perturbation" in obs:
        return "aggregate", [f"{spelling.PREFIX}Perturbation"]
    raise InputError("mantispy needs rows named by plate and well, or by perturbation, and these profiles have neither; add the columns")


def features(names: list[str], /) -> pd.DataFrame:
    """The schema's `var`: what each feature is, from its name. A name of no known form is a `derived` feature of no object.

    Parameters
    ----------
    names
        Of the features.

    Returns
    -------
    pd.DataFrame
        One row a feature.

    """
    rows = [_feature(name) for name in names]
    var = pd.DataFrame(rows, index=pd.Index(names, dtype=str), columns=[*_COLUMNS, "is_feature", "feature_kind"])
    for column in var.columns.difference(["is_feature"]):
        var[column] = var[column].astype(float) if column in _NUMBERS else var[column].astype(object).astype("category")
    return var


def _feature(name: str) -> dict[str, object]:
    known = feature_names.parse(name)
    row: dict[str, object] = {"is_feature": True, "feature_kind": "derived", "feature": name}
    if known.group == feature_names.EMBEDDING_GROUP:
        return {**row, "feature_kind": "embedding", "channel": known.channel or None}
    if not known.known:
        return row
    rest = [part for part in name.split("_")[2:] if part not in _channels(name, known)]
    numbers = [part for part in rest if _NUMBER.match(part)]
    radial = [part for part in rest if _RADIAL_BIN.match(part)]
    row |= {"object": known.compartment, "feature_group": known.group, "feature_kind": "measurement", "channel": known.channel or None}
    row["feature"] = "_".join(part for part in rest if part not in (*numbers, *radial)) or known.group
    row["radial_bin"] = radial[0] if radial else None
    if numbers:
        # Numbers without a column of their own are in params only.
        row["params"] = "_".join(numbers)
        places = _NUMBERS[: min(len(numbers), len(_NUMBERS) if known.group == "Texture" else 1)]
        row |= zip(places, map(float, numbers[: len(places)]), strict=True)
    return row


def _channels(name: str, known: feature_names.FeatureName) -> set[str]:
    """The parts of a name that name its channels."""
    stains = set(known.channel.split("|")) if known.channel else set()
    return {part for part in name.split("_")[3:] if channel_name(part) in stains}


def _export(profiles: anndata.AnnData, path: Path, options: Mapping[str, Any]) -> str:
    if tables.suffix(path) not in (".h5ad", ".zarr"):
        raise InputError(f"{path.name}: mantispy reads AnnData; name the file .h5ad or .zarr")
    tables.write(stamped(profiles, concentration_unit=options.get("concentration_unit")), path)
    return "schema 2.0 of mantispy 0.1.0a1, which is experimental and may change"


EXPORTER = Exporter(_export, file="profiles.h5ad", options=("concentration_unit",))
