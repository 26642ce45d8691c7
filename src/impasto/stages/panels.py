"""Maps of several tables side by side, coloured by label and by source."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from impasto import texts
from impasto.schema import InputError
from impasto.settings import Settings, Shown
from impasto.stages.base import FOLDER, Verb


class PanelsSettings(Settings):
    """The tables (before, after...), what names and colours them, and the maps."""

    profiles: Annotated[list[Path], Shown("argument", metavar="PROFILES...")] = Field(
        description="Tables of the same wells: before, after."
    )
    labels: Annotated[list[str], Shown(name="label")] = Field(default_factory=list, description="A name for each table, in order.")
    colours: Annotated[list[str], Shown(name="colour")] = Field(
        default_factory=lambda: ["perturbation", "auto"],
        description="A column to colour by; auto is the widest of source, batch, plate that holds several.",
    )
    methods: Annotated[list[Literal["pca", "tsne", "umap"]], Shown(name="method")] = Field(
        default=["pca", "tsne", "umap"], description="How a map is made."
    )
    part: str | None = Field(
        default=None, description="Only this part of the column split (train, validation or test), with negative controls."
    )
    most: int = Field(default=2000, description="Rows shown, thinned at random.")
    seed: int = Field(default=0, description="Of t-SNE, UMAP and the thinning.")


def run(settings: PanelsSettings, out: Path) -> None:
    """Write one SVG a method, panels.html with all of them, and figures.json for a report, at `out`."""
    import json
    from html import escape

    import anndata
    import numpy as np
    import pandas as pd

    from impasto import profiles as tables
    from impasto import ranking, runs, schema, wells
    from impasto.evaluation import inputs
    from impasto.report.collect import FIGURES
    from impasto.report.figures import panels, style

    labels = settings.labels or [p.stem for p in settings.profiles]
    if len(labels) != len(settings.profiles):
        raise InputError(f"{len(labels)} labels for {len(settings.profiles)} tables of profiles; give one label a table")

    def shown(path: Path) -> anndata.AnnData:
        profiles = tables.read(path)
        profiles = profiles if settings.part is None else inputs.of_part(profiles, settings.part)
        if min(profiles.shape) < 3:
            raise InputError(f"{path}: {profiles.n_obs} rows of {profiles.n_vars} features make no map; give three of each or more")
        kept = np.sort(np.random.default_rng(settings.seed).permutation(profiles.n_obs)[: settings.most])
        return profiles[kept].copy()

    def colourings(table: anndata.AnnData) -> pd.DataFrame:
        colours = {}
        for word in settings.colours:
            column = inputs.batch_word(table.obs) if word == "auto" else word
            wells.require(table.obs, [column], task="panels")
            # A perturbation is shown by its name, where it has one.
            named = table.obs.get(schema.PERTURBATION_NAME) if column == schema.PERTURBATION else None
            values = (
                table.obs[column].astype("string") if named is None else named.astype("string").fillna(table.obs[column].astype("string"))
            )
            known = values.fillna("unknown").reset_index(drop=True)
            negative = pd.Series(wells.unseen_negative(table.obs))
            colours[column] = known.mask(negative, panels.CONTROL) if column == schema.PERTURBATION else known
        return pd.DataFrame(colours)

    read = [(name, shown(path)) for name, path in zip(labels, settings.profiles, strict=True)]
    with runs.atomic(out) as temporary:
        temporary.mkdir(parents=True)
        drawn = []
        for method in settings.methods:
            maps = [
                (name, panels.flat(ranking.unit(wells.finite(table, task="panels")), method=method, seed=settings.seed), colourings(table))
                for name, table in read
            ]
            title = f"{panels.METHODS[method]} of {', '.join(labels)}"
            caption = f"{panels.METHODS[method]} of {_rows(settings, maps)}."
            figure = panels.draw(maps)
            texts.write(temporary / f"{method}.svg", style.svg(figure, title=title))
            (temporary / f"{method}.png").write_bytes(style.png(figure))
            drawn.append({"method": panels.METHODS[method], "caption": caption, "title": title, "file": method})
        whole = "".join(f'<h2>{d["method"]}</h2><p>{d["caption"]}</p><img src="{d["file"]}.svg" alt="{escape(d["title"])}">' for d in drawn)
        texts.write(temporary / "panels.html", f'<!doctype html><meta charset="utf-8"><title>panels</title>{whole}\n')
        texts.write(temporary / FIGURES, json.dumps(drawn, indent=1))


def _rows(settings: PanelsSettings, maps: list[Any]) -> str:
    """What a map shows, in words."""
    counts = sorted({len(points) for _, points, _ in maps})
    words = " to ".join(f"{count:,}" for count in (counts[0], counts[-1])[: len(counts)]) + " rows"
    words += ", thinned at random" if counts[-1] == settings.most else ""
    return words + (f", the part {settings.part} and its negative controls" if settings.part else "")


VERB = Verb(settings=PanelsSettings, inputs=lambda s: list(s.profiles), run=run, result="", writes=FOLDER)
