"""Arm: take out what the genes of a chromosome arm share, for CRISPR knock-outs (Lazar et al. 2024).

    x of gene g on arm a  ->  x - mean over genes h of a, h not g, of the mean profile of h

Cutting a chromosome can lose the arm beyond the cut, so knock-outs of one arm resemble each other whatever their genes do. A gene never
corrects itself: its own phenotype stays. The mean is learned on all genes of the arm, or on those that the cells do not express
(`on = "unexpressed"`), whose knock-out can do nothing else.

Only knock-outs are corrected. Non-targeting controls, genes without an arm, and genes on arms with fewer than `least` other genes stay as
they are, and are counted. With n genes on an arm the correction leaves them less alike than genes of different arms, by about 1/(n - 1):
arms of few genes should not be corrected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, Self

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from impasto import profiles as tables
from impasto import schema, wells
from impasto.correction.base import Array, Corrector, with_values
from impasto.perturbations import chromosome_arms
from impasto.perturbations.chromosome_arms import ARM, EXPRESSED, GENE
from impasto.perturbations.gene_pairs import normal_symbol
from impasto.progress import say
from impasto.scale.sums import Part
from impasto.schema import InputError
from impasto.settings import Settings

Codes = npt.NDArray[np.intp]


class ArmSettings(Settings):
    """The table of arms, and which genes of an arm its mean is learned on."""

    method: Literal["arm"] = "arm"
    arms: Path | None = Field(None, description="A table with the columns gene and arm, and perhaps expressed (yes or no); it is needed.")
    on: Literal["all", "unexpressed"] = Field("all", description="Genes that an arm's mean is learned on.")
    least: int = Field(5, ge=1, description="Other genes that an arm needs for a gene on it to be corrected.")


@dataclass(frozen=True, kw_only=True)
class Arm(Corrector[ArmSettings]):
    """The mean profiles of genes, and the arms.

    Attributes
    ----------
    known, arm_of_known
        The genes of the table, and the arm of each.
    genes
        Those whose mean profile was learned.
    means
        (genes, features) their mean profiles.

    """

    name: ClassVar[str] = "arm"
    settings_class: ClassVar[type[Settings]] = ArmSettings
    settings: ArmSettings
    known: tuple[str, ...]
    arm_of_known: tuple[str, ...]
    genes: tuple[str, ...]
    means: Array

    @classmethod
    def passes(cls, _: ArmSettings, /) -> int:
        return 1

    @classmethod
    def refuse(cls, obs: pd.DataFrame, settings: ArmSettings, /) -> None:
        usable, genes = _usable(settings), genes_of(obs)
        if not genes.isin(usable).any():
            raise InputError(
                f"arm: none of the {len(set(genes) - {''})} genes knocked out is among the {len(usable)} usable genes of {settings.arms}; "
                "look at the column gene, and at the spelling of its symbols"
            )

    @classmethod
    def learn_table(cls, profiles: anndata.AnnData, settings: ArmSettings, /) -> Self:
        cls.refuse(profiles.obs, settings)
        return cls.by_sums(profiles, settings)

    @classmethod
    def summarise(cls, plates: Iterable[anndata.AnnData], settings: ArmSettings, _: Part | None, /) -> Part:
        usable = _usable(settings)
        sums_of: dict[str, Array] = {}
        rows_of: Counter[str] = Counter()
        for plate in plates:
            genes = genes_of(plate.obs)
            chosen = genes.isin(usable).to_numpy()
            names, codes = np.unique(genes[chosen].to_numpy(dtype=str), return_inverse=True)
            values = tables.dense(plate)[chosen].astype(np.float64)
            for code, name in enumerate(names):
                own = values[codes == code]
                sums_of[name] = sums_of.get(name, 0.0) + own.sum(axis=0)
                rows_of[name] += len(own)
        return _part(sums_of, rows_of)

    @classmethod
    def merged(cls, parts: Sequence[Part], _: ArmSettings, __: Part | None, /) -> Part:
        sums_of: dict[str, Array] = {}
        rows_of: Counter[str] = Counter()
        for part in (part for part in parts if part.words):
            for name, total, rows in zip(part.words["genes"], part.arrays["sums"], part.arrays["rows"], strict=True):
                sums_of[name] = sums_of.get(name, 0.0) + total
                rows_of[name] += int(rows)
        return _part(sums_of, rows_of)

    @classmethod
    def fitted_from(cls, whole: Part, settings: ArmSettings, /) -> Self:
        if not whole.words:
            raise InputError("arm: no plate that can be read holds a gene of the table of arms")
        table = chromosome_arms.read(_arms(settings))
        return cls(
            settings=settings,
            known=tuple(table[GENE]),
            arm_of_known=tuple(str(arm) for arm in table[ARM]),
            genes=tuple(whole.words["genes"]),
            means=np.asarray(whole.arrays["sums"]) / np.asarray(whole.arrays["rows"])[:, None],
        )

    def apply_table(self, profiles: anndata.AnnData, /) -> anndata.AnnData:
        genes = genes_of(profiles.obs)
        arm_of = dict(zip(self.known, self.arm_of_known, strict=True))
        names = sorted(set(genes) & set(arm_of))
        codes, _ = pd.factorize(np.array([arm_of[gene] for gene in [*self.genes, *names]], dtype=object))
        place = {gene: number for number, gene in enumerate(self.genes)}
        own = np.array([place.get(gene, -1) for gene in names], dtype=np.intp)
        learned, asked = codes[: len(self.genes)], codes[len(self.genes) :]
        shared, enough = shared_by_others(self.means, learned, asked, own, least=self.settings.least)
        number = genes.map({gene: place for place, gene in enumerate(names)})
        known = number.notna().to_numpy()
        values = tables.dense(profiles).astype(np.float64)
        values[known] -= shared[number[known].to_numpy(dtype=np.intp)]
        self._say(genes, arm_of, [gene for gene, corrected in zip(names, enough, strict=True) if not corrected])
        return with_values(profiles, values)

    def _say(self, genes: pd.Series, arm_of: dict[str, str], few: list[str]) -> None:
        knocked_out = sorted(set(genes) - {""})
        absent = [gene for gene in knocked_out if gene not in arm_of]
        left = []
        if absent:
            left.append(f"{len(absent)} without an arm ({schema.listed(absent[:5])})")
        if few:
            left.append(f"{len(few)} on arms with fewer than {self.settings.least} other genes ({schema.listed(few[:5])})")
        corrected = len(knocked_out) - len(absent) - len(few)
        say(f"arm: {corrected} of {len(knocked_out)} genes corrected" + (f"; as they were: {', '.join(left)}" if left else ""))


def _arms(settings: ArmSettings) -> Path:
    if settings.arms is None:
        raise InputError("arm needs a table of genes and their chromosome arms (columns gene, arm); give it with --arms FILE")
    return settings.arms


def _usable(settings: ArmSettings) -> set[str]:
    """The genes of the table that a mean is learned on."""
    table = chromosome_arms.read(_arms(settings))
    if settings.on == "unexpressed":
        if EXPRESSED not in table:
            raise InputError(f"{settings.arms}: on = unexpressed needs a column {EXPRESSED!r} (yes or no); or use on = all")
        table = table[(table[EXPRESSED] == False).fillna(False)]  # noqa: E712 - a missing word is neither yes nor no
    return set(table[GENE])


def _part(sums_of: Mapping[str, Array], rows_of: Mapping[str, int]) -> Part:
    """The sums of the rows of each gene, and how many there are."""
    genes = sorted(sums_of)
    if not genes:
        return Part({})
    return Part({"sums": np.stack([sums_of[g] for g in genes]), "rows": np.array([float(rows_of[g]) for g in genes])}, {"genes": genes})


def shared_by_others(means: Array, arms: Codes, asked: Codes, own: Codes, /, *, least: int) -> tuple[Array, npt.NDArray[np.bool_]]:
    """What genes share with the other genes of their arm.

    Parameters
    ----------
    means
        (genes, features) mean profiles.
    arms
        (genes,) the arm of each, as a code.
    asked
        (m,) the arm of each gene that is asked for.
    own
        (m,) its place among `means`; -1 where it is not there.
    least
        Other genes that an arm needs.

    Returns
    -------
    shared : ndarray, shape (m, features)
        The mean over the other genes of the arm; 0 where they are too few.
    enough : ndarray of bool, shape (m,)
        Where they suffice.

    """
    size = int(max(arms.max(initial=-1), asked.max(initial=-1))) + 1
    sums = np.zeros((size, means.shape[1]))
    np.add.at(sums, arms, means)
    inside = own >= 0
    others = np.bincount(arms, minlength=size)[asked] - inside
    total = sums[asked]
    total[inside] -= means[own[inside]]
    enough = others >= least
    return np.where(enough[:, None], total / np.maximum(others, 1)[:, None], 0.0), enough


def genes_of(obs: pd.DataFrame, /) -> pd.Series:
    """The gene knocked out in each well.

    Parameters
    ----------
    obs
        Annotation of n rows, with the column `gene`.

    Returns
    -------
    pandas.Series
        (n,) text in normal spelling; empty where no gene was knocked out: controls, other kinds of perturbations, no gene given.

    Raises
    ------
    InputError
        The table has no column `gene`.

    """
    wells.require(obs, [schema.GENE], task="arm")
    genes = obs[schema.GENE].map(normal_symbol).astype(object).fillna("").astype(str)
    knocked_out = wells.treated(obs)
    if schema.PERTURBATION_TYPE in obs:
        kind = obs[schema.PERTURBATION_TYPE].astype("string").fillna(schema.CRISPR)
        knocked_out &= (kind == schema.CRISPR).to_numpy(dtype=bool)
    return genes.where(knocked_out, "")
