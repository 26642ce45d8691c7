"""The sections of a page that show scores: figures where a task has something to draw, and always its table."""

from __future__ import annotations

import json
import re
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup, escape

from impasto import border, schema, texts
from impasto.evaluation.baselines import is_baseline
from impasto.perturbations import graph
from impasto.report import table
from impasto.report.collect import Ran, of_verb
from impasto.report.figures import lines, scatter, scores
from impasto.report.figures.drawing import Drawing, draw

_BARS = ("replicates", "sisters")


def of_stage(stage: Ran) -> list[dict[str, Any]]:
    """The sections of a scored stage, one a protocol. A curve over concentrations, where there are several, comes before them.

    Parameters
    ----------
    stage
        An evaluate stage.

    Returns
    -------
    list[dict[str, Any]]
        For the template: task, protocol, rows, figures.

    """
    rows = pd.read_csv(stage.result / "results.csv")
    # Profiles first, then what they must be read beside.
    rows = rows.iloc[np.argsort([is_baseline(str(g)) for g in rows["group"]], kind="stable")]
    sections = _over_concentrations(stage, rows)
    for (task, protocol), scored in rows.groupby(["task", "protocol"], sort=False):
        records = scored.astype(object).where(scored.notna(), None).to_dict(orient="records")
        drawn = _figures(str(task), scored)
        side_by_side = None if drawn or scored["group"].nunique() < 2 else _side_by_side(scored)
        sections.append({"name": stage.name, "task": task, "protocol": protocol, "rows": records, "figures": drawn, "wide": side_by_side})
    return sections


def _side_by_side(rows: pd.DataFrame) -> dict[str, Any]:
    """The scores of one protocol with a row a group and a column a metric."""
    columns = [table.Column(header=m, metric=m) for m in dict.fromkeys(rows["metric"])]
    header, lines_of_text = table.text(table.lay_out(rows, columns), columns)
    return {"header": header, "rows": [[_marked(cell) for cell in line] for line in lines_of_text]}


def _marked(cell: str) -> Markup:
    """A cell of `table.text` as HTML: the best in bold; deviation, interval and chance small and below."""
    bold = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", str(escape(cell)))
    return Markup(re.sub(r" ((?:± |\[-?[\d.]|\(chance ).*)$", r"<small>\1</small>", bold))


def _figures(task: str, rows: pd.DataFrame) -> list[dict[str, Any]]:
    shown = rows[~rows["metric"].str.startswith(("median rank", "fraction"))]
    protocol = str(rows["protocol"].iloc[0])
    if task == "cross-modal":
        several = len(set(shown["group"])) > 1
        named = [f"{m}, {g}" if several else m for g, m in zip(shown["group"], shown["metric"], strict=True)]
        drawn = shown.assign(group=named)
        return [{"metric": "retrieval, both ways", "svg": _dots(drawn, title=f"retrieval, {protocol}")}]
    if task == "relations":
        return _recall_curve(shown, protocol)
    if task not in _BARS:
        return []
    by_metric = shown.groupby("metric", sort=False)
    return [{"metric": metric, "svg": _dots(rows_of_metric, title=f"{metric}, {protocol}")} for metric, rows_of_metric in by_metric]


def _dots(rows: pd.DataFrame, *, title: str) -> Drawing:
    return draw(lambda axes: scores.draw(rows, axes, top=_top(rows)), title=title, width=720, height=scores.height(rows))


def _curves(curves: dict[str, pd.DataFrame], *, x_label: str, y_label: str, title: str, log: bool = False) -> Drawing:
    return draw(lambda axes: lines.draw(curves, axes, x_label=x_label, y_label=y_label, log=log), title=title, height=lines.height(curves))


def _top(rows: pd.DataFrame) -> float:
    """The end of the axis: 1 for large scores, else the next tenth."""
    most = float(np.nanmax(rows[["value", "high", "chance"]].to_numpy(dtype=float)))
    return 1.0 if most > 0.5 else max(0.1, float(np.ceil(most * 10) / 10))


def _recall_curve(rows: pd.DataFrame, protocol: str) -> list[dict[str, Any]]:
    """Recall of known pairs over thresholds (Lu et al., Fig. S.1)."""
    at = rows["metric"].str.extract(r"recall at ([\d.]+)%")[0].astype(float)
    points = rows.assign(x=at).dropna(subset="x")
    if points["x"].nunique() < 2:
        return []
    curves = {str(group): of_group for group, of_group in points.groupby("group", sort=False)}
    figure = _curves(curves, x_label="threshold, % of each tail", y_label="recall", title=f"recall over thresholds, {protocol}")
    return [{"metric": "recall over thresholds", "svg": figure}]


def _over_concentrations(stage: Ran, rows: pd.DataFrame) -> list[dict[str, Any]]:
    """AUC and AP over the compound's concentration (CWA-MSN, Fig. 3)."""
    dose = rows["protocol"].str.extract(r"concentration=([\d.e+-]+)$")[0].astype(float)
    points = rows.assign(x=dose)[(rows["task"] == "compound-gene") & dose.notna()]
    if points["x"].nunique() < 2:
        return []
    drawn = []
    for metric in ("AUC", "AP"):
        of_metric = points[points["metric"] == metric]
        curves = {str(g): p for g, p in of_metric.groupby("group", sort=False)}
        title = f"compound-gene {metric} over concentration"
        drawn.append({"metric": metric, "svg": _curves(curves, x_label="concentration, µM", y_label=metric, title=title, log=True)})
    return [{"name": stage.name, "task": "compound-gene", "protocol": "over concentrations", "rows": [], "figures": drawn, "wide": None}]


