"""One self-contained HTML page of a run: figures, tables, thumbnails, provenance, and of an assay its verdicts and the explorer.

No network, and no script but its own and the explorer's: the page says so itself (`policy`). It reads without scripts too.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd
from jinja2 import Environment, PackageLoader, select_autoescape
from matplotlib.axes import Axes

from impasto import border, doses, runs, schema, texts, wells
from impasto import profiles as tables
from impasto.assay.check import Check
from impasto.atlas import layout
from impasto.plates import quarantine
from impasto.report import collect, embedded, headline, hits_rows, neighbours, opening, policy, responding, sections, verdicts
from impasto.report.collect import Ran, of_verb
from impasto.report.embedded import Carried
from impasto.report.figures import curve, plate, receipt, scatter
from impasto.report.figures.drawing import Drawing, draw, drawings
from impasto.report.hits_rows import HitsOfRun
from impasto.training import log as training_log
from impasto.training import verdict
from impasto.version import __version__

_TIPS = (schema.PERTURBATION_NAME, schema.PERTURBATION, schema.GENE, schema.PLATE, schema.WELL)


@dataclass(frozen=True)
class Written:
    """What a report consists of, beside its page.

    Attributes
    ----------
    figures
        The figures on the page, in order.
    files
        Name -> content of what can be taken away.

    """

    figures: list[Drawing]
    files: dict[str, bytes]


def write(run: Path, out: Path, /, *, title: str | None = None, seed: int = 0) -> Written:
    """Write the page of a run.

    Parameters
    ----------
    run
        The folder of a run, or of one of its results.
    out
        The page to write.
    title
        Its title; the plates of an assay by default, else the run's name.
    seed
        Of maps and of the thinning of points.

    Returns
    -------
    Written
        The figures on the page, and the files in it.

    Raises
    ------
    InputError
        The run has no finished stage.

    """
    stages = collect.stages(run)
    design = verdicts.of_design(stages)
    explored = _explored(stages) if design else None
    hits = _hits(stages, dose_unit=design.dose_unit if design else "", explored=explored)
    with runs.scratch() as folder:
        files = opening.files(hits, design, stages, folder) if design else {}
    opened = opening.of(stages, hits, files, seed=seed)
    page = Environment(
        loader=PackageLoader("impasto.report", "."), autoescape=select_autoescape(["html", "j2"]), trim_blocks=True, lstrip_blocks=True
    )
    corrected = of_verb(stages, "correct")
    sections_of_page: dict[str, Any] = {
        "title": title or _title(run, design),
        "version": __version__,
        "opening": opened,
        "explorer": explored is not None,
        "unit": doses.shown(design.dose_unit) if design else "",
        "headlines": [] if opened else headline.headlines(run),
        "tables": sections.tables(stages),
        "scores": [section for s in of_verb(stages, "evaluate") for section in sections.of_stage(s)],
        "comparisons": sections.comparisons(stages),
        "perturbations": sections.per_perturbation(stages),
        "plates": _plates(stages),
        "maps": _maps(corrected, seed=seed),
        "panels": _panels(stages),
        "receipts": [_receipt(s) for s in corrected],
        "quality": [_quality(s) for s in of_verb(stages, "check")],
        "training": [_training(s) for s in of_verb(stages, "train")],
        "neighbours": neighbours.sections(stages),
        "provenance": [_provenance(s) for s in stages],
    }
    body, rules = policy.without_style_attributes(page.get_template("page.html.j2").render(sections_of_page))
    styles, scripts = [f"{_part('page.css')}{rules}\n"], [_part("page.js")]
    tail = f"<script>{scripts[0]}</script>\n"
    built = embedded.bundle()
    if explored is not None and opened is not None and built is not None:
        scripts, styles = [*scripts, built[0]], [built[1], *styles]
        carried = embedded.data(explored)
        tail += f'<script type="application/json" id="impasto-data">{carried}</script>\n<script type="module">{built[0]}</script>\n'
    allowed = policy.policy(scripts=scripts, styles=styles)
    head = page.get_template("head.html.j2").render(title=sections_of_page["title"], policy=allowed)
    with out.open("w", encoding="utf-8", newline="\n") as file:
        file.write(head + "".join(f"<style>{style}</style>\n" for style in styles) + f"</head>\n<body>\n{body}{tail}</body>\n</html>\n")
    return Written(list(drawings(sections_of_page)), files)


def _title(run: Path, design: Check | None) -> str:
    if design is None:
        return f"{run.resolve().name}: impasto report"
    return f"{wells.plates_in_words([plate.plate for plate in design.plates]) or run.resolve().name}: assay report"


def _part(name: str) -> str:
    return texts.read(resources.files("impasto.report") / name)


def _explored(stages: list[Ran]) -> Carried | None:
    """The index of an assay, where the explorer was built."""
    indexed = of_verb(stages, "index")
    return embedded.carried(indexed[-1].result) if indexed and embedded.bundle() is not None else None


def _hits(stages: list[Ran], *, dose_unit: str, explored: Carried | None) -> HitsOfRun | None:
    """The hits of a run that called them on one table, with the stages of an assay."""
    called = [
        s for s in of_verb(stages, "evaluate") if s.record["settings"].get("task") == "hits" and len(s.record["settings"]["profiles"]) == 1
    ]
    if not called or not of_verb(stages, "design"):
        return None
    near = embedded.near_table(explored) if explored is not None else None
    return hits_rows.of_stage(called[-1], dose_unit=dose_unit, near=near, responding=responding.table(stages))


def _plates(stages: list[Ran]) -> list[dict[str, Any]]:
    """Heat maps: the average precision of each well, at its place on the plate; controls are drawn where they stand."""
    drawn = []
    for stage in sections.replicates(stages):
        wells = border.parquet(stage.result / "per_well.parquet")
        if schema.PLATE not in wells or schema.WELL not in wells:
            continue
        label = wells["profiles"].iloc[0]
        wells = wells[wells["protocol"] == wells["protocol"].iloc[0]]
        obs = tables.read(stage.record["settings"]["profiles"][0]).obs
        keys = [k for k in (schema.BATCH, schema.PLATE, schema.WELL) if k in wells]
        scored = wells.loc[wells["profiles"] == label, [*keys, "average_precision"]].astype(dict.fromkeys(keys, str))
        whole = obs.astype(dict.fromkeys(keys, str)).merge(scored, on=keys, how="left")
        names = list(whole.groupby(schema.PLATE, sort=True))
        figures = [_plate(wells_of_plate, name=str(name)) for name, wells_of_plate in names[:6]]
        drawn.append({"name": stage.name, "label": label, "figures": figures, "more": max(0, len(names) - 6)})
    return drawn


def _plate(obs: pd.DataFrame, *, name: str) -> Drawing:
    def on(axes: Axes) -> None:
        plate.draw(obs, axes, value="average_precision", low=0.0, high=1.0)
        axes.set_title(name, loc="left")

    return draw(on, title=f"{name}: average_precision from 0 to 1", height=300)


def _maps(corrected: list[Ran], *, seed: int) -> list[dict[str, Any]]:
    """Flat maps of the first and the last corrected tables, by plate and by control type."""
    chosen = [corrected[0], corrected[-1]] if len(corrected) > 1 else corrected
    same_source = [s for s in corrected if _rows(s) == _rows(corrected[0])] if corrected else []
    chosen = [same_source[0], same_source[-1]] if len(same_source) > 1 else chosen
    drawn = []
    for stage in chosen:
        profiles = tables.read(stage.result)
        values = np.nan_to_num(tables.dense(profiles))
        flat, method = layout.flatten(values, seed=seed)
        tips = _tips(profiles)
        figures = [
            _map(flat, profiles.obs[word].astype(str), tips, title=f"{stage.name}, by {word}", seed=seed)
            for word in (schema.PLATE, schema.CONTROL_TYPE)
            if word in profiles.obs
        ]
        drawn.append({"name": stage.name, "method": method.upper(), "n": profiles.n_obs, "figures": figures})
    return drawn


def _map(flat: npt.NDArray[np.floating], categories: pd.Series, tips: list[str], *, title: str, seed: int) -> Drawing:
    height = scatter.height(categories, width=420.0)
    return draw(lambda axes: scatter.draw(flat, categories, tips, axes, seed=seed), title=title, height=height)


def _panels(stages: list[Ran]) -> list[dict[str, Any]]:
    return [{"name": name, "figures": figures} for name, figures in collect.panels(stages)]


def _rows(stage: Ran) -> int:
    return int(json.loads(texts.read(stage.result.with_name(stage.result.name + ".receipt.json")))["rows"])


def _tips(profiles: anndata.AnnData) -> list[str]:
    words = [w for w in _TIPS if w in profiles.obs]
    return [" · ".join(str(v) for v in row if pd.notna(v)) for row in profiles.obs[words].itertuples(index=False)]


def _receipt(stage: Ran) -> Drawing:
    written = json.loads(texts.read(stage.result.with_name(stage.result.name + ".receipt.json")))
    title = f"{stage.name}: " + " → ".join(step["method"] for step in written["methods"])
    return draw(lambda axes: receipt.draw(written, axes), title=title, height=70.0 + 36.0 * len(receipt.rows(written)))


def _quality(stage: Ran) -> dict[str, Any]:
    summary = border.parquet(stage.result / "plates.parquet")
    bad = quarantine.named(quarantine.read(stage.result / "quarantine.csv"))
    return {"name": stage.name, "rows": summary.to_dict(orient="records"), "bad": bad.to_dict(orient="records")}


_COLLAPSE = ("embedding_rank", "prototypes_used", "assignment_entropy")


def _training(stage: Ran) -> dict[str, Any]:
    log = training_log.read(stage.result / training_log.FILE)
    first, last = (log[0], log[-1]) if log else ({}, {})
    shares = last.get("target_entropy_share")
    return {
        "name": stage.name,
        "epochs": len(log),
        "steps": last.get("step", 0),
        "not_trained": verdict.sentence(last[verdict.KEY]) if verdict.KEY in last else "",
        "entropy": None if shares is None else f"{shares:.4f}",
        "collapse": [f"{key.replace('_', ' ')} {first[key]:.2f} to {last[key]:.2f}" for key in _COLLAPSE if key in last],
        "svg": draw(lambda axes: curve.draw(log, axes), title=f"training of {stage.name}", height=240) if log else "",
    }


def _provenance(stage: Ran) -> dict[str, Any]:
    record = stage.record
    return {
        "name": stage.name,
        "verb": stage.verb,
        "seed": record.get("seed"),
        "settings": json.dumps(record["settings"], indent=1, sort_keys=True),
        "inputs": [{"path": Path(p).name, "digest": d[:16]} for p, d in record["inputs"].items()],
    }
