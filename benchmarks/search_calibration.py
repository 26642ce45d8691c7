"""Is a query told apart from one about nothing? Shares of queries called at p <= .05, on an index that `impasto demo` left.

    impasto demo --out runs/demo
    python -m benchmarks.search_calibration runs/demo/index

A query about nothing should be called in one of twenty. What an index should call more often: prompts of compounds that its run was
trained on, mechanisms and genes that it holds, wells of compounds that act.
"""

from __future__ import annotations

import argparse
import string
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from impasto import schema, wells
from impasto.atlas import index as indexes
from impasto.atlas import null, strangers
from impasto.atlas.consensus import PROFILE
from impasto.atlas.index import Index
from impasto.joint.space import Space
from impasto.perturbations.prompts import prompt
from impasto.progress import track

MOST = 100


class Row(NamedTuple):
    """One number of a calibration: what it is, its value, and its standard error."""

    what: str
    value: float
    error: float


class Asked(NamedTuple):
    """Queries of one kind: the form of their null, and what is asked."""

    form: str
    queries: Sequence[str]


def questions(space: Space, rows: pd.DataFrame, /, *, seed: int) -> dict[str, Asked]:
    """What is asked of a run that reads text: things in the index, not in it, and gibberish. No query is one of the null."""
    rng = np.random.default_rng(seed)
    consensus = rows[(rows["level"] == "perturbation") & (rows["modality"] == PROFILE) & wells.treated(rows)]

    def some(values: Sequence[str]) -> list[str]:
        return [str(values[i]) for i in rng.permutation(len(values))[:MOST]]

    def prompts(part: str) -> list[str]:
        chosen = consensus[consensus[schema.SPLIT].astype("string") == part].to_dict(orient="records")
        return some([prompt(row, template=space.settings.template, details=tuple(space.settings.details)) for row in chosen])

    def letters(alphabet: str, low: int, high: int) -> list[str]:
        return ["".join(rng.choice(list(alphabet), rng.integers(low, high))).strip() or "x" for _ in range(MOST)]

    held = consensus[schema.MOA].dropna().astype(str).str.split("|").explode().unique()
    genes = consensus[schema.GENE].dropna().astype(str).unique()
    half = strangers.POOL // 2
    return {
        "own prompt, trained": Asked(strangers.PROMPT, prompts(wells.TRAIN)),
        "own prompt, held out": Asked(strangers.PROMPT, prompts(wells.TEST)),
        "mechanism in the index": Asked(strangers.PHRASE, some(held)),
        "mechanism not in the index": Asked(strangers.PHRASE, some(strangers.unknown_to(rows, schema.MOA)[half:])),
        "name not in the index": Asked(strangers.PHRASE, some(strangers.unknown_to(rows, schema.PERTURBATION_NAME)[half:])),
        "gibberish": Asked(strangers.PHRASE, letters(string.ascii_lowercase + "   ", 8, 50)),
        "gibberish against whole prompts": Asked(strangers.PROMPT, letters(string.ascii_lowercase + "   ", 8, 50)),
        "gene in the index": Asked(strangers.GENE, some(genes)),
        "gene not in the index": Asked(strangers.GENE, some(strangers.unknown_to(rows, schema.GENE)[strangers.POOL :])),
        "gene of gibberish": Asked(strangers.GENE, letters(string.ascii_uppercase + string.digits, 5, 6)),
    }


def of_wells(opened: Index, chosen: np.ndarray, /, *, seed: int) -> list[float]:
    """The p of wells asked by their profile, against perturbations other than their own."""
    rows, rng = opened.rows, np.random.default_rng(seed)
    names = wells.replicates(rows)
    candidates = ((rows["level"] == "perturbation") & (rows["modality"] == PROFILE)).to_numpy(dtype=bool)
    p = []
    for row in rng.permutation(chosen)[:MOST]:
        among = candidates & (names != names.iloc[row]).fillna(True).to_numpy(dtype=bool)
        judged = null.judge(opened, np.asarray(opened.vectors[row]), among, null.of_wells(opened, np.array([row]), seed=seed))
        p.append(float("nan") if judged.p is None else judged.p)
    return p


def search_calibration(folder: Path, seed: int) -> list[Row]:
    """The share of queries of each kind with p <= .05: rows of what, value and standard error.

    Parameters
    ----------
    folder
        An index of embedded profiles, whose run reads text.
    seed
        Of what is asked.

    """
    opened = indexes.open_index(folder)
    assert opened.run is not None, "an index without a run reads no text"
    space = Space.load(opened.run)
    candidates = ((opened.rows["level"] == "perturbation") & (opened.rows["modality"] == PROFILE)).to_numpy(dtype=bool)
    read: dict[str, Callable[[Sequence[str]], np.ndarray]] = {strangers.GENE: space.genes}
    nulls = {form: null.of_form(opened, form) for form in (strangers.PROMPT, strangers.PHRASE, strangers.GENE)}
    rows = []
    for what, asked in track(list(questions(space, opened.rows, seed=seed).items()), what="search", unit="kinds"):
        vectors = read.get(asked.form, space.texts)(asked.queries)
        rows.append(_row(f"search: {what}", [null.judge(opened, v, candidates, nulls[asked.form]).p for v in vectors]))
    rows.append(_row("search: spared control well", of_wells(opened, opened.judges, seed=seed)))
    treated = np.flatnonzero(wells.treated(opened.rows) & (opened.rows["level"] == "well").to_numpy())
    rows.append(_row("search: treated well", of_wells(opened, treated, seed=seed)))
    return rows


def _row(what: str, p: Sequence[float | None]) -> Row:
    share = float(np.mean([value is not None and value <= null.CALLED for value in p]))
    return Row(f"{what} ({len(p)} asked)", share, float(np.sqrt(share * (1 - share) / len(p))))


def main() -> None:
    """Print the shares."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("index", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    table = Table(title="told apart from a random query at p <= .05", title_justify="left")
    for head in ("query", "share", "error"):
        table.add_column(head, justify="left" if head == "query" else "right")
    for row in search_calibration(asked.index, asked.seed):
        table.add_row(row.what, f"{row.value:.2f}", f"{row.error:.2f}")
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
