"""A fit that is made of sums over plates: the same functions fit a table and a folder of plates, to the same bits.

A method fills in `passes`, `summarise`, `merged` and `fitted_from`. `by_sums` runs these over the plates of a table, 64 at a time. A folder
of plates that does not fit into memory is fitted by the same functions over the same plates (by_plate.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar, Generic, Self, final

import anndata

from impasto import dataset, schema
from impasto.correction.teaching import S
from impasto.scale import sums
from impasto.scale.sums import Part


class BySums(Generic[S]):
    """What a method fills in that is fitted by sums; the others leave it as it is.

    Attributes
    ----------
    name
        The name of the method, as in `impasto correct --method NAME`.

    """

    name: ClassVar[str]

    @classmethod
    def passes(cls, _: S, /) -> int:
        """How often the plates are read for sums.

        Parameters
        ----------
        _
            Of the class `settings_class`.

        Returns
        -------
        int
            0 for a method that is not fitted by sums.

        """
        return 0

    @classmethod
    def refuse_plate(cls, _: anndata.AnnData, __: S, /) -> None:
        """Refuse a plate that cannot be among those that sums are taken over; the others go on without it.

        Parameters
        ----------
        _
            The rows of one plate that may be learned from.
        __
            Of the class `settings_class`.

        Raises
        ------
        InputError
            Where it is refused.

        """

    @classmethod
    def summarise(cls, plates: Iterable[anndata.AnnData], settings: S, before: Part | None, /) -> Part:
        """The sums of some plates.

        Parameters
        ----------
        plates
            The rows of each plate that may be learned from, a plate at a time; they may be none.
        settings
            Of the class `settings_class`.
        before
            What `merged` gave in the pass before this one; None in the first.

        Returns
        -------
        Part
            What `merged` needs of these plates.

        Raises
        ------
        NotImplementedError
            The method is not fitted by sums.

        """
        raise NotImplementedError(f"{cls.name} is not fitted by sums")

    @classmethod
    def merged(cls, parts: Sequence[Part], settings: S, before: Part | None, /) -> Part:
        """The sums of all plates.

        Parameters
        ----------
        parts
            What `summarise` gave, in the order of the plates; their arrays are read when they are asked for.
        settings, before
            As in `summarise`.

        Returns
        -------
        Part
            What the next pass, or `fitted_from`, needs.

        Raises
        ------
        NotImplementedError
            The method is not fitted by sums.

        """
        raise NotImplementedError(f"{cls.name} is not fitted by sums")

    @classmethod
    def fitted_from(cls, whole: Part, settings: S, /) -> Self:
        """The corrector that the sums of all plates give.

        Parameters
        ----------
        whole
            What `merged` gave in the last pass.
        settings
            Of the class `settings_class`.

        Returns
        -------
        Self
            The fitted corrector.

        Raises
        ------
        NotImplementedError
            The method is not fitted by sums.

        """
        raise NotImplementedError(f"{cls.name} is not fitted by sums")

    @final
    @classmethod
    def by_sums(cls, profiles: anndata.AnnData, settings: S, /) -> Self:
        """Fit by sums over the plates of a table.

        Parameters
        ----------
        profiles
            Profiles without the rows that nothing may be learned from.
        settings
            Of the class `settings_class`.

        Returns
        -------
        Self
            The fitted corrector.

        """
        whole: Part | None = None
        for _ in range(cls.passes(settings)):
            parts = [cls.summarise(chunk, settings, whole) for chunk in _chunks(profiles)]
            whole = cls.merged(parts, settings, whole)
        assert whole is not None
        return cls.fitted_from(whole, settings)


def _chunks(profiles: anndata.AnnData) -> Iterator[list[anndata.AnnData]]:
    """The plates of a table, `sums.CHUNK` at a time; a table without plates is one."""
    if schema.PLATE not in profiles.obs:
        yield [profiles]
        return
    waiting: list[anndata.AnnData] = []
    for plate in dataset.plates_of(profiles, named=False):
        waiting.append(plate)
        if len(waiting) == sums.CHUNK:
            yield waiting
            waiting = []
    if waiting:
        yield waiting
