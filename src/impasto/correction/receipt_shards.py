"""The shards of the receipt of a corrected folder of plates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd

from impasto import border, texts, whole
from impasto.correction import plate_shards, receipt, receipt_sums
from impasto.correction.plate_shards import MEMBER, SAMPLE, plate_of
from impasto.dataset import read_member
from impasto.scale import sums
from impasto.scale.columns import block_of
from impasto.scale.task import Facts, Task

_BLOCK = 512
_PLATE = "plate-"


def _plates(task: Task) -> list[tuple[int, Path]]:
    return [(int(name.removeprefix(_PLATE)), path) for name, path in task.after if name.startswith(_PLATE)]


def limits(_: Mapping[str, Any], task: Task, /) -> None:
    """The largest value of each feature that counts, from the rows that were drawn of each plate.

    Parameters
    ----------
    _
        Of the shard.
    task
        Comes after the plates.

    """
    samples = [sums.load(path / SAMPLE).arrays for _, path in _plates(task)]
    limits_of: dict[str, Any] = {}
    for when in receipt_sums.WHEN:
        width = samples[0][when].shape[1]
        blocks = [
            receipt_sums.limits([np.asarray(block_of(sample, when, start, min(start + _BLOCK, width))) for sample in samples])
            for start in range(0, width, _BLOCK)
        ]
        limits_of[when] = np.concatenate(blocks)
    sums.save(sums.Part(limits_of), task.output)


def summarise(arguments: Mapping[str, Any], task: Task, /) -> None:
    """The sums of a chunk of plates before and after.

    Parameters
    ----------
    arguments
        `limits`: the file of limits.
    task
        Comes after the plates.

    """
    written_limits = sums.load(task.folder / arguments["limits"])
    chosen = {when: np.asarray(written_limits.arrays[when]) for when in receipt_sums.WHEN}
    sums.save(receipt_sums.summarise(_pairs(arguments, task), chosen), task.output)


def _pairs(arguments: Mapping[str, Any], task: Task) -> Iterator[receipt_sums.Pair]:
    features = _features(task)
    for number, path in _plates(task):
        yield plate_of(arguments, number), read_member(path / MEMBER, features)


def _features(task: Task) -> pd.DataFrame:
    return border.parquet(task.folder / plate_shards.FEATURES)


def write(arguments: Mapping[str, Any], task: Task, /) -> Facts:
    """The receipt, without the methods.

    Parameters
    ----------
    arguments
        `chunks`: the shards of sums; `signal`: how many rows of each plate the signal is taken on.
    task
        Comes after the plates and the chunks.

    Returns
    -------
    Facts
        Nothing but the number of rows.

    """
    after = dict(task.after)
    parts = [sums.load(after[name]) for name in arguments["chunks"]]
    features = _features(task)
    drawn: dict[str, list[anndata.AnnData]] = {when: [] for when in receipt_sums.WHEN}
    rows, width = 0, 0
    for number, path in _plates(task):
        before = plate_of(arguments, number)
        sample = sums.load(path / SAMPLE).arrays
        chosen = np.asarray(sample["rows"])[: arguments["signal"]]
        for when, var in zip(receipt_sums.WHEN, (before.var, features), strict=True):
            values = np.asarray(sample[when])[: arguments["signal"]]
            drawn[when].append(anndata.AnnData(X=values, obs=before.obs.iloc[chosen].copy(), var=var.copy()))
        rows, width = rows + before.n_obs, before.n_vars
    signal = {when: receipt.replicate_signal(receipt_sums.stacked(drawn[when])) for when in receipt_sums.WHEN}
    written = receipt.written(
        receipt_sums.explained(parts),
        signal,
        methods=[],
        features={"before": width, "after": len(features)},
        rows=rows,
        plates=len(_plates(task)),
    )
    texts.write(task.output, whole.as_json(written))
    return {"rows": rows}
