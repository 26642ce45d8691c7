"""Which wells make the curve of a compound: its own at their doses, and the controls of their plates at dose 0."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema, wells
from impasto.evaluation.dose.hill import CONTROL, Design, Shapes
from impasto.schema import InputError

Numbers = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Dosed:
    """Wells with a dose.

    Attributes
    ----------
    compound, dose, plate
        (n,) of every well of the table; the plate as a code.
    names
        Of the plates, by code.
    controls
        Plate -> rows of its negative controls, for plates that have some.
    usable
        (n,) treated wells with a dose above 0 on a plate with controls.
    rows_of
        Compound -> its usable rows, sorted by name.
    left_out
        Compound -> how many of its treated wells are not usable.

    """

    compound: npt.NDArray[np.str_]
    dose: Numbers
    plate: Codes
    names: list[str]
    controls: dict[int, Rows]
    usable: npt.NDArray[np.bool_]
    rows_of: dict[str, Rows]
    left_out: dict[str, int]

    @classmethod
    def of(cls, obs: pd.DataFrame, plates: npt.NDArray[np.str_], controls_of: Mapping[str, Rows], /) -> Dosed:
        """The wells of a table that have a dose, and the controls of every plate.

        Parameters
        ----------
        obs
            The annotation of n wells.
        plates
            (n,) the name of each well's plate.
        controls_of
            Plate -> rows of its negative controls.

        Returns
        -------
        Dosed
            The wells, compound by compound; those that cannot be used are counted.

        Raises
        ------
        InputError
            Where a treated well has a dose in words.

        """
        names, plate = np.unique(plates, return_inverse=True)
        controls = {code: np.asarray(controls_of[name]) for code, name in enumerate(names) if len(controls_of.get(name, ()))}
        compound = wells.compounds(obs).to_numpy(dtype=str, na_value="") if schema.PERTURBATION in obs else np.full(len(obs), "")
        treated = wells.treated(obs) & (compound != "")
        dose = _doses(obs, treated)
        usable = treated & np.isfinite(dose) & (dose > 0) & np.isin(plate, list(controls))
        chosen, others = np.flatnonzero(usable), compound[treated & ~usable]
        rows_of = {str(name): chosen[at] for name, at in pd.Series(chosen).groupby(compound[chosen], sort=True).indices.items()}
        left_out = {str(name): int(count) for name, count in zip(*np.unique(others, return_counts=True), strict=True)}
        return cls(compound, dose, plate.astype(np.intp), [str(name) for name in names], controls, usable, rows_of, left_out)

    def design(self, name: str, /) -> tuple[Rows, Design]:
        """The wells of a compound and the controls of its plates, and their design.

        Parameters
        ----------
        name
            The compound.

        Returns
        -------
        tuple[Rows, Design]
            (n,) the rows of wells, plate by plate, and their design.

        """
        own = self.rows_of[name]
        used = np.unique(self.plate[own])
        rows = np.concatenate([own, *(self.controls[int(plate)] for plate in used)])
        rows = rows[np.argsort(self.plate[rows], kind="stable")]
        doses = np.unique(self.dose[own])
        at = np.where(np.isin(rows, own), np.searchsorted(doses, self.dose[rows]), CONTROL)
        return rows, Design.of(Shapes.of(doses), at, np.searchsorted(used, self.plate[rows]))


def _doses(obs: pd.DataFrame, treated: npt.NDArray[np.bool_]) -> Numbers:
    """The dose (n,) of every well, NaN where it has none; a word is refused."""
    if schema.CONCENTRATION not in obs:
        return np.full(len(obs), np.nan)
    written = obs[schema.CONCENTRATION]
    number = pd.to_numeric(written, errors="coerce")
    words = written[(written.astype("string").replace("", pd.NA).notna() & number.isna()).to_numpy(dtype=bool) & treated]
    if len(words):
        raise InputError(
            f"{len(words)} treated wells have a {schema.CONCENTRATION} that is no number (first: {str(words.iloc[0])!r}); "
            "write numbers of one unit, and leave the cell empty where there is no dose"
        )
    return number.to_numpy(float, na_value=np.nan)
