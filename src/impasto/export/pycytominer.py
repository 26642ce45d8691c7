"""Profiles for pycytominer: `Metadata_Plate`, `Metadata_Well`... first, then features whose names it can infer.

pycytominer takes for a feature what begins with `Cells_`, `Cytoplasm_` or `Nuclei_`. An embedding does not, so a prefix
(`Cells_<model>_`) can be put before every feature of no compartment; `profiles.read` sees through it. `Image_` features keep their
name: pycytominer takes them where it is asked to (`image_features=True`).
Rows of an AnnData are named "0", "1"...: pycytominer makes integers of them, whatever they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import anndata
import pandas as pd

from impasto import profiles as tables
from impasto import spelling
from impasto.export import INFERRED, SPELLED
from impasto.export.exporter import Exporter
from impasto.schema import InputError


def spelled(profiles: anndata.AnnData, /, *, feature_prefix: str = "") -> anndata.AnnData:
    """The profiles under pycytominer's names.

    Parameters
    ----------
    profiles
        Profiles of sites, wells or perturbations.
    feature_prefix
        Put before features of no compartment, such as `Cells_dinov2_`; `""` leaves names as they are.

    Returns
    -------
    anndata.AnnData
        A copy.

    Raises
    ------
    InputError
        Where the prefix would not make pycytominer infer anything, or two columns would share a name.

    """
    if feature_prefix and not (feature_prefix.startswith(INFERRED) and feature_prefix.endswith("_")):
        raise InputError(
            f"the feature prefix {feature_prefix!r} makes pycytominer infer nothing; it begins with one of {', '.join(INFERRED)} and ends "
            "with an underscore, as in Cells_dinov2_"
        )
    obs = spelling.prefixed(profiles.obs, spelled=SPELLED)
    obs.index = pd.RangeIndex(len(obs)).astype(str)
    var = profiles.var.copy()
    named = [name if name.startswith((*INFERRED, "Image_")) else feature_prefix + name for name in profiles.var_names]
    var.index = pd.Index(named, name=var.index.name)
    return anndata.AnnData(X=tables.dense(profiles), obs=obs, var=var, uns=dict(profiles.uns))


def _inferred(names: Sequence[str]) -> str:
    """What pycytominer finds by itself among the features written."""
    inferred = sum(name.startswith(INFERRED) for name in names)
    image = sum(name.startswith("Image_") for name in names)
    sentence = f"pycytominer infers {inferred} of {len(names)} features by their names"
    if inferred + image < len(names):
        sentence += "; for the others add --feature-prefix Cells_<model>_, or give it their names (features=...)"
    return sentence + (f"; {image} of the image are taken with image_features=True" if image else "")


def _export(profiles: anndata.AnnData, path: Path, options: Mapping[str, Any]) -> str:
    written = spelled(profiles, feature_prefix=str(options.get("feature_prefix") or ""))
    tables.write(written, path)
    return _inferred(written.var_names)


EXPORTER = Exporter(_export, options=("feature_prefix",))
