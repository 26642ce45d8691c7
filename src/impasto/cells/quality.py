"""Which cells are debris, clumps or out of focus, by rules without a scale of their own: against the plate's control cells. Bits only.

    debris   integrated DNA < 1/3 and area < 1/2 of the median; without DNA, area < 1/4
    clump    area > 1.5 times the median, and solidity < median - 3 MAD; a note, the cell is kept
    focus    gradient at the rim x diameter / brightness < 0.6 of the median (cells of images)

Area and solidity are those of the nucleus where there is one. A fixed number of MADs below the median of log area would take daughters and
mitoses, and would not see debris that fills half of a plate. A rule that takes more than 5 % of the control cells is switched off and said:
it would take a phenotype too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from impasto.cells import columns
from impasto.cells.columns import BIT, CLUMP, DEBRIS, FOCUS, Bits

Floats = npt.NDArray[np.floating]
Flags = npt.NDArray[np.bool_]
DNA_OF_DEBRIS, AREA_OF_DEBRIS, AREA_WITHOUT_DNA = 1 / 3, 1 / 2, 1 / 4
AREA_OF_CLUMP, SOLIDITY_OF_CLUMP = 1.5, 3.0
STEEPNESS_IN_FOCUS = 0.6
MOST_CONTROLS = 0.05
"""Share of control cells that a rule may take before it is switched off."""
STEEPNESS = "Nuclei_Focus_RimSteepness_DNA"
"""The feature of cells of images that the focus rule reads."""
_NORMAL = 1.4826


@dataclass(frozen=True)
class Measures:
    """The features that the rules read, by what they are.

    Attributes
    ----------
    area, dna, solidity, steepness
        Names of features; None where there is none.

    """

    area: str | None = None
    dna: str | None = None
    solidity: str | None = None
    steepness: str | None = None

    @property
    def names(self) -> list[str]:
        """Those that are there."""
        return [name for name in (self.area, self.dna, self.solidity, self.steepness) if name is not None]


@dataclass(frozen=True)
class Judged:
    """The cells of a plate, judged.

    Attributes
    ----------
    bits
        (n,) with those that were there before.
    thresholds
        Rule -> the numbers that it compared with.
    switched_off
        Rule -> the share of control cells that it would have taken.

    """

    bits: Bits
    thresholds: Mapping[str, Mapping[str, float]]
    switched_off: Mapping[str, float] = field(default_factory=dict)


def measures_of(features: Sequence[str], /) -> Measures:
    """Which features the rules read.

    Parameters
    ----------
    features
        Those of a folder of cells.

    Returns
    -------
    Measures
        Those of the nuclei where they have them.

    """
    return Measures(
        columns.of_measure(features, group="AreaShape", measure="Area"),
        columns.of_measure(features, group="Intensity", measure="IntegratedIntensity", channel="DNA"),
        columns.of_measure(features, group="AreaShape", measure="Solidity"),
        STEEPNESS if STEEPNESS in features else None,
    )


def judge(values: Mapping[str, Floats], measures: Measures, controls: Flags, before: Bits, /) -> Judged:
    """Judge the cells of a plate.

    Parameters
    ----------
    values
        Feature -> (n,) its values; at least those of `measures`.
    measures
        Which features the rules read.
    controls
        (n,) the cells that medians are taken of: those of the plate's controls, or all where it has none.
    before
        (n,) the bits that are known already.

    Returns
    -------
    Judged
        Bits, thresholds and rules that were switched off.

    """
    flags: dict[str, Flags] = {}
    thresholds: dict[str, dict[str, float]] = {}
    area, dna, solidity, steepness = (
        None if m is None else values[m] for m in (measures.area, measures.dna, measures.solidity, measures.steepness)
    )
    with np.errstate(invalid="ignore"):
        if area is not None:
            least = _middle(area, controls) * (AREA_WITHOUT_DNA if dna is None else AREA_OF_DEBRIS)
            flags[DEBRIS], thresholds[DEBRIS] = area < least, {"area below": least}
            if dna is not None:
                thresholds[DEBRIS]["DNA below"] = _middle(dna, controls) * DNA_OF_DEBRIS
                flags[DEBRIS] &= dna < thresholds[DEBRIS]["DNA below"]
        if area is not None and solidity is not None:
            most = _middle(area, controls) * AREA_OF_CLUMP
            middle = _middle(solidity, controls)
            lowest = middle - SOLIDITY_OF_CLUMP * _NORMAL * _middle(np.abs(solidity - middle), controls)
            flags[CLUMP], thresholds[CLUMP] = (area > most) & (solidity < lowest), {"area above": most, "solidity below": lowest}
        if steepness is not None:
            least = _middle(steepness, controls) * STEEPNESS_IN_FOCUS
            flags[FOCUS], thresholds[FOCUS] = steepness < least, {"steepness below": least}
    bits, switched_off = before.copy(), dict[str, float]()
    for rule, flag in flags.items():
        share = float(flag[controls].mean()) if controls.any() else 0.0
        if rule not in columns.NOTES and share > MOST_CONTROLS:
            switched_off[rule] = share
        else:
            bits |= np.where(flag, BIT[rule], 0).astype(np.uint16)
    return Judged(bits, thresholds, switched_off)


def _middle(values: Floats, controls: Flags) -> float:
    """The median over control cells that have a value; NaN where none has, and then nothing is below or above it."""
    there = values[controls & np.isfinite(values)]
    return float(np.median(there)) if len(there) else float("nan")
