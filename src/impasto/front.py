"""The front door of Python: `import impasto as im`, then `im.read`, `im.train`, `im.embed`, `im.search`, `im.explore`.

Each function does what the verb of its name does, guards included.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import anndata
    import pandas as pd

    from impasto.atlas.placing import Placed
    from impasto.cells.folder import Cells
    from impasto.dataset import Dataset
    from impasto.explorer.serving import Explorer

__all__ = ["concat", "embed", "explore", "map", "open", "place", "read", "read_cells", "search", "train", "write"]


def read(
    path: Path | str,
    /,
    *,
    columns: Mapping[str, str] | None = None,
    features: str | None = None,
    annotation: Sequence[str] = (),
    leave_out: Sequence[str] = (),
    negcon: Sequence[str] = (),
    layer: str | None = None,
    sheet: str | None = None,
    encoding: str | None = None,
) -> anndata.AnnData:
    """Read profiles.

    Parameters
    ----------
    path
        Parquet, CSV, Excel, .h5ad, .zarr, or a folder of CellProfiler's tables.
    columns
        Which column means what, as word -> column (`{"well": "Assay_Plate_Well"}`); recognised by its spelling otherwise.
    features
        A regular expression that names the feature columns, or `rest`: all numeric columns that are not annotation.
    annotation, leave_out
        Columns that are annotation, and columns that are neither annotation nor features.
    negcon
        Names of perturbations that are negative controls (`["DMSO"]`), where the table does not mark them.
    layer
        Of an AnnData: the layer, the obsm or `raw` that holds the values.
    sheet, encoding
        Of a workbook; of a text file.

    Returns
    -------
    anndata.AnnData
        One row a well, site or perturbation; `obs` in impasto's words, `X` float32.

    Raises
    ------
    InputError
        The file cannot be used; the sentence says what to do.

    """
    from impasto import profiles, wells

    data = profiles.read(
        path,
        columns=columns,
        features=features,
        annotation=annotation,
        leave_out=leave_out,
        layer=layer,
        sheet=sheet,
        encoding=encoding,
    )
    if negcon:
        data.obs = wells.mark_negative(data.obs, negcon, where=str(path))
    return data


def read_cells(folder: Path | str, /, *, quality: Path | str | None = None) -> Cells:
    """Open a folder of cells. Values are read when they are asked for.

    Parameters
    ----------
    folder
        What `impasto cells` wrote.
    quality
        What `impasto check` wrote of it; by default the folder `quality` inside, where there is one.

    Returns
    -------
    Cells
        Its `plates`, `wells` and `features`; `well`, `iter_wells`, `blocks` and `bags` read cells.

    Raises
    ------
    InputError
        The folder holds no cells.

    """
    from impasto.cells.folder import Cells

    return Cells(folder, quality=quality)


def write(data: anndata.AnnData | pd.DataFrame, path: Path | str, /) -> None:
    """Write profiles: the whole file under its name, or nothing.

    Parameters
    ----------
    data
        Profiles.
    path
        Its ending chooses the format: .parquet, .csv, .h5ad or .zarr.

    Raises
    ------
    InputError
        The ending of the name is none of these, or the table has no rows or features.

    """
    from impasto import frames, profiles

    profiles.write(frames.profiles_of(data, task="writing"), path)


def open(path: Path | str, /) -> Dataset:  # noqa: A001 - the word that users know
    """Open a folder of plates (`NAME.plates`) without reading it.

    Parameters
    ----------
    path
        The folder.

    Returns
    -------
    Dataset
        `d.obs`, `d.features`, `for plate in d`, `d["PLATE"]`, `d.to_anndata()`, `d.matrix()`, `d.sql()`.

    Raises
    ------
    InputError
        The folder holds no plates.

    """
    from impasto.dataset import open_dataset

    return open_dataset(path)


def concat(tables: Sequence[anndata.AnnData | pd.DataFrame], /) -> anndata.AnnData:
    """Stack tables of profiles over the features that all of them have.

    Parameters
    ----------
    tables
        Profiles of the same pipeline.

    Returns
    -------
    anndata.AnnData
        All rows, in the order given; `uns["features_dropped"]` counts the features that some table lacks.

    Raises
    ------
    InputError
        The tables share no feature, or different encoders or corrections made them.

    """
    from impasto import frames, profiles

    return profiles.join_common([frames.profiles_of(table, task="stacking") for table in tables])


def train(
    recipe: Path | str | Mapping[str, Any],
    data: anndata.AnnData | pd.DataFrame | Path | str,
    /,
    *,
    out: Path | str,
    loop: Mapping[str, Any] | None = None,
    start: Path | str | None = None,
    seed: int = 0,
) -> Path:
    """Train a method, as `impasto train` does.

    Parameters
    ----------
    recipe
        A recipe file with one train stage, or the method itself: `{"name": "two_towers", "loss": "cwcl"}`.
    data
        Profiles, a file of profiles, or (for methods that train on images) a folder that `impasto ingest` wrote. Profiles are stored
        beside the run, as `OUT.<digest>.h5ad`: `im.search` reads them again.
    out
        The folder of the run. A killed run continues from its last checkpoint.
    loop
        How long and with which optimiser; what a recipe says otherwise.
    start
        An earlier run; training begins with its weights.
    seed
        Of the weights and the minibatches.

    Returns
    -------
    Path
        The folder of the run.

    Raises
    ------
    InputError
        The recipe, the method or the profiles cannot be used, or the folder holds something else.

    """
    from impasto import frames, methods
    from impasto import recipe as recipes
    from impasto.stages import train as stage

    out = Path(out)
    values: dict[str, Any] = {"seed": seed}
    if isinstance(recipe, Mapping):
        values["method"] = dict(recipe)
    else:
        values |= recipes.read(Path(recipe)).only("train").values
        values = {key: value for key, value in values.items() if key in ("method", "loop", "stored")} | {"seed": seed}
    values |= {"loop": dict(loop)} if loop is not None else {}
    values |= {"start": str(start)} if start is not None else {}
    reads = methods.METHODS[str(values["method"].get("name"))].reads
    if isinstance(data, Path | str):
        settings = stage.TrainSettings.read({**values, reads: str(data)}, where="impasto.train")
        recipes.execute("train", settings, out=out)
        return out
    profiles = frames.profiles_of(data, task="training")
    copy_of_profiles = _beside(out, profiles)
    settings = stage.TrainSettings.read({**values, reads: str(copy_of_profiles)}, where="impasto.train")
    recipes.execute("train", settings, out=out)
    return out


def _beside(out: Path, profiles: anndata.AnnData) -> Path:
    """Profiles as a file beside a run, named by its digest, so that no other file is replaced and a later search finds it."""
    import shutil

    from impasto import runs
    from impasto.schema import InputError

    with runs.scratch() as folder:
        written = folder / "profiles.h5ad"
        write(profiles, written)
        content = runs.digest(written)
        copy_of_profiles = out.with_name(f"{out.name}.{content[:12]}.h5ad")
        if copy_of_profiles.exists() and runs.digest(copy_of_profiles) != content:
            raise InputError(f"{copy_of_profiles} is there and holds other profiles; move it away, or give another out")
        if not copy_of_profiles.exists():
            with runs.atomic(copy_of_profiles) as temporary:
                shutil.copyfile(written, temporary)
    return copy_of_profiles


def embed(run: Path | str, data: anndata.AnnData | pd.DataFrame, /) -> anndata.AnnData:
    """Embed profiles with a trained run, as `impasto embed` does.

    Parameters
    ----------
    run
        The folder of a run.
    data
        Profiles with the features, the encoder and the correction that the run was trained on.

    Returns
    -------
    anndata.AnnData
        For a joint space the rows of both modalities (`obs["modality"]`), for other methods the rows given.

    Raises
    ------
    InputError
        The folder is no run, or another encoder or correction made the profiles.

    """
    from impasto import frames, methods

    return methods.embed(Path(run), frames.profiles_of(data, task="embedding"))


def search(
    where: Path | str,
    /,
    *,
    name: str | None = None,
    text: str | None = None,
    smiles: str | None = None,
    gene: str | None = None,
    well: str | None = None,
    image: Path | str | None = None,
    through: Sequence[Path | str] = (),
    top: int = 10,
    rank: Literal["perturbations", "wells"] = "perturbations",
) -> pd.DataFrame:
    """Rank perturbations or wells by what they look like, as `impasto search` does.

    Parameters
    ----------
    where
        A run or an index.
    name, text, smiles, gene, well, image
        Exactly one question: the name of a perturbation, a sentence, a molecule, a gene symbol, a well (`PLATE:WELL`), a folder of
        ingested images.
    through
        Files of relations: a gene that nothing perturbs is looked for through its relatives.
    top
        How many rows.
    rank
        What is ranked.

    Returns
    -------
    pd.DataFrame
        Rank, score and annotation, the best first. Beside a null, also `z`, `p` and `q` of each row, and
        `query_p` of the query. A query with `query_p` above .05 does not differ from a random one.

    Raises
    ------
    InputError
        Not exactly one question was asked, or it cannot be answered.

    """
    from impasto.atlas import search as searching
    from impasto.indexed import open_or_build
    from impasto.schema import InputError

    by_kind = {"name": name, "text": text, "smiles": smiles, "gene": gene, "well": well, "image": image}
    questions = [(kind, str(query)) for kind, query in by_kind.items() if query is not None]
    if len(questions) != 1:
        raise InputError(f"{len(questions)} questions were asked; give exactly one of {', '.join(by_kind)}")
    kind, query = questions[0]
    ranking, _ = searching.search(
        open_or_build(Path(where)), kind=kind, query=query, top=top, rank=rank, through=[Path(file) for file in through]
    )
    return ranking


def map(  # noqa: A001 - the word that users know
    source: Path | str,
    out: Path | str,
    /,
    *,
    licence: str,
    fitted: Path | str | None = None,
    hits: Path | str | None = None,
    title: str = "",
) -> Path:
    """Pack a map that others can place their plates on, as `impasto map` does.

    Parameters
    ----------
    source
        An index, or the folder of a run that holds one.
    out
        The folder to write.
    licence
        Under which the map may be used.
    fitted
        The fitted correction; looked for in `source` without.
    hits
        What `impasto evaluate hits` wrote of these profiles: the calibration.
    title
        The title of the map; by default that of the index.

    Returns
    -------
    Path
        The folder of the map.

    Raises
    ------
    InputError
        There is not one index and one fitted correction, or they do not belong together.

    """
    from impasto import recipe
    from impasto.stages.map import MapSettings

    said = {"source": source, "fitted": fitted, "hits": hits, "licence": licence, "title": title}
    recipe.execute("map", MapSettings.read(said, where="im.map"), out=Path(out))
    return Path(out)


def place(
    data: anndata.AnnData | pd.DataFrame | Dataset,
    on: Path | str,
    /,
    *,
    top: int = 10,
    spare: float | Literal["auto"] = "auto",
    seed: int = 0,
) -> Placed:
    """Place new plates on a map, as `impasto place` does.

    Parameters
    ----------
    data
        Profiles that are not corrected.
    on
        The folder of a map.
    top
        Neighbours of each perturbation.
    spare
        Share of each new plate's negative controls that judge; `auto`: half where a plate has 16.
    seed
        Of the spared controls, and of what is drawn.

    Returns
    -------
    Placed
        `wells`, `neighbours`, `scores`, and the corrected `profiles` with their `positions` on the map.

    Raises
    ------
    InputError
        The folder is no map or was changed, another encoder made the profiles, or features of the map are missing.

    """
    from impasto import frames
    from impasto.atlas import map_folder, placing

    return placing.place(map_folder.open_map(Path(on)), frames.profiles_of(data, task="placing"), top=top, spare=spare, seed=seed)


def explore(data: anndata.AnnData | pd.DataFrame | Path | str, /, *, images: Path | str | None = None, port: int = 0) -> Explorer:
    """Serve the explorer on loopback, in the background.

    Parameters
    ----------
    data
        Profiles, or a run or an index on disk.
    images
        Of profiles: the folder that `impasto ingest` wrote of their images.
    port
        The port on 127.0.0.1; 0 takes any that is free.

    Returns
    -------
    Explorer
        The running explorer; in a notebook it shows the page.

    Raises
    ------
    InputError
        FastAPI and uvicorn are not installed, the folder is neither a run nor an index, the profiles cannot be indexed, or the port cannot
        be had.

    """
    from impasto import frames
    from impasto.atlas import building, index
    from impasto.explorer import serving
    from impasto.indexed import open_or_build

    serving.require_server()
    if isinstance(data, Path | str):
        opened = open_or_build(Path(data))
    else:
        folder = Path(tempfile.mkdtemp(prefix="impasto-explore-")) / "index"
        building.build(
            frames.profiles_of(data, task="exploring"), folder, images=None if images is None else Path(images), title="profiles in memory"
        )
        opened = index.open_index(folder)
    return serving.in_background(opened, port=port)
