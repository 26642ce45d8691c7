"""The index of a folder: an index as it is, of a trained run the index of the data that it was trained on, built on first use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from impasto import recipe
from impasto.devices import DEFAULT, DeviceSettings
from impasto.profiling.extract import ProfileSettings
from impasto.stages.embed import EmbedSettings
from impasto.stages.index import IndexSettings
from impasto.training import model_json

if TYPE_CHECKING:
    from impasto.atlas.index import Index


def open_or_build(where: Path, /, *, on: DeviceSettings = DEFAULT) -> Index:
    """Open an index, or build that of a trained run.

    Parameters
    ----------
    where
        An index, a folder that holds one as `index`, or a run that `impasto train` left; what is built lies in its folder `search`.
    on
        Where the nets run that build one.

    Returns
    -------
    Index
        The open index.

    Raises
    ------
    InputError
        The folder is neither an index nor a run.

    """
    from impasto.atlas import index

    if not model_json.is_run(where):
        inside = where / "index"
        return index.open_index(inside if (inside / "index.json").exists() and not (where / "index.json").exists() else where)
    embedded, built = where / "search" / "profiles.parquet", where / "search" / "index"
    model = model_json.read(where)
    devices = on.model_dump(include=set(DeviceSettings.model_fields), exclude_unset=True)
    if "profiles" not in model:
        model["profiles"] = where / "search" / "features.parquet"
        seen = ProfileSettings.read({"images": model["sites"], "encoder": str(where), **devices}, where=str(where))
        recipe.execute("profile", seen, out=model["profiles"])
    recipe.execute("embed", EmbedSettings.read({"run": where, "profiles": model["profiles"], **devices}, where=str(where)), out=embedded)
    recipe.execute("index", IndexSettings.read({"profiles": embedded, "run": where}, where=str(where)), out=built)
    return index.open_index(built)
