"""One self-contained HTML page of a run: figures, tables, thumbnails, provenance. No network, no scripts but a few lines of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup

from impasto import __version__, schema
from impasto import profiles as tables
from impasto.atlas import layout
from impasto.report import collect, headline, neighbours
from impasto.report.collect import Ran, of_verb
from impasto.report.figures import curve, plate, receipt, scatter, scores

_TIPS = (schema.PERTURBATION_NAME, schema.PERTURBATION, schema.GENE, schema.PLATE, schema.WELL)


def write(run: Path, out: Path, /, *, title: str | None = None, seed: int = 0) -> None:
    """Write the page of a run at `out`. Raises InputError where the run has no finished stage."""
    found = collect.stages(run)
    page = Environment(
        loader=PackageLoader("impasto.report", "."), autoescape=select_autoescape(["html", "j2"]), trim_blocks=True, lstrip_blocks=True
    )
    corrected = of_verb(found, "correct")
    content = page.get_template("page.html.j2").render(
        title=title or f"impasto report: {run.resolve().name}",
        version=__version__,
        headlines=headline.headlines(run),
        scores=[section for s in of_verb(found, "evaluate") for section in _score_sections(s)],
        comparisons=_comparisons(found),
        plates=_plates(found),
        maps=_maps(corrected, seed=seed),
        receipts=[_receipt(s) for s in corrected],
        quality=[_quality(s) for s in of_verb(found, "check")],
        training=[_training(s) for s in of_verb(found, "train")],
        neighbours=neighbours.sections(found),
        provenance=[_provenance(s) for s in found],
    )
    out.write_text(content)


def _score_sections(stage: Ran) -> list[dict[str, Any]]:
    """One section a protocol: its figures where the task has a few scores between 0 and 1, and always its table."""
    rows = pd.read_csv(stage.result / "results.csv")
    # Profiles first, then what they must be read beside.
    rows = rows.iloc[np.argsort([scores.is_baseline(str(g)) for g in rows["group"]], kind="stable")]
    sections = []
    for (task, protocol), mine in rows.groupby(["task", "protocol"], sort=False):
        records = mine.astype(object).where(mine.notna(), None).to_dict(orient="records")
        drawn = _score_figures(str(task), mine)
        sections.append({"name": stage.name, "task": task, "protocol": protocol, "rows": records, "figures": drawn})
    return sections


def _score_figures(task: str, rows: pd.DataFrame) -> list[dict[str, Any]]:
    shown = rows[~rows["metric"].str.startswith(("median rank", "fraction"))]
    if task == "cross-modal":
        drawn = shown.assign(group=[m if g == "profiles" else f"{g}: {m}" for g, m in zip(shown["group"], shown["metric"], strict=True)])
        return [{"metric": "retrieval, both ways", "svg": Markup(scores.draw(drawn, title="retrieval", top=_top(drawn)))}]
    if task not in ("replicates", "sisters"):
        return []
    by_metric = shown.groupby("metric", sort=False)
    return [{"metric": m, "svg": Markup(scores.draw(mine, title=f"{m} by group", top=_top(mine)))} for m, mine in by_metric]


def _top(rows: pd.DataFrame) -> float:
    """The end of the axis: 1 for large scores, else the next tenth."""
    most = float(np.nanmax(rows[["value", "high", "chance"]].to_numpy(dtype=float)))
    return 1.0 if most > 0.5 else max(0.1, float(np.ceil(most * 10) / 10))


def _replicates(found: list[Ran]) -> list[Ran]:
    return [s for s in of_verb(found, "evaluate") if s.record["settings"]["task"] == "replicates"]


def _comparisons(found: list[Ran]) -> list[Markup]:
    """Mean average precision of each perturbation, the first table against each later one."""
    drawn = []
    for stage in _replicates(found):
        detail = pd.read_parquet(stage.result / "per_group.parquet")
        labels = list(dict.fromkeys(detail["profiles"]))
        wide = detail.pivot_table(index=schema.PERTURBATION, columns="profiles", values="mean_average_precision", aggfunc="first").dropna()
        for after in labels[1:]:
            tips = [f"{name}: {a:.2f} to {b:.2f}" for name, a, b in zip(wide.index, wide[labels[0]], wide[after], strict=True)]
            heading = f"mAP of each perturbation: {labels[0]} against {after}"
            drawn.append(Markup(scatter.against(wide[labels[0]], wide[after], tips, labels=(labels[0], after), title=heading)))
    return drawn


def _plates(found: list[Ran]) -> list[dict[str, Any]]:
    """Heat maps: how well each well is told apart, at its place on the plate; controls are drawn where they stand."""
    drawn = []
    for stage in _replicates(found):
        wells = pd.read_parquet(stage.result / "per_well.parquet")
        if schema.PLATE not in wells or schema.WELL not in wells:
            continue
        label = wells["profiles"].iloc[0]
        obs = tables.read(stage.record["settings"]["profiles"][0]).obs
        keys = [k for k in (schema.BATCH, schema.PLATE, schema.WELL) if k in wells]
        scored = wells.loc[wells["profiles"] == label, [*keys, "average_precision"]].astype(dict.fromkeys(keys, str))
        whole = obs.astype(dict.fromkeys(keys, str)).merge(scored, on=keys, how="left")
        names = list(whole.groupby(schema.PLATE, sort=True))
        figures = [Markup(plate.draw(mine, value="average_precision", title=str(name), low=0.0, high=1.0)) for name, mine in names[:6]]
        drawn.append({"name": stage.name, "label": label, "figures": figures, "more": max(0, len(names) - 6)})
    return drawn


def _maps(corrected: list[Ran], *, seed: int) -> list[dict[str, Any]]:
    """Flat maps of the first and the last corrected tables, by plate and by control type."""
    chosen = [corrected[0], corrected[-1]] if len(corrected) > 1 else corrected
    same_source = [s for s in corrected if _rows(s) == _rows(corrected[0])] if corrected else []
    chosen = [same_source[0], same_source[-1]] if len(same_source) > 1 else chosen
    drawn = []
    for stage in chosen:
        profiles = tables.read(stage.result)
        values = np.nan_to_num(tables.dense(profiles))
        flat, how = layout.flatten(values, seed=seed)
        tips = _tips(profiles)
        figures = [
            Markup(scatter.draw(flat, profiles.obs[word].astype(str), tips, title=f"{stage.name}, by {word}", seed=seed))
            for word in (schema.PLATE, schema.CONTROL_TYPE)
            if word in profiles.obs
        ]
        drawn.append({"name": stage.name, "how": how.upper(), "n": profiles.n_obs, "figures": figures})
    return drawn


def _rows(stage: Ran) -> int:
    return int(json.loads(stage.result.with_name(stage.result.name + ".receipt.json").read_text())["rows"])


def _tips(profiles: anndata.AnnData) -> list[str]:
    words = [w for w in _TIPS if w in profiles.obs]
    return [" · ".join(str(v) for v in row if pd.notna(v)) for row in profiles.obs[words].itertuples(index=False)]


def _receipt(stage: Ran) -> Markup:
    told = json.loads(stage.result.with_name(stage.result.name + ".receipt.json").read_text())
    return Markup(receipt.draw(told, title=f"{stage.name}: " + " → ".join(m["method"] for m in told["methods"])))


def _quality(stage: Ran) -> dict[str, Any]:
    summary = pd.read_parquet(stage.result / "plates.parquet")
    bad = pd.read_csv(stage.result / "quarantine.csv")
    return {"name": stage.name, "rows": summary.to_dict(orient="records"), "bad": bad.to_dict(orient="records")}


def _training(stage: Ran) -> dict[str, Any]:
    log = [json.loads(line) for line in (stage.result / "log.jsonl").read_text().splitlines()]
    last = log[-1]
    shares = last.get("target_entropy_share")
    return {
        "name": stage.name,
        "epochs": len(log),
        "steps": last["step"],
        "entropy": None if shares is None else f"{shares:.4f}",
        "svg": Markup(curve.draw(log, title=f"training of {stage.name}")),
    }


def _provenance(stage: Ran) -> dict[str, Any]:
    record = stage.record
    return {
        "name": stage.name,
        "verb": stage.verb,
        "seconds": record["seconds"],
        "memory": record["peak_memory_mb"],
        "started": record["started"],
        "seed": record.get("seed"),
        "settings": json.dumps(record["settings"], indent=1, sort_keys=True),
        "inputs": [{"path": Path(p).name, "digest": d[:16]} for p, d in record["inputs"].items()],
    }
