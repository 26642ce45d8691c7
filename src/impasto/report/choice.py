"""The page of a choice among ways to get features: one row a way, and the sentences that follow from the paired intervals."""

from __future__ import annotations

import pandas as pd

from impasto.evaluation import choosing
from impasto.evaluation.baselines import is_baseline
from impasto.evaluation.result import Result
from impasto.evaluation.ways import SEP
from impasto.report import table
from impasto.report.not_run import line
from impasto.statistics import compare

HEADER = (
    "",
    "NSC",
    "NSB",
    "mAP NSC",
    "mAP NSB",
    "mAP NSC, chosen without the mechanism",
    "mAP NSC of the best in hindsight",
    "chosen most often",
)
SHOWN = ("accuracy NSC", "accuracy NSB", "mAP NSC", "mAP NSB")
NOTE = (
    "NSC: among other compounds; NSB: among other compounds of other batches. The setting of each way is chosen without the query's "
    "compound, in one column without its mechanism. Brackets: 95 %, other mechanisms. The best in hindsight has seen the answers and is "
    "no score."
)


def page(result: Result, not_run: pd.DataFrame, /, *, title: str) -> str:
    """The table of ways, and what it may conclude.

    Parameters
    ----------
    result
        Of `choosing.choose`.
    not_run
        Way and what it needs.
    title
        What stands above.

    Returns
    -------
    str
        Markdown: the table, a sentence a pair and question, and what was not run.

    """
    scores = result.scores
    nested = scores["protocol"].str.endswith(choosing.CHOSEN.format("compound"))
    lines = [_way(way, result) for way in dict.fromkeys(scores.loc[nested, "group"])]
    lines += [_shortcut(group, scores) for group in dict.fromkeys(scores["group"]) if is_baseline(str(group))]
    lines += [line(str(way), needs, columns=len(HEADER) - 1) for way, needs in not_run.itertuples(index=False)]
    chance = scores[nested].groupby("metric")["chance"].mean()
    lines.append(["chance", *("" if pd.isna(chance[m]) else compare.number(float(chance[m])) for m in SHOWN), "", "", ""])
    return "\n".join([table.markdown(HEADER, lines, title=title, note=NOTE), *_sentences(result), ""])


def _way(way: str, result: Result) -> list[str]:
    scores = result.scores
    of_compound = [_cell(scores, way, metric, choosing.CHOSEN.format("compound")) for metric in SHOWN]
    of_mechanism = _cell(scores, way, "mAP NSC", choosing.CHOSEN.format("mechanism"))
    own = scores["protocol"].str.endswith(choosing.AS_IT_IS) & (scores["metric"] == "mAP NSC")
    groups = scores["group"].astype(str)
    settings = own & (groups.str.startswith(way + SEP) if way != choosing.ALL else ~groups.map(is_baseline))
    picks = result.tables["picks"]
    of_way = picks[(picks["ways"] == way) & (picks["outer"] == "compound")].groupby(["way", "setting"])["treatments"].sum()
    best_way, best = of_way.idxmax()
    return [
        way,
        *of_compound,
        of_mechanism,
        compare.number(float(scores.loc[settings, "value"].max())),
        best if best_way == way else f"{best_way}: {best}",
    ]


def _shortcut(group: str, scores: pd.DataFrame) -> list[str]:
    return [group, *(_cell(scores, group, metric, choosing.AS_IT_IS) for metric in SHOWN), "", "", ""]


def _cell(scores: pd.DataFrame, group: str, metric: str, rule: str) -> str:
    """A score with its interval; nothing where it is not defined."""
    cells = scores[(scores["group"] == group) & (scores["metric"] == metric) & scores["protocol"].str.endswith(rule)]
    if cells.empty:
        return ""
    row = cells.iloc[0]
    ends = "" if pd.isna(row["low"]) else f" [{compare.number(row['low'])}, {compare.number(row['high'])}]"
    return compare.number(float(row["value"])) + ends


def _sentences(result: Result) -> list[str]:
    """One line a pair, the setting of each side chosen without the mechanism."""
    pairs = result.tables.get("pairs", pd.DataFrame())
    return [f"- {row['metric']}: {row['sentence']}." for row in pairs.to_dict("records")]
