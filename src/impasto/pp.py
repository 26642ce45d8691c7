"""Preprocessing of profiles, as `im.pp`: every correction method by its name, `spare`, `aggregate` and `receipt`.

    import impasto as im

    ad = im.read("plates.parquet")
    im.pp.spare(ad, share=0.5)
    im.pp.select(ad)
    im.pp.standardize(ad, by="plate", on="controls")
    white = im.pp.sphering(ad, regulariser=1.0, copy=True)

Each function takes an AnnData or a DataFrame with `Metadata_` columns, and always returns an AnnData. With `copy=False` (the default, as
in scanpy) the given AnnData itself is corrected, and is returned too. With `copy=True` it stays as it is, and a corrected copy is
returned. A DataFrame is never changed.

Each does what `impasto correct --method NAME` does: spared controls and held-out wells are not learned from, and
`uns["impasto"]["steps"]` lists the steps. To fit on some plates and apply to others, use the classes
(`impasto.correction.CORRECTORS["sphering"].fit(profiles)`) or `impasto.correction.steps.correct`.

The functions of the correctors, those of plugins included, are built from their settings when they are first used.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import anndata
import pandas as pd

from impasto import identity, schema, wells
from impasto import profiles as tables
from impasto.correction import CORRECTORS
from impasto.correction.receipt import receipt as _receipt
from impasto.correction.spared import chosen_controls
from impasto.correction.steps import apply, settings_of
from impasto.frames import profiles_of
from impasto.schema import InputError, nearest
from impasto.settings import Settings

if TYPE_CHECKING:
    from impasto.cells.folder import Cells

Table: TypeAlias = anndata.AnnData | pd.DataFrame
_OWN = ("aggregate", "cell_quality", "pool", "receipt", "spare")


def __getattr__(name: str) -> Callable[..., anndata.AnnData]:
    if name.startswith("_") or name not in CORRECTORS:
        raise AttributeError(f"impasto.pp has no {name!r}{nearest(name, __dir__())}; it has {', '.join(__dir__())}")
    return _function(name)


def __dir__() -> list[str]:
    return sorted({*_OWN, *CORRECTORS})


def pool(cells: Cells | Path | str, /, *, name: str = "median") -> anndata.AnnData:
    """Pool the cells of each well into its profile, as `impasto profile DIR --pool NAME` does.

    Parameters
    ----------
    cells
        `im.read_cells(DIR)`, or DIR.
    name
        `median` (as pycytominer), `clipped`, `mean`, `trimmed`, `quartiles` or `median+mad`.

    Returns
    -------
    anndata.AnnData
        One row a well; `cell_count` counts the cells that were pooled, `cell_count_all` all.

    Raises
    ------
    InputError
        There is no such pooling, or the folder holds no cells.

    """
    from impasto.cells import folder
    from impasto.cells import pool as pooling

    return pooling.pool(cells if isinstance(cells, folder.Cells) else folder.Cells(cells), name=name)


def cell_quality(cells: Cells | Path | str, /) -> Cells:
    """Judge every cell, as `impasto check DIR` does, and write nothing.

    Parameters
    ----------
    cells
        `im.read_cells(DIR)`, or DIR.

    Returns
    -------
    Cells
        The same cells with the bits of the rules; `well(..., kept=True)`, `iter_wells` and `im.pp.pool` leave out what they mark.

    Raises
    ------
    InputError
        The folder holds no cells.

    """
    from impasto.cells import check, folder, quality

    opened = folder.Cells.unchecked(cells.folder if isinstance(cells, folder.Cells) else cells)
    measures = quality.measures_of(opened.features)
    return opened.with_bits({name: check.judge(opened, name, measures)[2].bits for name in opened.plates})


def spare(profiles: Table, /, *, share: float = 0.5, seed: int = 0, copy: bool = False) -> anndata.AnnData:
    """Keep some negative controls out of all corrections, to score against.

    Parameters
    ----------
    profiles
        n rows with plate, well and control type: an AnnData, or a DataFrame with `Metadata_` columns.
    share
        Share of each plate's negative controls, 0 to 1.
    seed
        Of the choice.
    copy
        False: the given AnnData gets the column. True: it stays as it is, and a copy gets it.

    Returns
    -------
    anndata.AnnData
        N rows: the given object with `copy=False`, a copy with `copy=True`, a new object for a DataFrame. The column `spared` of `obs` is
        True for the spared controls.

    Raises
    ------
    InputError
        No negative control is marked, or the share is not between 0 and 1.

    """
    target = _target(profiles, task="im.pp.spare", copy=copy)
    target.obs[schema.SPARED] = chosen_controls(target.obs, share=share, seed=seed)
    return target


def aggregate(profiles: Table, /, *, by: Sequence[str] | None = None, statistic: str = "median") -> anndata.AnnData:
    """One row a group: sites to wells, wells to perturbations.

    Parameters
    ----------
    profiles
        n rows: an AnnData, or a DataFrame with `Metadata_` columns. It is never changed.
    by
        Columns that make a group; by default those that tell wells apart (source, batch, plate, well).
    statistic
        `median` or `mean` of each feature.

    Returns
    -------
    anndata.AnnData
        One row a group. A new object, groups in sorted order, with the column `n_rows`. Annotation stays where a group agrees on it.

    Raises
    ------
    InputError
        A column is missing, or `by` is not a list.

    """
    table = profiles_of(profiles, task="im.pp.aggregate")
    if isinstance(by, str):
        raise InputError(f"im.pp.aggregate: by is a list of columns; write by=[{by!r}]")
    keys = list(by) if by is not None else [*wells.keys_of_plate(table.obs), schema.WELL]
    return tables.aggregate(table, by=keys, statistic=statistic)


def receipt(before: Table, after: Table, /) -> dict[str, Any]:
    """What corrections did: how much of the variance of plate, batch, row, column and cell count is gone, and how much replicate signal is
    left.

    Parameters
    ----------
    before, after
        The same n rows before and after (use `copy=True` to keep the former).

    Returns
    -------
    dict[str, Any]
        What `impasto correct --json` prints (see `impasto.correction.receipt.receipt`).

    Raises
    ------
    InputError
        The two have different numbers of rows.

    """
    first, last = (profiles_of(table, task="im.pp.receipt") for table in (before, after))
    return _receipt(first, last, methods=list(identity.of(last).steps))


@cache
def _function(name: str) -> Callable[..., anndata.AnnData]:
    """The function of a corrector; its signature and documentation are those of the settings."""
    kind = CORRECTORS[name]
    fields = {key: field for key, field in kind.settings_class.model_fields.items() if key != "method"}

    def function(profiles: Table, /, *positional: object, copy: bool = False, **settings: object) -> anndata.AnnData:
        if positional:
            raise InputError(f"im.pp.{name} takes its settings by keyword, not {positional[0]!r}; allowed: {', '.join([*fields, 'copy'])}")
        unknown = next((key for key in settings if key not in fields), None)
        if unknown is not None:
            raise InputError(f"im.pp.{name} has no setting {unknown!r}{nearest(unknown, fields)}; allowed: {', '.join([*fields, 'copy'])}")
        chosen = settings_of({"method": name, **settings}, where=f"im.pp.{name}")[1]
        target = _target(profiles, task=f"im.pp.{name}", copy=copy)
        corrected, _, _ = apply(target, [chosen])
        return _written_into(target, corrected)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = _documentation(name, kind.settings_class)
    parameters = [
        inspect.Parameter("profiles", inspect.Parameter.POSITIONAL_ONLY, annotation=Table),
        *(
            inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=_default(field), annotation=field.annotation)
            for key, field in fields.items()
        ),
        inspect.Parameter("copy", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=bool),
    ]
    function.__signature__ = inspect.Signature(parameters, return_annotation=anndata.AnnData)  # type: ignore[attr-defined]
    function.__annotations__ = {p.name: p.annotation for p in parameters} | {"return": anndata.AnnData}
    return function


def _default(field: Any) -> Any:
    return field.get_default(call_default_factory=True)


def _documentation(name: str, settings: type[Settings]) -> str:
    kind = CORRECTORS[name]
    about = (inspect.getdoc(inspect.getmodule(kind)) or inspect.getdoc(kind) or name).split("\n\n")[0]
    parameters = {key: field.description or "See its settings class." for key, field in settings.model_fields.items() if key != "method"}
    described = [line for key, text in parameters.items() for line in (key, f"    {text}")]
    return "\n".join([about, "", "Parameters", "----------", *_PROFILES, *described, *_COPY, "", *_RETURNS, "", *_RAISES])


_PROFILES = ("profiles", "    n rows: an AnnData, or a DataFrame with `Metadata_` columns. A DataFrame is never changed.")
_COPY = (
    "copy",
    "    False: the given AnnData itself is corrected. X, obs, var and uns are replaced; obsm stays; layers and varm stay where the",
    "    features do. True: it stays as it is, and a copy is corrected.",
)
_RETURNS = (
    "Returns",
    "-------",
    "AnnData",
    "    The n corrected rows: the given object with `copy=False` (scanpy returns None there), a copy with `copy=True`, a new object for",
    '    a DataFrame. Spared controls and held-out wells are not learned from; `uns["impasto"]["steps"]` lists the steps.',
)
_RAISES = (
    "Raises",
    "------",
    "InputError",
    "    A setting is not known or not allowed, or the profiles lack what the method needs.",
)


def _target(profiles: Table, *, task: str, copy: bool) -> anndata.AnnData:
    """What becomes the result: the given AnnData, a copy of it, or the profiles of a DataFrame."""
    table = profiles_of(profiles, task=task)
    if table is profiles and copy:
        return table.copy()
    if table is profiles and table.is_view:
        table._init_as_actual(table.copy())  # as scanpy does: a view becomes an object of its own
    elif table is not profiles and isinstance(profiles, anndata.AnnData) and not copy:
        profiles._init_as_actual(table)  # sparse values, or columns with a prefix: now in our form
        return profiles
    return table


def _written_into(target: anndata.AnnData, corrected: anndata.AnnData) -> anndata.AnnData:
    """The target with the values, features and annotation of `corrected`, whose rows are its own."""
    if not corrected.var_names.isin(target.var_names).all():
        target._init_as_actual(
            X=corrected.X, obs=corrected.obs, var=corrected.var, uns=dict(corrected.uns), obsm=target.obsm, obsp=target.obsp
        )
        return target
    if not corrected.var_names.equals(target.var_names):
        target._inplace_subset_var(corrected.var_names)
    target.X, target.obs, target.var = corrected.X, corrected.obs, corrected.var
    target.uns = dict(corrected.uns)
    return target
