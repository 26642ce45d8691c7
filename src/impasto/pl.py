"""`im.pl`: figures for papers and notebooks, each on matplotlib axes; the same drawings as in a report.

Every function takes `ax` (new axes where it is None) and returns the axes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import anndata
    import pandas as pd
    from matplotlib.axes import Axes

    from impasto.cells.folder import Cells
    from impasto.evaluation.result import Result

__all__ = ["cells_in_rows", "curve", "dose", "montage", "plate", "ranking", "receipt", "umap", "volcano"]


def umap(data: anndata.AnnData | pd.DataFrame, /, *, color: str = "perturbation", ax: Axes | None = None, seed: int = 0) -> Axes:
    """A map of the rows, coloured by a column of the annotation.

    Parameters
    ----------
    data
        Profiles. A map of `im.tl.umap` (`obsm["X_umap"]`) is used where it is there, else it is made.
    color
        The column that colours a row.
    ax
        Where to draw.
    seed
        Of the map and of the thinning of points.

    Returns
    -------
    Axes
        The axes given, or new ones.

    Raises
    ------
    InputError
        The profiles have no such column.

    """
    from impasto import frames, tl, wells
    from impasto.report.figures import scatter

    profiles = frames.profiles_of(data, task="drawing a map")
    wells.require(profiles.obs, [color], task="drawing a map")
    if "X_umap" not in profiles.obsm:
        profiles = tl.umap(profiles, seed=seed, copy=True)
    labels = profiles.obs[color].astype("string").fillna("unknown")
    return scatter.draw(profiles.obsm["X_umap"], labels, [""] * profiles.n_obs, _axes(ax, width=4.6, height=5.2), seed=seed)


def plate(data: anndata.AnnData | pd.DataFrame, /, *, value: str, plate: str | None = None, ax: Axes | None = None) -> Axes:
    """One plate as a heat map of a feature or of a column of the annotation; controls are outlined.

    Parameters
    ----------
    data
        Profiles of wells.
    value
        A feature, or a numeric column of the annotation (`cell_count`).
    plate
        Which plate, by its name or by source, batch and name (`source_4/batch_1/BR00117010`); the only one by default.
    ax
        Where to draw.

    Returns
    -------
    Axes
        The axes given, or new ones.

    Raises
    ------
    InputError
        The plate or the value is not there, or there are several plates and none is named.

    """
    import numpy as np

    from impasto import frames, wells
    from impasto.report.figures import plate as drawing
    from impasto.schema import InputError, listed, nearest

    profiles = frames.profiles_of(data, task="drawing a plate")
    codes, names = wells.plates(profiles.obs)
    chosen = [i for i, name in enumerate(names) if plate is None or name == plate or name.rsplit("/", 1)[-1] == plate]
    if len(chosen) != 1:
        problem = "no plate is named" if plate is None else f"{plate!r} names {len(chosen)} plates"
        raise InputError(f"{problem}; say plate=, one of: {listed(names)}")
    rows = profiles[codes == chosen[0]]
    if value in rows.var_names:
        shown = np.asarray(rows[:, value].X, dtype=float).ravel()
    elif value in rows.obs:
        shown = rows.obs[value].to_numpy(dtype=float)
    else:
        raise InputError(f"{value!r} is neither a feature nor a column{nearest(value, [*rows.obs, *rows.var_names])}")
    finite = shown[np.isfinite(shown)]
    low, high = np.quantile(finite, [0.02, 0.98]) if len(finite) else (0.0, 1.0)
    axes = drawing.draw(rows.obs.assign(shown=shown), _axes(ax, width=6.4, height=4.4), value="shown", low=float(low), high=float(high))
    axes.set_title(f"{names[chosen[0]]}: {value}, {low:.3g} to {high:.3g}", loc="left")
    return axes


def curve(run: Path | str | Sequence[Mapping[str, Any]], /, *, ax: Axes | None = None) -> Axes:
    """The loss of a training by epoch, and its validation score.

    Parameters
    ----------
    run
        The folder of a run of `im.train`, or its log: one dictionary an epoch.
    ax
        Where to draw.

    Returns
    -------
    Axes
        The axes given, or new ones.

    Raises
    ------
    InputError
        The folder holds no log of a training.

    """
    from impasto.report.figures import curve as drawing
    from impasto.schema import InputError
    from impasto.training import log as training_log

    if isinstance(run, str | Path):
        path = Path(run) / training_log.FILE
        if not path.is_file():
            raise InputError(f"{run} holds no log.jsonl; give the folder of a run: impasto train RECIPE --profiles P --out RUN")
        log = training_log.read(path)
    else:
        log = [dict(line) for line in run]
    return drawing.draw(log, _axes(ax, width=5.0, height=3.0))


def receipt(made: Mapping[str, Any], /, *, ax: Axes | None = None) -> Axes:
    """What a correction removed and what it left: share of variance by factor before and after, and the replicate signal.

    Parameters
    ----------
    made
        A receipt: of `im.pp.receipt(before, after)`, or of the file `OUT.receipt.json`.
    ax
        Where to draw.

    Returns
    -------
    Axes
        The axes given, or new ones.

    """
    from impasto.report.figures import receipt as drawing

    return drawing.draw(dict(made), _axes(ax, width=5.0, height=0.9 + 0.36 * len(drawing.rows(dict(made)))))


def dose(result: Result, /, perturbation: str, *, ax: Axes | None = None) -> Axes:
    """The responses of one compound over its doses, from `im.tl.hits`, and its curve where it has one.

    Parameters
    ----------
    result
        What `im.tl.hits` returned for a table with doses.
    perturbation
        The compound.
    ax
        Where to draw.

    Returns
    -------
    Axes
        Wells and the curve with its 95 % band, in standard deviations of the residuals; the benchmark dose is dashed. The title says
        the EC50, or why there is no curve.

    Raises
    ------
    InputError
        The compound does not stand at several doses.

    """
    from impasto.report.figures import dose as drawing
    from impasto.schema import InputError, nearest

    compounds = result.tables.get("dose_response")
    names = [] if compounds is None else list(compounds["perturbation"].astype(str))
    if compounds is None or perturbation not in names:
        raise InputError(
            f"no compound {perturbation!r} stands at several doses{nearest(perturbation, names)}; im.tl.hits lists those that do"
        )
    parts = [result.tables.get(name) for name in ("dose_curves", "dose_wells")]
    empty = compounds.iloc[:0].reindex(columns=["perturbation", "plate", "concentration", "response", "low", "high"])
    line, points = (empty if part is None else part[part["perturbation"] == perturbation] for part in parts)
    return drawing.draw(compounds.iloc[names.index(perturbation)], line, points, _axes(ax, width=4.2, height=3.0))


def ranking(result: Result, /, *, most: int = 30, ax: Axes | None = None) -> Axes:
    """Perturbations by their score, the best first, each with its interval.

    Parameters
    ----------
    result
        What `im.tl.replicates` returned.
    most
        How many perturbations are shown.
    ax
        Where to draw.

    Returns
    -------
    Axes
        The axes given, or new ones.

    Raises
    ------
    InputError
        The result has no score of each perturbation.

    """
    from impasto.report.figures import scores
    from impasto.schema import InputError

    table = result.per_group
    if "mean_average_precision" not in table:
        raise InputError("this result has no score of each perturbation; im.tl.replicates gives one")
    shown = table.sort_values("mean_average_precision", ascending=False, kind="stable").head(most)
    rows = shown.rename(columns={"perturbation": "group", "mean_average_precision": "value"})
    rows = rows.reindex(columns=["group", "value", "low", "high", "chance"])
    return scores.draw(rows, _axes(ax, width=6.0, height=0.5 + 0.26 * len(rows)))


def volcano(result: Result, /, perturbation: str, *, names: int = 8, ax: Axes | None = None) -> Axes:
    """The features of one perturbation, from `im.tl.differential_features`: effect and p, those called in colour.

    Parameters
    ----------
    result
        What `im.tl.differential_features` returned.
    perturbation
        Whose features.
    names
        How many of the called features are named.
    ax
        Where to draw.

    Returns
    -------
    Axes
        The axes given, or new ones.

    Raises
    ------
    InputError
        The result has no features of this perturbation.

    """
    from impasto.report.figures import volcano as drawing
    from impasto.schema import InputError, nearest

    table = result.tables.get("features")
    known = [] if table is None else sorted(set(table["perturbation"].astype(str)))
    if table is None or perturbation not in known:
        raise InputError(f"there are no features of {perturbation!r}{nearest(perturbation, known)}; im.tl.differential_features gives them")
    rows = table[table["perturbation"].astype(str) == perturbation]
    axes = drawing.draw(rows, _axes(ax, width=4.6, height=4.0), names=names)
    ending = f"{int(rows['called'].sum())} of {len(rows)} features called" if "called" in rows else "NOT CALIBRATED, none called"
    axes.set_title(f"{perturbation}: {ending}", loc="left")
    return axes


def montage(
    cells: Cells | Path | str,
    perturbation: str,
    /,
    *,
    by: Literal["nearest", "responders", "random"] = "nearest",
    images: Path | str | None = None,
    count: int = 12,
    seed: int = 0,
    masked: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Cells of a perturbation beside cells of the controls of the same plates, with random rows of both.

    Parameters
    ----------
    cells
        `im.read_cells(DIR)`, or DIR.
    perturbation
        Whose cells.
    by
        `nearest` to the centroid of its responders, the `responders` that lie farthest, or `random`.
    images
        Ingested images of these plates; by default those that the cells were segmented from.
    count
        Cells in a row.
    seed
        Of the random rows.
    masked
        Whether the neighbours of each cell are zeroed.
    ax
        Where to draw.

    Returns
    -------
    Axes
        The axes given, or new ones.

    Raises
    ------
    InputError
        There is no such perturbation, its plates have no controls, or nobody says where the images are, or which
        pixels are the neighbours'.

    """
    from impasto.cells import folder
    from impasto.evaluation import exemplars

    opened = cells if isinstance(cells, folder.Cells) else folder.Cells(cells)
    table = exemplars.choose(opened, perturbation, by=by, count=count, seed=seed)
    return cells_in_rows(opened, table, title=perturbation, by=by, images=images, masked=masked, ax=ax)


