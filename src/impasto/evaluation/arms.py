"""Proximity bias: are knock-outs of one chromosome arm more alike than knock-outs of different arms, and after the correction `arm`?

    score = mean cosine of genes of one arm - mean cosine of genes of different arms        (Lazar et al. 2024, in cosines)

The mean profile of each gene stands for it. Chance shuffles arms over genes. The row `arm corrected` corrects these profiles by
`correction.arm`'s equation; its chance shuffles arms before the correction, since that leaves genes of an arm less alike than others
even where arms mean nothing.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import wells
from impasto.correction.arm import genes_of, shared_by_others
from impasto.evaluation import inputs, tidy, units
from impasto.evaluation.inputs import Table
from impasto.evaluation.result import OWN, Result
from impasto.evaluation.same_label import SameLabel
from impasto.perturbations import chromosome_arms
from impasto.perturbations.chromosome_arms import ARM, GENE
from impasto.progress import say
from impasto.schema import InputError
from impasto.statistics import jackknife
from impasto.statistics.shuffles import MOST_SHUFFLES

TASK = "arms"
METRIC = "cosine of one arm less other arms"
CORRECTED = "arm corrected"
Numbers = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]


def evaluate(
    profiles: Table,
    /,
    *,
    arms: str | Path,
    least: int = 5,
    shuffles: int = MOST_SHUFFLES,
    seed: int = 0,
) -> Result:
    """How alike genes of one arm are, beyond genes of different arms, before and after the correction.

    Parameters
    ----------
    profiles
        One row a well, with the column `gene`.
    arms
        A table with the columns gene and arm.
    least
        Other genes that an arm needs for a gene on it to be corrected and scored.
    shuffles
        How often arms are shuffled over genes at most; 0 for never.
    seed
        Of shuffles and groups of genes.

    Returns
    -------
    Result
        The difference of mean cosines, that after the correction, and what the correction takes off (paired). `per_group`: one row an
        arm (genes, mean cosine within it).

    Raises
    ------
    InputError
        Where `least` is below 1 or `shuffles` below 0, or where fewer than two arms have enough genes.

    """
    if least < 1 or shuffles < 0:
        raise InputError(f"least is {least} and shuffles is {shuffles}; least is 1 or more, and shuffles 0 or more")
    profiles = inputs.as_profiles(profiles, task=TASK)
    table = chromosome_arms.read(Path(arms)).set_index(GENE)[ARM]
    genes = genes_of(profiles.obs)
    values = wells.finite(profiles, task=TASK)
    on_arm = genes.map(table)
    counts = pd.DataFrame({"gene": genes, "arm": on_arm}).dropna().drop_duplicates()["arm"].value_counts()
    large = counts[counts > least].index
    kept = on_arm.isin(large).to_numpy(dtype=bool)
    codes, names = inputs.groups(genes.where(kept, None))
    if len(large) < 2:
        unknown = sorted(set(genes[on_arm.isna()]) - {""})
        raise InputError(
            f"{len(large)} arms have more than {least} of the genes knocked out, and two are needed ({len(unknown)} genes have no arm in "
            f"{arms}); give a table of more genes, or lower --set least="
        )
    left = sorted(set(genes) - {""} - set(names))
    if left:
        say(f"{len(left)} of {len(left) + len(names)} genes are left out: no arm in the table, or an arm of {least} genes or fewer")
    means = inputs.consensus(values, codes, statistic="mean").astype(np.float64)
    labels, arm_names = pd.factorize(pd.Series(names).map(table), sort=True)
    own = SameLabel(means, labels.astype(np.intp), units.named(names, word="gene"), seed)
    corrected = replace(own, change=partial(corrected_by_arm, least=least))
    protocol = f"mean of each gene, {len(arm_names)} arms of more than {least} genes"
    scores, parts = [], {}
    for group, scored in ((OWN, own), (CORRECTED, corrected)):
        parts[group] = scored.left_out()
        chance = scored.chance(shuffles)
        around = jackknife.of_score(parts[group], unit="gene", share=False)
        scores.append(
            tidy.score(
                *(TASK, protocol, group, METRIC, scored.value, around),
                chance=None if chance is None else chance.mean,
                n=len(names),
                p_chance=None if chance is None else chance.p,
                parts=[parts[group]],
                units=own.sampled.digest,
            )
        )
    less = jackknife.difference(parts[OWN], parts[CORRECTED], unit="gene")
    row = (TASK, protocol, CORRECTED, "taken off by the correction", own.value - corrected.value, less)
    scores.append(tidy.score(*row, chance=0.0, n=len(names)))
    return Result.of(scores, per_group=_per_arm(means, labels, [str(a) for a in arm_names]).assign(profiles=OWN, protocol=protocol))


def corrected_by_arm(means: Numbers, labels: Rows, /, *, least: int) -> Numbers:
    """Mean profiles less the mean of the other genes of their arm.

    Parameters
    ----------
    means
        (genes, features).
    labels
        (genes,) the arm of each, as a code.
    least
        Other genes that an arm needs; genes of smaller arms stay.

    Returns
    -------
    Numbers
        (genes, features) the corrected profiles.

    """
    return means - shared_by_others(means, labels, labels, np.arange(len(means)), least=least)[0]


def _per_arm(means: Numbers, labels: Rows, names: list[str]) -> pd.DataFrame:
    unit = means / np.maximum(np.sqrt((means**2).sum(axis=1, keepdims=True)), 1e-30)
    rows = []
    for code, name in enumerate(names):
        own = unit[labels == code]
        n = len(own)
        rows.append((name, n, float(((own.sum(axis=0) ** 2).sum() - (own**2).sum()) / (n * (n - 1)))))
    return pd.DataFrame(rows, columns=["arm", "genes", "mean_cosine"])
