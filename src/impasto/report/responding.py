"""Whether all cells of a perturbation respond or a part of them, as the stage of subpopulations says, and pictures of the cells of hits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from impasto import border, schema
from impasto.cells import crops, pixels, whiten
from impasto.cells.folder import Cells
from impasto.evaluation import crop_rows, exemplars
from impasto.report import thumbnails
from impasto.report.collect import Ran, of_verb
from impasto.schema import InputError

TASK = "subpopulations"
WORDS = {"whole": "all alike", "part": "a part", "both": "unequally", "none": "no"}
"""The verdict of the stage -> what the report says of the cells. Where both tests call, many cells respond, or all of them unequally."""
MOST = 6
"""So many hits have pictures of their cells."""
_CELLS = 8


@dataclass(frozen=True)
class Montage:
    """Cells of a hit, as a picture on the page.

    Attributes
    ----------
    name
        Of the perturbation, with its dose where it has several.
    image
        A data URI.
    rows
        What the rows show, from the top.

    """

    name: str
    image: str
    rows: list[str]


def stage_of(stages: Sequence[Ran], /) -> Ran | None:
    """The stage of subpopulations.

    Parameters
    ----------
    stages
        The finished stages of a run.

    Returns
    -------
    Ran | None
        None where the run has none.

    """
    evaluated = [stage for stage in of_verb(list(stages), "evaluate") if stage.record["settings"].get("task") == TASK]
    return evaluated[-1] if evaluated else None


def table(stages: Sequence[Ran], /) -> pd.DataFrame | None:
    """What the stage says of each perturbation.

    Parameters
    ----------
    stages
        The finished stages of a run.

    Returns
    -------
    pandas.DataFrame | None
        By perturbation (with its dose): `cells_respond`, `responding_share`, `p_part` and `corrected_p_part`. None without such a stage.

    """
    stage = stage_of(stages)
    if stage is None:
        return None
    per = border.parquet(stage.result / "per_group.parquet").set_index(schema.PERTURBATION)
    part = per["verdict"].isin(["part", "both"])
    return pd.DataFrame(
        {
            "cells_respond": per["verdict"].map(WORDS),
            # Of cells that respond as one, the share beyond a cut says nothing.
            "responding_share": per["responding_share"].where(part),
            "p_part": per["p_tail"],
            "corrected_p_part": per["q_tail"],
        }
    )


def montages(stages: Sequence[Ran], names: Sequence[str], /, *, seed: int = 0) -> tuple[list[Montage], str]:
    """Cells of perturbations beside control cells of the same plates.

    Parameters
    ----------
    stages
        The finished stages of a run.
    names
        Perturbations, with their doses where they have several; the first of them are shown.
    seed
        Of the random rows.

    Returns
    -------
    montages : list[Montage]
        One a perturbation whose cells can be shown.
    note : str
        Why none are; empty otherwise.

    """
    written = of_verb(list(stages), "cells")
    if not written:
        return [], ""
    cells = Cells(written[-1].result)
    try:
        source = pixels.of(cells)
        whitened = whiten.whiten(cells) if names else None
    except InputError as error:
        return [], _sentence(error)
    side, drawn = crops.side_of(cells), []
    for name in names[:MOST]:
        try:
            chosen = exemplars.choose(cells, name, count=_CELLS, seed=seed, whitened=whitened)
            pictures = crop_rows.pictures(source, chosen, side=side)
        except InputError:
            continue
        picture, kinds = crop_rows.grid(chosen, pictures)
        drawn.append(Montage(name, thumbnails.as_uri(picture), [crop_rows.of_kind(kind, name, "nearest") for kind in kinds]))
    return drawn, ""


def _sentence(error: InputError) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."
