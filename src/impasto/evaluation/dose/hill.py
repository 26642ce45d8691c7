"""The Hill curve by search on a grid: every shape once, its span by least squares.

    f(x) = span / (1 + (EC50 / x)^slope),   f(0) = 0

At a given EC50 and slope the curve is linear in its span, so the best span and its sum of squares are closed forms. The grid has 61
EC50, from a decade below the lowest dose to a decade above the highest, and 12 slopes from .4 to 6. Plates keep an offset of their own,
and controls are wells at dose 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]
SLOPES = np.geomspace(0.4, 6.0, 12)
STEPS = 61
BEYOND = 10.0
"""EC50 are sought so many times below the lowest dose and above the highest."""
PARAMETERS = 3
"""Of a curve besides the offsets of plates: EC50, slope and span."""
CONTROL = -1
"""The place of a control's dose among the doses."""
_NOTHING = 1e-12


@dataclass(frozen=True)
class Shapes:
    """Curves of span 1 at the doses tried.

    Attributes
    ----------
    doses
        (d,) the doses tried, ascending.
    log_ec50
        (61,) natural logarithms of the EC50 of the grid.
    at_doses
        (61 x 12, d) each curve at each dose; slopes change fastest.

    """

    doses: Numbers
    log_ec50: Numbers
    at_doses: Numbers

    @classmethod
    def of(cls, doses: Numbers, /) -> Shapes:
        """All shapes for the doses of a compound.

        Parameters
        ----------
        doses
            (d,) ascending and above 0.

        Returns
        -------
        Shapes
            61 x 12 curves at the doses.

        """
        log_ec50 = np.linspace(np.log(doses[0] / BEYOND), np.log(doses[-1] * BEYOND), STEPS)
        return cls(doses, log_ec50, curve(log_ec50.repeat(len(SLOPES)), np.tile(SLOPES, STEPS), doses))

    def parameters(self, number: int, /) -> tuple[float, float]:
        """EC50 and slope of one shape.

        Parameters
        ----------
        number
            Of the shape, from 0.

        Returns
        -------
        tuple[float, float]
            The EC50, in the unit of the doses, and the slope.

        """
        return float(np.exp(self.log_ec50[number // len(SLOPES)])), float(SLOPES[number % len(SLOPES)])


def curve(log_ec50: Numbers, slope: Numbers, doses: Numbers, /) -> Numbers:
    """Curves of span 1.

    Parameters
    ----------
    log_ec50
        (m,) natural logarithms of EC50.
    slope
        (m,) the slope of each.
    doses
        (d,) above 0.

    Returns
    -------
    Numbers
        (m, d) each curve at each dose, from 0 to 1.

    """
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp(slope[:, None] * (log_ec50[:, None] - np.log(doses)[None]))))


@dataclass(frozen=True)
class Design:
    """Which doses stand on which plates: all that a fit needs to know of the wells besides their responses.

    Attributes
    ----------
    shapes
        The curves that are tried.
    at
        (n,) the place of each well's dose among the doses, `CONTROL` for a control.
    plate
        (n,) code of the plate, from 0.
    weight
        (m,) the sum of squares of each shape about its mean on every plate.

    """

    shapes: Shapes
    at: Codes
    plate: Codes
    weight: Numbers

    @classmethod
    def of(cls, shapes: Shapes, at: Codes, plate: Codes, /) -> Design:
        """The design of n wells.

        Parameters
        ----------
        shapes
            The curves that are tried.
        at
            (n,) the place of each well's dose among the doses, `CONTROL` for a control.
        plate
            (n,) code of the plate, from 0.

        Returns
        -------
        Design
            The design, with the weight of each shape.

        """
        plates, doses = int(plate.max()) + 1, len(shapes.doses)
        counts = np.zeros((plates, doses))
        np.add.at(counts, (plate[at >= 0], at[at >= 0]), 1)
        wells = np.bincount(plate, minlength=plates)
        squares = (shapes.at_doses**2) @ counts.sum(axis=0)
        means = ((shapes.at_doses @ counts.T) ** 2 / wells).sum(axis=1)
        return cls(shapes, at, plate, squares - means)

    @property
    def df(self) -> int:
        """Degrees of freedom of the residuals: wells less plates less three."""
        return len(self.at) - (int(self.plate.max()) + 1) - PARAMETERS

    def gains(self, responses: Numbers, at: Codes, /) -> tuple[Numbers, Numbers]:
        """What each shape explains.

        Parameters
        ----------
        responses
            (b, n) of mean zero on every plate.
        at
            (b, n) the place of each well's dose, which permutations move within plates.

        Returns
        -------
        products
            (b, m) of responses and shapes; divided by `weight`, the best span.
        gains
            (b, m) by how much the sum of squares falls.

        """
        draws, doses = len(responses), len(self.shapes.doses)
        cell = np.arange(draws)[:, None] * (doses + 1) + at + 1
        sums = np.bincount(cell.ravel(), weights=responses.ravel(), minlength=draws * (doses + 1)).reshape(draws, doses + 1)[:, 1:]
        products = sums @ self.shapes.at_doses.T
        return products, np.divide(products**2, self.weight, out=np.zeros_like(products), where=self.weight > _NOTHING)


@dataclass(frozen=True)
class Fit:
    """The best curve of one compound and everything that lies near it.

    Attributes
    ----------
    design
        Of its wells.
    best
        The number of the best shape.
    spans
        (m,) the best span of each shape.
    rss
        (m,) the sum of squares of each shape at its best span.
    total
        The sum of squares about the plates' means.

    """

    design: Design
    best: int
    spans: Numbers
    rss: Numbers
    total: float

    @classmethod
    def of(cls, design: Design, responses: Numbers, /) -> Fit:
        """Fit every shape to the responses of wells.

        Parameters
        ----------
        design
            Of the n wells.
        responses
            (n,) of mean zero on every plate.

        Returns
        -------
        Fit
            The best curve, and the span and sum of squares of every shape.

        """
        products, gains = design.gains(responses[None], design.at[None])
        total = float((responses**2).sum())
        spans = np.divide(products[0], design.weight, out=np.zeros_like(products[0]), where=design.weight > _NOTHING)
        return cls(design, int(gains[0].argmax()), spans, np.maximum(total - gains[0], 0.0), total)

    @property
    def span(self) -> float:
        """Of the best curve, in the units of the responses."""
        return float(self.spans[self.best])

    @property
    def residual_sd(self) -> float:
        """Standard deviation of the wells about the best curve."""
        return float(np.sqrt(self.rss[self.best] / self.design.df))

    @property
    def profile(self) -> Numbers:
        """(61,) the smallest sum of squares at each EC50."""
        return np.asarray(self.rss.reshape(STEPS, len(SLOPES)).min(axis=1))
