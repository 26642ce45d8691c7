"""What a run left: its stages by their records, in the order they ran."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from impasto import records, texts
from impasto.report.figures.drawing import Drawing
from impasto.schema import InputError

STAGES = "stages"
"""The folder of a run in which the stages of `impasto assay` lie."""
FIGURES = "figures.json"
"""What a panels stage leaves for a report: a list of figures with method, caption, title and the name of their files."""


@dataclass(frozen=True)
class Ran:
    """One finished stage of a run.

    Attributes
    ----------
    name
        Of the stage.
    verb
        That ran.
    record
        What `records.read` gave.
    result
        Where the result is.
    record_path
        Where the record lies.

    """

    name: str
    verb: str
    record: dict[str, Any]
    result: Path
    record_path: Path


def stages(run: Path) -> list[Ran]:
    """The finished stages of a run, oldest first.

    Parameters
    ----------
    run
        The folder of a run, or of one of its results.

    Returns
    -------
    list[Ran]
        Without its reports.

    Raises
    ------
    InputError
        There are none.

    """
    ran = []
    for path in (path for folder in ("", "*/", f"{STAGES}/*/") for name in ("run.json", "*.run.json") for path in run.glob(folder + name)):
        record = records.read(path)
        if record is None or not records.is_finished(record):
            continue
        result = path.parent if path.name == "run.json" else path.with_name(path.name.removesuffix(".run.json"))
        name = path.parent.name if path.parent != run else result.name
        ran.append(Ran(name, record["verb"], record, result, path))
    finished = sorted((s for s in ran if s.verb != "report"), key=lambda s: (s.record["started"], s.name))
    if not finished:
        raise InputError(f"{run} holds no finished stages (no run.json); give the folder of an impasto run, or of one of its results")
    return finished


def of_verb(ran: list[Ran], *verbs: str) -> list[Ran]:
    """The stages of these verbs.

    Parameters
    ----------
    ran
        Stages.
    verbs
        Names of verbs.

    Returns
    -------
    list[Ran]
        In the same order.

    """
    return [s for s in ran if s.verb in verbs]


def panels(ran: list[Ran]) -> list[tuple[str, list[dict[str, Any]]]]:
    """The figures of each panels stage, those of a sweep's rows too, as its first seed made them.

    Parameters
    ----------
    ran
        The stages of a run.

    Returns
    -------
    list[tuple[str, list[dict[str, Any]]]]
        The name of each stage and its figures: method, caption, and the drawing under `svg`.

    Raises
    ------
    InputError
        A stage left no figures.

    """
    folders = [(s.name, s.result) for s in of_verb(ran, "panels")]
    for sweep in of_verb(ran, "sweep"):
        runs = [p for row in sorted(sweep.result.iterdir()) if row.is_dir() for p in sorted(row.iterdir(), key=_by_number)[:1]]
        folders += [(f"{run.parent.name}: {s.name}", s.result) for run in runs for s in of_verb(stages(run), "panels")]
    for _, folder in folders:
        if not (folder / FIGURES).is_file():
            raise InputError(
                f"{folder} holds no {FIGURES}: an earlier impasto drew these panels; remove the folder and run the recipe again"
            )
    return [(name, [_drawn(folder, figure) for figure in json.loads(texts.read(folder / FIGURES))]) for name, folder in folders]


def _drawn(folder: Path, figure: dict[str, str]) -> dict[str, Any]:
    files = folder / figure["file"]
    drawing = Drawing(figure["title"], texts.read(files.with_suffix(".svg")), files.with_suffix(".png").read_bytes)
    return {"method": figure["method"], "caption": figure["caption"], "svg": drawing}


def _by_number(folder: Path) -> tuple[int, str]:
    return (int(folder.name), "") if folder.name.isdecimal() else (-1, folder.name)
