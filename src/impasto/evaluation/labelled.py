"""The rows that mixing and conservation score, what each is, and which of a large table are drawn.

Of more than 20,000 rows, whole labels of about so many are drawn, and controls in proportion. The protocol says how many (`samples`);
`exact` takes all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import anndata
import numpy as np
import numpy.typing as npt

from impasto import mapped, schema, wells
from impasto.evaluation import inputs, neighbours, samples, units
from impasto.evaluation.silhouette import Metric
from impasto.evaluation.units import Units
from impasto.schema import InputError

Floats = npt.NDArray[np.float32]
Codes = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Labelled:
    """Rows in use, what each is, and how a protocol names that.

    Unlabelled and empty wells are not among the rows, which stand in the order of their places. All negative controls carry one label,
    whatever they are called.

    Attributes
    ----------
    rows
        (rows,) places in the table.
    labels, compounds, batches
        (rows,) codes from 0, without gaps.
    control
        (rows,) which are negative controls.
    words
        How a protocol says all that.
    names
        Those of the compounds, by their codes.
    unit
        The word for one compound.

    """

    rows: Codes
    labels: Codes
    compounds: Codes
    batches: Codes
    control: Flags
    words: str
    names: tuple[str, ...] = ()
    unit: str = "perturbation"

    def part(self, chosen: Flags, /) -> Labelled:
        """The same over some of the rows, codes renumbered without gaps.

        Parameters
        ----------
        chosen
            (rows,) which rows.

        Returns
        -------
        Labelled
            These rows.

        """
        labels, compounds, batches = (
            np.unique(codes[chosen], return_inverse=True)[1].astype(np.intp) for codes in (self.labels, self.compounds, self.batches)
        )
        names = tuple(self.names[code] for code in np.unique(self.compounds[chosen])) if self.names else ()
        return Labelled(self.rows[chosen], labels, compounds, batches, self.control[chosen], self.words, names, self.unit)

    def sampled(self) -> Units:
        """The unit of each treated row: its compound, with all of its doses and wells.

        Returns
        -------
        Units
            One entry a treated row, in order.

        """
        return units.named(np.array(self.names, dtype=str)[self.compounds[~self.control]], word=self.unit)

    def without(self, keep: Flags, /) -> Flags:
        """Which rows stay where only some units (`sampled`) do.

        Parameters
        ----------
        keep
            (units,) which units stay.

        Returns
        -------
        Flags
            (rows,) Controls always stay.

        """
        stays = self.whole()
        stays[~self.control] = keep[self.sampled().of]
        return stays

    def whole(self) -> Flags:
        """All of the rows.

        Returns
        -------
        Flags
            (rows,) true everywhere.

        """
        return np.ones(len(self.rows), dtype=bool)


def of(profiles: anndata.AnnData, /, *, batch: str, label: str, pool_doses: bool, with_controls: bool = True) -> Labelled:
    """Rows with a label, negative controls among them or not.

    Parameters
    ----------
    profiles
        One row a well.
    batch
        The column of batches; `auto` takes the widest of source, batch, plate with several values.
    label
        The column of labels.
    pool_doses
        Whether all doses of a perturbation are one label.
    with_controls
        Whether negative controls are among the rows.

    Returns
    -------
    Labelled
        The rows and their codes.

    Raises
    ------
    InputError
        Where there are fewer than two batches or labels.

    """
    obs = profiles.obs
    wells.require(obs, [label], task="mixing and conservation")
    word = inputs.batch_word(obs, among=batch)
    by_perturbation = label == schema.PERTURBATION
    text = wells.replicates(obs, pool_doses=pool_doses) if by_perturbation else obs[label].astype("string")
    compound = wells.compounds(obs) if by_perturbation else text
    control = wells.negative(obs)
    codes, _ = inputs.groups(text.mask(control, "negative control"))
    compounds, names = inputs.groups(compound.mask(control, "negative control"))
    known = (codes >= 0) & ((control & with_controls) | wells.treated(obs))
    doses = inputs.dose_words(obs, pool_doses=pool_doses) if by_perturbation else ""
    order = np.argsort(wells.row_names(obs), kind="stable")
    batches = wells.groups(obs, word)[0]
    unit = units.kind_of(obs[wells.treated(obs)]) if by_perturbation else "label"
    words = f"batch={word}, label={label}{doses}"
    annotated = Labelled(order, codes[order], compounds[order], batches[order], control[order], words, tuple(names), unit)
    where = annotated.part(known[order])
    if not len(where.rows) or where.labels.max() < 1 or where.control.all():
        raise InputError(f"all rows have one {label}; mixing and conservation need at least two: choose another with --set label=COLUMN")
    return where


@dataclass(frozen=True)
class Drawn:
    """The rows that are scored, where they are not all.

    Attributes
    ----------
    where
        The rows that are scored, and what they are.
    whole
        All rows in use; None where they are all scored.
    places
        (rows scored,) where each stands among all rows in use.
    complete
        (rows scored,) whether all rows of its label are scored.

    """

    where: Labelled
    whole: Labelled | None
    places: Codes
    complete: Flags

    def among_all(self, values: Floats, /, *, k: int, metric: Metric, device: str | None) -> Codes | None:
        """The neighbours of the rows scored among all rows in use, as numbers of rows scored.

        Parameters
        ----------
        values
            (all rows of the table, width).
        k, metric, device
            How neighbours are found.

        Returns
        -------
        Codes | None
            (rows scored, k) -1 for a neighbour that is not scored. None where all rows are scored.

        """
        if self.whole is None:
            return None
        number = np.full(len(self.whole.rows), -1, dtype=np.intp)
        number[self.places] = np.arange(len(self.places))
        used = mapped.take(values, self.whole.rows)
        return np.asarray(number[neighbours.nearest(used, k=k, metric=metric, device=device, of=self.places)])


def drawn(where: Labelled, /, *, seed: int, exact: bool, width: int) -> Drawn:
    """Whole labels of about 20,000 rows, and controls in proportion; all rows of a smaller table.

    Parameters
    ----------
    where
        All rows in use.
    seed
        Of the draw.
    exact
        Whether nothing is drawn; the price is said then.
    width
        The number of features, for the price.

    Returns
    -------
    Drawn
        The rows that are scored.

    """
    count = len(where.rows)
    if exact or count <= samples.MOST_ROWS:
        if count > samples.MOST_ROWS:
            samples.say_price(count, count, width, what="neighbours of all rows")
        return Drawn(where, None, np.arange(count), where.whole())
    share = samples.MOST_ROWS / count
    chosen = samples.of_each(np.where(where.control, 0, -1), most=round(share * int(where.control.sum())), seed=seed)
    treated = np.flatnonzero(~where.control)
    treated = treated[samples.of_each(where.labels[treated], most=samples.MOST_REPLICATES, seed=seed)]
    codes = np.unique(where.labels[treated], return_inverse=True)[1].ravel()
    chosen[treated[samples.of_groups(codes, most=round(share * int((~where.control).sum())), seed=seed)]] = True
    sizes = np.bincount(where.labels)
    complete = sizes[where.labels] == np.bincount(where.labels[chosen], minlength=len(sizes))[where.labels]
    places = np.flatnonzero(chosen)
    words = where.words + samples.words(len(places), count)
    return Drawn(replace(where.part(chosen), words=words), where, places, complete[chosen])
