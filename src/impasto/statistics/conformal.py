"""Is this well like the controls? Split conformal p-values: a new well among the spared controls of its plate.

    p = (1 + #{spared score >= score}) / (n + 1)

It holds, P(p <= α) <= α, for a well exchangeable with the n spared controls of its plate, whatever the score (Vovk et al. 2005;
Bates et al. 2023). Controls that a correction was fitted on must not judge: theirs are not scores of new wells.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def p_values(
    scores: npt.NDArray[np.floating], spared: npt.NDArray[np.bool_], plates: npt.NDArray[np.integer], /
) -> npt.NDArray[np.float64]:
    """The p-value of every well against the spared controls of its plate.

    Parameters
    ----------
    scores
        (n,) how unlike the controls a well is; large is unlike.
    spared
        (n,) which wells are spared controls.
    plates
        (n,) the plate of every well, as a code.

    Returns
    -------
    npt.NDArray[np.float64]
        (n,) A spared control is judged by the others of its plate. NaN on plates without spared controls, and where the score is NaN.

    """
    p = np.full(len(scores), np.nan)
    for plate in np.unique(plates):
        rows = np.flatnonzero(plates == plate)
        judges = np.sort(scores[rows[spared[rows]]].astype(np.float64))
        judges = judges[np.isfinite(judges)]
        own = spared[rows]
        count = len(judges) - own.astype(int)
        at_least = len(judges) - np.searchsorted(judges, scores[rows], side="left") - own
        with np.errstate(invalid="ignore"):
            p[rows] = np.where((count > 0) & np.isfinite(scores[rows]), (1 + at_least) / (count + 1), np.nan)
    return p
