"""Who is tested against whom: the wells of each perturbation, the controls that centre a plate, and those that judge.

Two kinds of negative controls do two jobs. *Fitting* controls give each plate its centre and the noise of a well. *Judging* controls
are spared: no correction learned from them as from controls, and neither does the test. Where no control is spared and no correction has
learned from the controls, half of each plate's are set aside here (`correction.spared`).
"""

from __future__ import annotations

from dataclasses import dataclass

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema, wells
from impasto.correction import spared
from impasto.evaluation.layout import by_place
from impasto.schema import InputError

Rows = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Design:
    """The wells of a run of hits.

    Attributes
    ----------
    names
        What is tested, sorted: perturbations, at a dose each unless doses are pooled.
    members
        The rows of the wells of each, by plate and place.
    plate
        (n,) the plate of every row, as a place in `plates`.
    plates
        Names of plates.
    place
        (n,) the position of every row on its plate as a number; None in a table without wells.
    order
        (n,) the rank of every row by what tells it from the others. What is drawn is drawn in this order, whatever that of the table.
    fitting
        (n,) negative controls that centre a plate and show the noise of a well.
    judging
        (n,) negative controls that nothing has learned from.
    learned
        Whether a correction learned from the controls and none was spared, so that no control can judge.
    set_aside
        Whether the judging controls were set aside here, and not by a correction.
    families
        Of each name, what it is corrected with for the false discovery rate.
    left_out
        Why rows were left out: one sentence each.

    """

    names: list[str]
    members: list[Rows]
    plate: Rows
    plates: list[str]
    place: Rows | None
    order: Rows
    fitting: Flags
    judging: Flags
    learned: bool
    set_aside: bool
    families: list[str]
    left_out: list[str]

    def rows(self, chosen: Flags, /) -> Rows:
        """The chosen rows in the order of their ranks.

        Parameters
        ----------
        chosen
            (n,) which rows.

        Returns
        -------
        Rows
            The same rows, whatever the order of the table.

        """
        return by_place(chosen, self.order)

    def controls_of_plates(self) -> Rows:
        """How many fitting controls each plate has.

        Returns
        -------
        Rows
            (plates,) counts.

        """
        return np.bincount(self.plate[self.fitting], minlength=len(self.plates))

    def judges(self) -> Flags:
        """The controls that a test by exchange compares with.

        Returns
        -------
        Flags
            (n,) those that judge, where a correction spared them; all negative controls otherwise.

        """
        return self.judging if self.judging.any() and not self.set_aside else self.fitting | self.judging


def design(profiles: anndata.AnnData, /, *, pool_doses: bool, by_batch: bool, seed: int) -> Design:
    """The design of a table of wells.

    Parameters
    ----------
    profiles
        n wells with `perturbation` and negative controls.
    pool_doses
        Whether all doses of a perturbation are tested as one.
    by_batch
        Whether the false discovery rate is held in each batch, and not over the run.
    seed
        Of the controls that are set aside.

    Returns
    -------
    Design
        The wells that are tested, and the controls.

    Raises
    ------
    InputError
        Where no plate has two negative controls, all of them are spared, or nothing is left to test.

    """
    obs = profiles.obs
    codes, plates = wells.plates(obs)
    place = wells.spots(obs)
    negative, judging, learned, set_aside = _controls(profiles, seed=seed)
    fitting = negative & ~judging
    per_plate = np.bincount(codes[negative], minlength=len(plates))
    if per_plate.max() < 2:
        raise InputError("no plate has two negative controls, so nothing can be called a hit; mark them in the column control_type")
    if not fitting.any():
        raise InputError("all negative controls are spared, so none is left to centre the plates by; spare fewer, as with --spare 0.5")
    centred = np.bincount(codes[fitting], minlength=len(plates)) > 0
    names = wells.replicates(obs, pool_doses=pool_doses)
    tested = wells.treated(obs) & names.notna().to_numpy(dtype=bool)
    left_out = _left_out(obs, tested, codes, plates, centred)
    rows = np.flatnonzero(tested & centred[codes])
    if not len(rows):
        raise InputError(
            "no treated well stands on a plate with negative controls, so nothing can be tested; mark controls in control_type"
        )
    _refuse_several_rows_a_well(codes, place, tested | negative)
    order = wells.ranks(obs)
    rows = rows[np.lexsort((order[rows], codes[rows]))]
    groups = pd.Series(rows).groupby(names.to_numpy(dtype=str, na_value="")[rows], sort=True)
    members = {str(name): own.to_numpy(dtype=np.intp) for name, own in groups}
    families = _families(obs, members, by_batch=by_batch)
    return Design(
        list(members), list(members.values()), codes, plates, place, order, fitting, judging, learned, set_aside, families, left_out
    )


def _refuse_several_rows_a_well(codes: Rows, place: Rows | None, used: Flags) -> None:
    """Sites of one well are alike for that reason alone, so they must not stand in for replicates."""
    if place is None:
        return
    spots = pd.DataFrame({"plate": codes[used], "place": place[used]})
    repeated = int(spots.duplicated().sum())
    if repeated:
        raise InputError(
            f"calling hits needs one row a well, and {repeated} of {len(spots)} rows stand in a well that another row has too (sites, "
            "or plates of one name); pool them first: im.pp.aggregate(profiles), or impasto profile --level well"
        )


def _controls(profiles: anndata.AnnData, *, seed: int) -> tuple[Flags, Flags, bool, bool]:
    """Negative controls, those that judge, whether a correction learned from all, and whether the judges are set aside here."""
    obs = profiles.obs
    negative = wells.negative(obs)
    judging = negative & wells.spared(obs)
    if judging.any():
        return negative, judging, False, False
    if spared.none_judges(profiles):
        return negative, judging, True, False
    judging = spared.chosen_controls(obs, share="auto", seed=seed)
    return negative, judging, False, bool(judging.any())


def _left_out(obs: pd.DataFrame, tested: Flags, codes: Rows, plates: list[str], centred: Flags) -> list[str]:
    sentences = []
    unknown = int(wells.unknown(obs).sum())
    if unknown:
        sentences.append(f"{unknown} wells of which nobody said what was done to them")
    bare = [plates[code] for code in np.unique(codes[tested]) if not centred[code]]
    if bare:
        count = int((tested & ~centred[codes]).sum())
        sentences.append(f"{count} treated wells on plates without negative controls to centre them by ({schema.listed(bare[:5])})")
    return sentences


def _families(obs: pd.DataFrame, members: dict[str, Rows], *, by_batch: bool) -> list[str]:
    """Single doses are a family of their own: the test of a compound with several doses is its curve."""
    pooled = wells.replicates(obs, pool_doses=True).to_numpy(dtype=str, na_value="")
    first = [str(pooled[rows[0]]) for rows in members.values()]
    several = pd.Series(first).map(pd.Series(first).value_counts()).to_numpy() > 1
    kinds = np.where(several, "single doses", "run").tolist()
    if not by_batch:
        return kinds
    batch, names = wells.groups(obs, schema.BATCH)
    of_set = ["+".join(names[code] for code in np.unique(batch[rows])) for rows in members.values()]
    return [f"{kind}, batch {held}" if kind != "run" else f"batch {held}" for kind, held in zip(kinds, of_set, strict=True)]
