"""What a row of a sweep cost: minutes of all its stages, of training and of extraction; parameters and operations of its nets, as measured.

Lu et al., CellCLIP, Tables 2, S.1 and S.6 have such columns.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from impasto import texts
from impasto.evaluation.tidy import Score

if TYPE_CHECKING:
    from impasto.settings import Settings

TASK = "sweep"


def seconds(record: Path, /) -> float:
    """What a stage took, whenever it ran.

    Parameters
    ----------
    record
        Its run.json.

    Returns
    -------
    float
        Seconds.

    """
    return float(json.loads(texts.read(record))["seconds"])


def of_training(run: Path, label: str, /) -> list[Score]:
    """What a training took and how large it is.

    Parameters
    ----------
    run
        The folder of a train stage.
    label
        Of the row.

    Returns
    -------
    list[Score]
        Of the task `training`, one for each word of `account.of_run`.

    """
    from impasto.stages.sweep_scores import TRAINING
    from impasto.training import account

    return [Score(TRAINING, "all", label, word, value, None, None, None, 1) for word, value in account.of_run(run).items()]


def of_extraction(settings: Settings, label: str, /, *, record: Path) -> list[Score]:
    """What it cost to take images through an encoder.

    Parameters
    ----------
    settings
        Of a profile stage.
    label
        Of the row.
    record
        The run.json of the stage.

    Returns
    -------
    list[Score]
        Minutes; for a net also its parameters in millions, and billions of operations for one image of it, forward.

    """
    from impasto.profiling import size
    from impasto.profiling.extract import ProfileSettings

    assert isinstance(settings, ProfileSettings)
    scores = [_score(label, "extraction minutes", seconds(record) / 60, protocol="extraction")]
    if (net := size.of_encoder(settings)) is not None:
        scores += [_score(label, "parameters, M", net.parameters / 1e6, protocol="extraction")]
        scores += [_score(label, "GFLOPs", net.operations / 1e9, protocol="extraction")]
    return scores


def of_stages(records: Mapping[str, Path], label: str, /, *, whole: float) -> Score:
    """The minutes that the stages of a row took together.

    Parameters
    ----------
    records
        Name of a stage -> its run.json.
    label
        Of the row.
    whole
        Seconds.

    Returns
    -------
    Score
        Minutes; its protocol names the stages.

    """
    return _score(label, "minutes", whole / 60, protocol=f"stages: {', '.join(records)}")


def _score(label: str, metric: str, value: float, *, protocol: str) -> Score:
    return Score(TASK, protocol, label, metric, value, None, None, None, 1)