def comparisons(stages: list[Ran]) -> list[dict[str, Any]]:
    """Mean average precision of each perturbation, the first table of profiles against each later one.

    Parameters
    ----------
    stages
        The stages of a run.

    Returns
    -------
    list[dict[str, Any]]
        One section a protocol and level that has several tables.

    """
    sections = []
    for stage in replicates(stages):
        for protocol, wide in _wide(stage):
            labels = list(wide.columns)
            drawn = []
            for after in labels[1:]:
                pairs = wide[[labels[0], after]].dropna()
                tips = [f"{name}: {a:.2f} to {b:.2f}" for name, a, b in zip(pairs.index, pairs[labels[0]], pairs[after], strict=True)]
                heading = f"mAP of each perturbation, {protocol}: {labels[0]} against {after}"
                drawn.append(_against(pairs, labels[0], after, tips, title=heading))
            if drawn:
                sections.append({"name": stage.name, "protocol": protocol, "figures": drawn})
    return sections


def _against(pairs: pd.DataFrame, before: str, after: str, tips: list[str], *, title: str) -> Drawing:
    on = partial(scatter.against, pairs[before], pairs[after], tips, labels=(before, after))
    return draw(on, title=title, height=420)


def replicates(stages: list[Ran]) -> list[Ran]:
    """The stages that detected replicates.

    Parameters
    ----------
    stages
        The stages of a run.

    Returns
    -------
    list[Ran]
        In the same order.

    """
    return [s for s in of_verb(stages, "evaluate") if s.record["settings"]["task"] == "replicates"]


def _wide(stage: Ran) -> list[tuple[str, pd.DataFrame]]:
    """For each protocol and level: perturbations x tables of profiles, their mean average precision."""
    detail = border.parquet(stage.result / "per_group.parquet")
    tables_of_protocols = []
    for protocol, of_protocol in detail.groupby("protocol", sort=False):
        wide = of_protocol.pivot_table(index=schema.PERTURBATION, columns="profiles", values="mean_average_precision", aggfunc="first")
        tables_of_protocols.append((str(protocol), wide[list(dict.fromkeys(of_protocol["profiles"]))]))
    return tables_of_protocols


def per_perturbation(stages: list[Ran]) -> list[dict[str, Any]]:
    """Tables of each perturbation's replicate mAP, its interval over wells, and whether it differs from the controls.

    Parameters
    ----------
    stages
        The stages of a run.

    Returns
    -------
    list[dict[str, Any]]
        One section a protocol and level; the best perturbation comes first.

    """
    sections = []
    for stage in replicates(stages):
        detail = border.parquet(stage.result / "per_group.parquet")
        for protocol, of_protocol in detail.groupby("protocol", sort=False):
            cells: dict[str, dict[str, Any]] = {}
            for row in of_protocol.to_dict(orient="records"):
                cells.setdefault(str(row[schema.PERTURBATION]), {})[str(row["profiles"])] = _map_cell(row)
            labels = list(dict.fromkeys(str(p) for p in of_protocol["profiles"]))
            ordered = sorted(cells.items(), key=lambda item: -max(c["value"] for c in item[1].values()))
            rows = [{"name": name, "cells": [by.get(label) for label in labels]} for name, by in ordered]
            sections.append({"name": stage.name, "protocol": protocol, "labels": labels, "rows": rows})
    return sections


def _map_cell(row: dict[str, Any]) -> dict[str, Any]:
    tip = f"{row['queries']} wells"
    if pd.notna(row.get("low")):
        tip = f"{row['low']:.2f} to {row['high']:.2f} over {tip}"
    known = row.get("corrected_p_value")
    corrected = float(known) if known is not None and pd.notna(known) else np.nan
    if np.isfinite(corrected):
        tip += f", corrected p {corrected:.3g}"
    return {"value": row["mean_average_precision"], "tip": tip, "differs": corrected < 0.05}


def _graph_table(stage: Ran) -> dict[str, Any]:
    """How many perturbations each source of relations knows, and the first names that it does not."""
    made = graph.read(stage.result)
    header = [*graph.SUMMARY, "not known"]
    rows = []
    for row in made.sources.itertuples(index=False):
        missing = list(made.unknown.get(row.source, []))
        some = ", ".join(missing[:6]) + (f" and {len(missing) - 6} more" if len(missing) > 6 else "")
        rows.append([str(value) for value in row] + [some])
    note = "Relations between perturbations, by source: pairs in its file, perturbations here, those it knows, edges among them."
    return {"title": f"Relations, {stage.name}", "note": note, "levels": [""] * (len(header) - 1), "header": header, "rows": rows}


def tables(stages: list[Ran]) -> list[dict[str, Any]]:
    """What `table` and `finetune` stages laid out (`**best**` becomes bold), and what graphs know of the perturbations.

    Parameters
    ----------
    stages
        The stages of a run.

    Returns
    -------
    list[dict[str, Any]]
        One section a table: title, header, levels and rows.

    """
    sections: list[dict[str, Any]] = []
    for stage in of_verb(stages, "table", "finetune", "graph"):
        laid_out = _graph_table(stage) if stage.verb == "graph" else json.loads(texts.read(stage.result / "table.json"))
        sections += [_spanned(table) for table in (laid_out, *laid_out.get("differences", ()))]
    return sections


def _spanned(laid_out: dict[str, Any]) -> dict[str, Any]:
    """A table of words for the page: cells marked up, and each heading with how many columns it stands above."""
    rows = [[_marked(cell) for cell in row] for row in laid_out["rows"]]
    levels: list[tuple[str, int]] = []
    for level in laid_out["levels"]:
        levels = [*levels[:-1], (level, levels[-1][1] + 1)] if levels and levels[-1][0] == level else [*levels, (level, 1)]
    return {**laid_out, "rows": rows, "spans": levels}
