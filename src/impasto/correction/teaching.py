"""Which wells teach a corrector. Held-out wells never do. A spared control judges, in place of a treated well that does nothing.

So a fit must treat a spared control as it treats such a well. `learns_from` declares how a method does:

    controls  it asks which wells are controls (sphering): a treated well teaches it nothing or something else, and a spared one nothing
    wells     it learns from controls and treated wells alike (ComBat): spared ones are learned from as treated ones are
    nothing   its fit makes no well more like others (clip); spared ones are left out
"""

from __future__ import annotations

from typing import ClassVar, Generic, Literal, TypeVar, final

import pandas as pd

from impasto import wells
from impasto.schema import InputError
from impasto.settings import Settings

S = TypeVar("S", bound=Settings)
LearnsFrom = Literal["controls", "wells", "nothing"]


class Teaching(Generic[S]):
    """The rows that a corrector may learn from.

    Attributes
    ----------
    name
        The name of the method, as in `impasto correct --method NAME`.

    """

    name: ClassVar[str]

    @classmethod
    def learns_from(cls, _: S, /) -> LearnsFrom:
        """Whether the fit asks which wells are controls.

        Parameters
        ----------
        _
            Of the class `settings_class`.

        Returns
        -------
        LearnsFrom
            `controls` where it does, or may; `wells` where controls and treated wells teach it alike; `nothing` where no well becomes more
            like others by its fit.

        """
        return "controls"

    @final
    @classmethod
    def may_teach(cls, obs: pd.DataFrame, settings: S, /) -> wells.Flags:
        """The rows that may be learned from, which may be none.

        Parameters
        ----------
        obs
            Annotation of n rows.
        settings
            Of the class `settings_class`.

        Returns
        -------
        wells.Flags
            (n,) True for rows that are neither held out nor, unless the method learns from all wells alike, spared.

        """
        return cls._own(obs, settings) & ~wells.held_out(obs)

    @final
    @classmethod
    def teaches_its_own(cls, obs: pd.DataFrame, settings: S, /, *, new: bool = False) -> wells.Flags:
        """The rows that teach what is a group's own.

        Parameters
        ----------
        obs
            Annotation of the n rows of a group.
        settings
            Of the class `settings_class`.
        new
            Whether the group is new to a corrector that was fitted on others: its held-out rows teach too, as in `extended`.

        Returns
        -------
        wells.Flags
            (n,) True for rows that `may_teach`; of a group that is held out as a whole, for all but spared controls.

        """
        allowed = cls.may_teach(obs, settings)
        return cls._own(obs, settings) if new or not allowed.any() else allowed

    @classmethod
    def needed(cls, obs: pd.DataFrame, settings: S, /) -> wells.Flags:
        """The rows that have to be together for a fit, of those that may be learned from.

        Parameters
        ----------
        obs
            Annotation of n rows.
        settings
            Of the class `settings_class`.

        Returns
        -------
        wells.Flags
            (n,) True where they are.

        """
        return cls.may_teach(obs, settings)

    @final
    @classmethod
    def learnable(cls, obs: pd.DataFrame, settings: S, /) -> wells.Flags:
        """The rows that `fit` learns from.

        Parameters
        ----------
        obs
            Annotation of n rows.
        settings
            Of the class `settings_class`.

        Returns
        -------
        wells.Flags
            (n,) True for rows that `may_teach`.

        Raises
        ------
        InputError
            There is none.

        """
        allowed = cls.may_teach(obs, settings)
        if not allowed.any():
            raise InputError(
                f"{cls.name}: no row is left to learn from: of {len(obs)} rows {int(wells.spared(obs).sum())} are spared controls "
                f"and {int(wells.held_out(obs).sum())} are held out by the column split; spare or hold out less"
            )
        return allowed

    @classmethod
    def _own(cls, obs: pd.DataFrame, settings: S) -> wells.Flags:
        """The rows from which a group's own part is learned where all of it is held out."""
        return ~wells.spared(obs) | (cls.learns_from(settings) == "wells")
