"""Why is it a hit, and why not?

Of a hit: which features make its wells agree. The share of feature f in T is

    Σ_{a≠b} x_af (S⁻¹ x_b)_f / (K (K - 1) T),

of a cosine with each x_a over the length of w x_a. Shares add up to 1, over features, compartments and channels alike.
Of a miss: the floor of the test, the position of its wells, or that they do not reproduce.
"""

from __future__ import annotations

from collections.abc import Sequence

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import linalg

from impasto import schema
from impasto.evaluation import explain
from impasto.evaluation.noise import Centred
from impasto.evaluation.reproduction import FEWEST_FOR_COSINE, Reproduction
from impasto.statistics import discovery

Numbers = npt.NDArray[np.float64]
MOST_FEATURES = 5
PARTS = (schema.COMPARTMENT, schema.CHANNEL)
FLOOR, POSITION, NOT_REPRODUCED, NOT_FAR = "floor", "position", "not reproducible", "not distinguished from controls"
NOT_CALIBRATED = "NOT CALIBRATED"


def shares(test: Reproduction, number: int, x: Centred, /) -> Numbers:
    """The share of each feature in T of one set.

    Parameters
    ----------
    test
        The whitened wells.
    number
        Which set.
    x
        The centred wells that were whitened.

    Returns
    -------
    Numbers
        (features that vary,) 1 in all; zeros where T is zero.

    """
    rows, white = test.sets[number], test.wells[number]
    length = np.linalg.norm(white, axis=1, keepdims=True) if len(rows) >= FEWEST_FOR_COSINE else np.ones((len(rows), 1))
    length = np.where(length > 0, length, 1)
    weighted = linalg.solve_triangular(test.factors[int(test.fold[number])], (white / length).T, lower=True, trans="T").T
    wells, against = x.in_features(x.values[rows] / length), x.in_features(weighted)
    products = wells.sum(axis=0) * against.sum(axis=0) - (wells * against).sum(axis=0)
    total = float(products.sum())
    return np.asarray(products / total if total else np.zeros_like(products))


def of_hits(test: Reproduction, hits: Sequence[int], names: Sequence[str], x: Centred, profiles: anndata.AnnData, /) -> pd.DataFrame:
    """The five strongest features of each hit, and its compartments and channels.

    Parameters
    ----------
    test
        The whitened wells.
    hits
        Numbers of the sets that are hits.
    names
        What each is called.
    x
        The centred wells.
    profiles
        Whose features they are.

    Returns
    -------
    pd.DataFrame
        One row a part: perturbation, part (`feature`, `compartment`, `channel`), name, share of T.

    """
    described = explain.parts_of_features(profiles)[x.kept]
    tables = []
    for number, name in zip(hits, names, strict=True):
        own = described.assign(contribution=shares(test, number, x))
        strongest = own.nlargest(MOST_FEATURES, "contribution").rename(columns={schema.FEATURE: "name"}).assign(part=schema.FEATURE)
        parts = [strongest, *(explain.summed(own, part) for part in PARTS)]
        table = pd.concat([part[["part", "name", "contribution"]] for part in parts])
        tables.append(table.rename(columns={"contribution": "share"}).assign(perturbation=name))
    columns = [schema.PERTURBATION, "part", "name", "share"]
    return pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)


def in_words(parts: pd.DataFrame, /) -> str:
    """The reasons of one hit in one line: `features A (.12), B (.09); compartments Cells (.71); channels DNA (.50)`.

    Parameters
    ----------
    parts
        Its rows of `of_hits`.

    Returns
    -------
    str
        The line; empty where no part has a name.

    """
    words = []
    for part in (schema.FEATURE, *PARTS):
        own = parts[parts["part"] == part]
        if set(own["name"]) - {explain.NO_PART}:
            shown = own.head(MOST_FEATURES)
            words.append(
                f"{part}s "
                + ", ".join(f"{row.name_of} ({row.share:.2g})" for row in shown.rename(columns={"name": "name_of"}).itertuples())
            )
    return "; ".join(words)


def of_misses(per: pd.DataFrame, /, *, rate: float) -> pd.Series:
    """Why each perturbation is not called.

    Parameters
    ----------
    per
        One row a perturbation: p, p1, p2, floor, family, test.
    rate
        False discovery rate.

    Returns
    -------
    pd.Series
        `floor` where no p-value of its test could be called beside the hits that there are; `position` where its p1 alone would be;
        `not reproducible`, or `not distinguished from controls` of a test by distance.

    """
    line = {name: discovery.largest_called(own["p"].to_numpy(dtype=float), rate=rate) for name, own in per.groupby("family")}
    called = per["family"].map(line).to_numpy(dtype=float)
    words = np.where(per["test"] == "reproduction", NOT_REPRODUCED, NOT_FAR).astype(object)
    position = (per["p1"] <= called) & (per["p2"] > called)
    words[position.to_numpy(dtype=bool)] = POSITION
    words[(per["floor"] > called).to_numpy(dtype=bool)] = FLOOR
    return pd.Series(words, index=per.index)
