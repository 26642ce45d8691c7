"""The fraction retrieved: how many perturbations differ from the negative controls, at a false discovery rate over the run.

Who is called depends on the controls that were drawn, too: they are the negatives of every ranking, and they play the null. So control
wells leave as well as perturbations. Every p-value is made again without each group of them (`permutation.p_values_without`), then all are
corrected again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from impasto.evaluation import control_groups, permutation, tidy
from impasto.evaluation.layout import Rows
from impasto.evaluation.replicate_scores import ReplicateScore
from impasto.evaluation.tidy import Score
from impasto.statistics import discovery, interval, jackknife
from impasto.statistics.interval import Interval
from impasto.statistics.jackknife import LeftOut

METRIC = "fraction retrieved"
FALSE_DISCOVERY = 0.05
"""A perturbation counts as retrieved where its corrected p-value lies below."""
Numbers = npt.NDArray[np.float64]


def called(p_values: Numbers, /) -> npt.NDArray[np.bool_]:
    """Which perturbations are retrieved.

    Parameters
    ----------
    p_values
        (perturbations,) with NaN where there is none.

    Returns
    -------
    npt.NDArray[np.bool_]
        (perturbations,)

    """
    return discovery.corrected(p_values) < FALSE_DISCOVERY


@dataclass(frozen=True)
class Retrieved:
    """The fraction of perturbations retrieved, which knows how sure it is.

    Attributes
    ----------
    scored
        The score of the same rankings.
    p_values
        (perturbations,) in the order of `scored.perturbations`.
    draws
        Permutations that they were made of; 0 where they come from elsewhere, so that they are not made again.

    """

    scored: ReplicateScore
    p_values: Numbers
    draws: int

    def row(self, task: str, protocol: str, group: str, /) -> Score:
        """The row of the score.

        Parameters
        ----------
        task, protocol, group
            As in `Score`.

        Returns
        -------
        Score
            The row. Where p-values are not made again, the interval is over perturbations alone and says so.

        """
        flags = called(self.p_values)
        around, parts, about = self._interval(flags)
        row = (task, protocol, group, METRIC, float(flags.mean()), around)
        return tidy.score(*row, chance=None, n=len(flags), parts=parts, units=self.scored.sampled.digest if parts else "", about=about)

    def _interval(self, flags: npt.NDArray[np.bool_]) -> tuple[Interval, list[LeftOut], str | None]:
        scored = self.scored
        if not self.draws or scored.is_large:
            around = interval.wilson(int(flags.sum()), len(flags), unit=scored.word)
            return around, [], f"other {interval.plural(scored.word)}, the same controls"
        left, strata = scored.mean_left_out(flags.astype(np.float64)), self._without_controls(float(flags.mean()))
        return jackknife.of_score([left, strata], unit=f"{scored.word} and {control_groups.WELL}"), [left, *strata], None

    def _without_controls(self, whole: float) -> list[LeftOut]:
        """The fraction without each group of control wells, plate by plate."""
        scored, where = self.scored, self.scored.where
        group = control_groups.of_layout(_where_ranked(scored), scored.where.order, seed=scored.seed)
        without = permutation.p_values_without(scored.vectors, where, scored.perturbations, group, draws=self.draws, seed=scored.seed)
        without = np.where(np.isfinite(without), without, self.p_values[:, None])
        return control_groups.left_out(whole, lambda number: float(called(without[:, number]).mean()), group)


def _where_ranked(scored: ReplicateScore) -> dict[str, Rows]:
    """The controls of plates on which a perturbation was ranked."""
    plates = set(scored.where.plate[scored.detail["row"].to_numpy()])
    return {plate: rows for plate, rows in scored.where.controls.items() if plate in plates}
