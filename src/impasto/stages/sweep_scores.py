"""The scores of the rows and seeds of a sweep as one table, and what each row scores more than another."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from impasto import border, texts

if TYPE_CHECKING:
    import pandas as pd

TRAINING = "training"
"""The task that the account of a training is shown as: steps, views, minutes, sizes."""
DEFAULT_GROUP = "profiles"
"""What an evaluation of one table calls it, where it is given no label."""


def of_results(folder: Path, label: str, /) -> pd.DataFrame:
    """The tidy numbers of one evaluation of a row.

    Parameters
    ----------
    folder
        That an evaluation or a fine-tuning left.
    label
        Of the row.

    Returns
    -------
    DataFrame
        Tidy rows. The group `profiles` is named after the row; several named profiles make the row a data set, and all groups are
        `row: group`.

    """
    import pandas as pd

    read = pd.read_csv(folder / "results.csv")
    return read.assign(group=_named(read["group"], label))


def write(
    frames: Sequence[pd.DataFrame], without: Sequence[pd.DataFrame], out: Path, /, *, labels: list[str], reference: str | None
) -> None:
    """Write per_seed.csv and, joined over seeds, results.csv at `out`; left_out.parquet, where there is one seed.

    Parameters
    ----------
    frames
        Scores and costs of a row, with `seed`, for every row and seed.
    without
        What `left_out` gave, for every row and seed.
    out
        The folder of the sweep.
    labels
        The names of its rows.
    reference
        What the others are compared with; nothing where None.

    """
    import pandas as pd

    from impasto import runs
    from impasto.evaluation import tidy
    from impasto.report import repeats
    from impasto.report.paired import LEFT_OUT

    per_seed = pd.concat(frames, ignore_index=True) if frames else tidy.frame([]).assign(seed=pd.Series(dtype=int))
    # The baselines of one seed are the same for all rows: kept once.
    per_seed = per_seed.drop_duplicates(["task", "protocol", "group", "metric", "seed"], ignore_index=True)
    if reference is not None:
        per_seed = pd.concat([per_seed, differences(per_seed, labels, reference)], ignore_index=True)
    with runs.atomic(out / "per_seed.csv") as temporary:
        texts.write_csv(per_seed, temporary)
    with runs.atomic(out / "results.csv") as temporary:
        texts.write_csv(repeats.joined(per_seed), temporary)
    filled = [table for table in without if len(table)]
    # Rows of several seeds are compared seed by seed.
    if len(set(per_seed["seed"])) == 1 and filled:
        with runs.atomic(out / LEFT_OUT) as temporary:
            pd.concat(filled, ignore_index=True).drop_duplicates([*repeats.KEYS, "part", "without"]).to_parquet(temporary, index=False)


def differences(per_seed: pd.DataFrame, labels: list[str], reference: str, /) -> pd.DataFrame:
    """Every row's scores less the reference's of the same seed: what the choice of held-out rows does to both falls away.

    Parameters
    ----------
    per_seed
        Scores of all rows and seeds.
    labels
        The names of the rows.
    reference
        The name of a row, or of profiles in each row.

    Returns
    -------
    DataFrame
        The same columns; metrics are named `... less <reference>`.

    """
    import pandas as pd

    if reference in labels:
        return _less(per_seed[per_seed["group"].isin(labels)], reference, called=reference)
    within = [per_seed[per_seed["group"].str.startswith(f"{label}: ")] for label in labels]
    return pd.concat(
        [_less(rows, f"{label}: {reference}", called=reference) for label, rows in zip(labels, within, strict=True)], ignore_index=True
    )


def _less(scores: pd.DataFrame, reference: str, *, called: str) -> pd.DataFrame:
    from impasto.evaluation.baselines import is_baseline

    scores = scores[scores["task"] != TRAINING]
    keys = ["task", "protocol", "metric", "seed"]
    of_reference = scores.loc[scores["group"] == reference, [*keys, "value"]]
    others = scores[[g != reference and not is_baseline(g) for g in scores["group"]]]
    both = others.merge(of_reference, on=keys, suffixes=("", "_reference"))
    less = both.assign(value=both["value"] - both["value_reference"], metric=both["metric"] + f" less {called}")
    less[["low", "high", "chance", "p_chance"]] = float("nan")
    return less.drop(columns="value_reference")


def left_out(results: Sequence[Path], label: str, /) -> pd.DataFrame:
    """The scores of one row without groups of units, of all its evaluations: by them rows are compared pair by pair.

    Parameters
    ----------
    results
        Folders of its evaluations.
    label
        Of the row.

    Returns
    -------
    DataFrame
        One row a score; empty where no evaluation left such scores.

    """
    import pandas as pd

    from impasto.report.paired import LEFT_OUT

    tables = [border.parquet(folder / LEFT_OUT) for folder in results if (folder / LEFT_OUT).exists()]
    named = [table.assign(group=_named(table["group"], label)) for table in tables]
    return pd.concat(named, ignore_index=True) if named else pd.DataFrame()


def _named(groups: pd.Series, label: str) -> pd.Series:
    """The column `group` of one evaluation: the group `profiles` is named after the row; others are what all rows are read beside.

    What is done to these profiles beside them is called `profiles, kernel PCA`, and becomes `row, kernel PCA`. An evaluation of several
    named profiles makes the row a data set: all its groups, baselines too, are `row: group`.
    """
    from impasto.evaluation.baselines import is_baseline

    groups = groups.astype(str)
    own = {g for g in groups if not is_baseline(g)}
    if len(own) > 1 and DEFAULT_GROUP not in own:
        return label + ": " + groups
    return groups.str.replace(rf"^{DEFAULT_GROUP}(?=$|, )", lambda _: label, regex=True)