def cells_in_rows(
    cells: Cells,
    table: pd.DataFrame,
    /,
    *,
    title: str,
    by: str = "",
    images: Path | str | None = None,
    masked: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Cells that are chosen already, in rows.

    Parameters
    ----------
    cells
        Their folder.
    table
        One row a cell: place, centre, and `row`, the kind of row it stands in (see `impasto.evaluation.exemplars`).
    title, by
        What is shown, and how its cells were chosen.
    images
        Ingested images of these plates; by default those that the cells were segmented from.
    masked
        Whether the neighbours of each cell are zeroed.
    ax
        Where to draw.

    Returns
    -------
    Axes
        The axes given, or new ones.

    """
    from impasto.cells import crops, pixels
    from impasto.evaluation import crop_rows
    from impasto.report.figures import montage as drawing

    source = pixels.of(cells, None if images is None else Path(images))
    pictures = crop_rows.pictures(source, table, side=crops.side_of(cells), masked=masked)
    rows, across = table["row"].nunique(), int(table["row"].value_counts().max())
    axes = _axes(ax, width=2 + 0.75 * across, height=0.6 + 0.8 * rows)
    caption = f"{crops.in_words(source.channels, pictures.shape[1])}{'; neighbours zeroed' if masked else ''}"
    return drawing.draw(table, pictures, axes, perturbation=title, by=by, caption=caption)


def _axes(ax: Axes | None, *, width: float, height: float) -> Axes:
    """The axes given, or new ones of a size in inches in the style of the report."""
    if ax is not None:
        return ax
    from matplotlib import pyplot as plt

    from impasto.report.figures import style

    # Outside the context: the first figure of a notebook chooses its backend, and the context would undo that at its end.
    figure = plt.figure(figsize=(width, height), layout="constrained")
    with plt.rc_context(style.RC):
        return figure.add_subplot()
