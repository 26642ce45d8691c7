"""What a task returns: its scores as one tidy table, and the detail behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from impasto import runs, texts
from impasto.evaluation import tidy

OWN = "profiles"
"""What the profiles that were scored are called in the column `group`, beside their baselines."""
SCORES = "results"
"""The name of the file of scores."""


@dataclass(frozen=True, repr=False)
class Result:
    """The numbers of one task.

    Attributes
    ----------
    scores
        One row a number: task, protocol, group, metric, value, low, high (95 % interval), chance, n; then unit, clusters, df,
        interval, p_chance and about, which say how the interval was made and what it speaks of.
    per_group
        One row a perturbation, gene, pair or whatever the task counts; empty where it has none.
    per_well
        One row a well; empty where the task has none.
    tables
        Further tables by name, such as the fitted curves of `hits`.
    left_out
        The scores without groups of units, by which methods are compared pair by pair; empty where a task has none.

    Examples
    --------
    >>> import impasto as im
    >>> result = im.tl.replicates(im.read("plates.parquet"))
    >>> result.scores.query("metric == 'mAP'")
    >>> result.to_csv("scores")

    """

    scores: pd.DataFrame
    per_group: pd.DataFrame = field(default_factory=pd.DataFrame)
    per_well: pd.DataFrame = field(default_factory=pd.DataFrame)
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    left_out: pd.DataFrame = field(default_factory=pd.DataFrame)

    @classmethod
    def of(
        cls,
        scores: Sequence[tidy.Score],
        /,
        *,
        per_group: pd.DataFrame | None = None,
        per_well: pd.DataFrame | None = None,
        tables: Mapping[str, pd.DataFrame] | None = None,
    ) -> Result:
        """The result of some scores and their detail.

        Parameters
        ----------
        scores
            The rows of the table of scores.
        per_group
            One row a perturbation, gene, pair or whatever the task counts.
        per_well
            One row a well.
        tables
            Further tables by name; empty ones are left out.

        Returns
        -------
        Result
            The result, with the scores without groups of units.

        """
        kept = {name: table for name, table in (tables or {}).items() if not table.empty}
        return cls(tidy.frame(scores), _or_empty(per_group), _or_empty(per_well), kept, tidy.left_out(scores))

    def details(self) -> dict[str, pd.DataFrame]:
        """All tables but the scores.

        Returns
        -------
        dict[str, pd.DataFrame]
            The tables by name; empty ones are left out.

        """
        named = {"per_group": self.per_group, "per_well": self.per_well, "left_out": self.left_out, **self.tables}
        return {name: table for name, table in named.items() if not table.empty}

    def called(self, label: str, /) -> Result:
        """The same with the scored profiles under another name than `profiles`.

        Parameters
        ----------
        label
            Their name, in the column `group` of scores and in the column `profiles` of details.

        Returns
        -------
        Result
            A new result.

        """

        def renamed(table: pd.DataFrame) -> pd.DataFrame:
            return table.assign(profiles=table[OWN].replace(OWN, label)) if OWN in table else table

        return replace(
            self.regrouped(lambda groups: groups.replace(OWN, label)),
            per_group=renamed(self.per_group),
            per_well=renamed(self.per_well),
            tables={name: renamed(table) for name, table in self.tables.items()},
        )

    def regrouped(self, rename: Callable[[pd.Series], pd.Series], /) -> Result:
        """The same with other names in the column `group`, of the scores and of the scores without groups of units.

        Parameters
        ----------
        rename
            Takes the column and gives the new one.

        Returns
        -------
        Result
            A new result.

        """

        def renamed(table: pd.DataFrame) -> pd.DataFrame:
            return table.assign(group=rename(table["group"].astype(str))) if len(table) else table

        return replace(self, scores=renamed(self.scores), left_out=renamed(self.left_out))

    def in_state(self, state: str, /) -> Result:
        """The same with what was done to the profiles at the end of each protocol.

        Parameters
        ----------
        state
            What was done, such as `standardized`.

        Returns
        -------
        Result
            A new result.

        """

        def ended(table: pd.DataFrame) -> pd.DataFrame:
            return table.assign(protocol=table["protocol"] + f", {state}") if len(table) else table

        return replace(self, scores=ended(self.scores), left_out=ended(self.left_out))

    def to_csv(self, folder: Path | str, /) -> None:
        """Write `results.csv` (the scores) and one CSV a table of detail.

        Parameters
        ----------
        folder
            Where they are written; it is made where it is missing.

        """
        for name, table in {SCORES: self.scores, **self.details()}.items():
            with runs.atomic(Path(folder) / f"{name}.csv") as temporary:
                texts.write_csv(table, temporary)

    def __repr__(self) -> str:
        return "\n\n".join([*self._texts(), self._detail_line()])

    def _repr_html_(self) -> str:
        shown = (
            f"<p><b>{task}</b>: {protocol}</p>{_short(rows).to_html(index=False)}"
            for (task, protocol), rows in self.scores.groupby(["task", "protocol"], sort=False)
        )
        return "".join(shown) + f"<p>{self._detail_line()}</p>"

    def _texts(self) -> list[str]:
        return [
            "\n".join([f"{task}: {protocol}", _short(rows).to_string(index=False), *_said(rows)])
            for (task, protocol), rows in self.scores.groupby(["task", "protocol"], sort=False)
        ]

    def _detail_line(self) -> str:
        sizes = [f"{name} {len(table)} x {table.shape[1]}" for name, table in self.details().items()]
        return f"detail: {', '.join(sizes) or 'none'}"


def joined(results: Iterable[Result], /) -> Result:
    """Several results as one, their tables one below the other.

    Parameters
    ----------
    results
        One or more.

    Returns
    -------
    Result
        All rows of all results, in their order.

    Raises
    ------
    ValueError
        Without a result.

    """
    parts = list(results)
    names = dict.fromkeys(name for result in parts for name in result.tables)
    return Result(
        scores=pd.concat([result.scores for result in parts], ignore_index=True),
        per_group=_stacked([result.per_group for result in parts]),
        per_well=_stacked([result.per_well for result in parts]),
        tables={name: _stacked([result.tables[name] for result in parts if name in result.tables]) for name in names},
        left_out=_stacked([result.left_out for result in parts]),
    )


def _stacked(tables: list[pd.DataFrame]) -> pd.DataFrame:
    filled = [table for table in tables if not table.empty]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame()


def _or_empty(table: pd.DataFrame | None) -> pd.DataFrame:
    return pd.DataFrame() if table is None else table.reset_index(drop=True)


def _said(rows: pd.DataFrame) -> list[str]:
    """The sentence of every score that shuffled labels were compared with."""
    return [f"{row['group']}: {tidy.said(row)}" for row in rows.to_dict("records") if pd.notna(row["p_chance"])]


def _short(rows: pd.DataFrame) -> pd.DataFrame:
    """The scores of one protocol for people: three decimals, the interval in one column."""
    interval = [f"{low:.3f} to {high:.3f}" if pd.notna(low) else "" for low, high in zip(rows["low"], rows["high"], strict=True)]
    chance, p = (["" if pd.isna(value) else f"{value:.3f}" for value in rows[column]] for column in ("chance", "p_chance"))
    columns = {
        "group": rows["group"],
        "metric": rows["metric"],
        "value": [f"{value:.3f}" for value in rows["value"]],
        "95 % interval": interval,
        "speaks of": rows["about"],
        "chance": chance,
        "p of shuffles": p,
        "n": rows["n"],
    }
    return pd.DataFrame(columns)
