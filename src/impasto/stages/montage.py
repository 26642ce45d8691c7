"""A picture of cells of a perturbation beside cells of the controls of the same plates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

from pydantic import Field

from impasto import texts
from impasto.settings import Settings, Shown
from impasto.stages.base import Verb, Writes
from impasto.stages.check import digest

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class MontageSettings(Settings):
    """Whose cells, and which."""

    cells: Annotated[Path, Shown("argument", metavar="DIR")] = Field(description="A folder that impasto cells wrote.")
    perturbation: str = Field(description="Whose cells: a perturbation, or with its dose (x@3).")
    by: Literal["nearest", "responders", "random"] = Field(
        default="nearest", description="nearest to the centroid of its responders, the responders that lie farthest, or random."
    )
    images: Path | None = Field(default=None, description="Of cells from tables: the folder of impasto ingest with their images.")
    masked: bool = Field(default=False, description="Each cell alone: its neighbours are zeroed.")
    count: int = Field(default=12, ge=1, description="Cells in a row.")
    seed: int = Field(default=0, description="Of the random rows.")


def run(settings: MontageSettings, out: Path) -> None:
    """Write the picture at `out`, and which cells it shows beside it."""
    from matplotlib import pyplot as plt

    from impasto import pl, runs
    from impasto.cells.folder import Cells
    from impasto.evaluation import exemplars

    cells = Cells(settings.cells)
    table = exemplars.choose(cells, settings.perturbation, by=settings.by, count=settings.count, seed=settings.seed)
    axes = pl.cells_in_rows(cells, table, title=settings.perturbation, by=settings.by, images=settings.images, masked=settings.masked)
    figure = cast("Figure", axes.get_figure(root=True))
    with runs.atomic(out) as temporary:
        figure.savefig(temporary, dpi=200)
    plt.close(figure)
    with runs.atomic(listing(out)) as temporary:
        texts.write_csv(table, temporary)


def listing(out: Path, /) -> Path:
    """Where the list of the cells of a picture lies.

    Parameters
    ----------
    out
        The picture.

    Returns
    -------
    Path
        A file beside it.

    """
    return out.with_name(f"{out.name}.cells.csv")


VERB = Verb(
    settings=MontageSettings,
    inputs=lambda s: [s.cells, *([s.images] if s.images else [])],
    run=run,
    result="montage.png",
    writes=Writes(folder=False, suffixes=(".png", ".svg", ".pdf")),
    beside=lambda _, out: [listing(out)],
    digest=digest,
)
