"""From channels as they are written to stains by name, plate by plate; where no name says the stain, the user is asked to check a guess."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Mapping, Sequence

import pandas as pd

from impasto import schema
from impasto.plates.columns import coded_rows, recoded
from impasto.plates.planes import NUMBER, kept
from impasto.plates.problems import Problem
from impasto.schema import BRIGHT_FIELD, InputError, nearest

ANY = "STAIN"
"""What a sentence writes for a stain that only the user can know."""
_NO_NAME = re.compile(r"[^A-Za-z0-9 -]+")
OWN = "own:"
"""`--channel NAME=own:LIPIDS` names a stain of the user's own."""
_NUMBERED = re.compile(r"(?:c|ch|w|d|channel|chan|kanal|canal)[ _-]?0*(\d{1,3})", re.IGNORECASE)
"""A channel by its number, as users write it: `C1`, `ch 01`, `channel1`."""
_PANEL = {
    "ER": ("alexa488", "488", "fitc"),
    "RNA": ("alexa488long", "488long", "488650"),
    "AGP": ("alexa568", "568", "alexa555", "555", "cy3", "tritc", "texasred", "alexa594"),
    "Mito": ("alexa647", "647", "640", "cy5", "alexa633"),
}
"""Filters of the usual Cell Painting panel: a guess to check, never a name."""


def own_names(options: Sequence[str], /) -> tuple[str, ...]:
    """Options that name channels, with a name of its own for each whose stain is not known: what a dry run shows until the user says it.

    Parameters
    ----------
    options
        As a refusal offers them: `--channel`, `w1=STAIN`, `--channel`, `Cy5=Mito`...

    Returns
    -------
    tuple[str, ...]
        `--channel`, `w1=own:w1`, `--channel`, `Cy5=Mito`...

    """
    parted = [word.rpartition("=") for word in options]
    return tuple(f"{name}={OWN}{_NO_NAME.sub('-', name)}" if stain == ANY else f"{name}{sign}{stain}" for name, sign, stain in parted)


def stain_of(said: str, /) -> str:
    """The stain that the user wrote behind `NAME=`.

    Parameters
    ----------
    said
        A stain in any known spelling, or `own:NAME`.

    Returns
    -------
    str
        The name of the stain.

    Raises
    ------
    InputError
        It is neither a stain nor `own:NAME`, or that name may not be used.

    """
    if said.startswith(OWN):
        name = said.removeprefix(OWN).strip()
        known = schema.channel_name(name)
        if not name or known or "|" in name or "_" in name:
            hint = f"that is the stain {known}: leave out 'own:'" if known else "a name has letters, digits, blanks or '-'"
            raise InputError(f"--channel ...={said}: {hint}")
        return name
    stain = schema.channel_name(said)
    if stain is None:
        known = ", ".join(schema.CHANNELS)
        raise InputError(f"{said!r} is no stain{nearest(said, schema.CHANNELS)}; stains are {known}; for one of your own: {OWN}{said}")
    return stain


def named(
    planes: pd.DataFrame, /, *, channel: Mapping[str, str], skip: Collection[str], fixed: Mapping[str, str], where: str
) -> tuple[pd.DataFrame, list[str], list[Problem]]:
    """Planes with their channels named by stain.

    Parameters
    ----------
    planes
        Planes with `channel` as written and `number`.
    channel
        Name as written (or `ch2`, `w2`) -> what the user says it is.
    skip
        Names as written (or `ch2`, `w2`) that the user leaves out.
    fixed
        Name as written -> stain, where the data set fixes it.
    where
        The sources, for sentences.

    Returns
    -------
    planes : pandas.DataFrame
        Those that stay, with `channel` by stain.
    notes : list[str]
        Sentences to show.
    problems : list[Problem]
        Sentences 4 and 5 of the borders.

    """
    code, several = coded_rows(planes, [schema.BATCH, schema.PLATE, schema.CHANNEL, NUMBER])
    rows = pd.DataFrame(several, columns=["batch", "plate", "name", "number"])
    aliases = [_aliases(name, number) for name, number in zip(rows["name"], rows["number"], strict=True)]
    problems = _unused([*channel, *skip], aliases, list(dict.fromkeys(rows["name"])), where)
    stains = {name: stain_of(value) for name, value in channel.items()}
    said = _asked_names([*channel, *skip], aliases)
    stains = {said[name]: stain for name, stain in stains.items()}
    rows["said"] = [next((stains[a] for a in own if a in stains), "") for own in aliases]
    rows["stain"] = [
        own or fixed.get(name) or schema.channel_name(name) or "" for own, name in zip(rows["said"], rows["name"], strict=True)
    ]
    left = {said[name] for name in skip}
    rows["out"] = [any(a in left for a in own) for own in aliases]
    notes = _skipped(rows)
    notes += _leave_bright_field(rows)
    problems += _unknown(rows, where)
    problems += _doubled(rows, where)
    rows.loc[rows["stain"] == "", "stain"] = rows["name"]
    notes += _spelled(rows[~rows["out"]])
    if len(rows) and rows["out"].all():
        names = ", ".join(dict.fromkeys(rows["name"]))
        problems.append(Problem(f"{where}: every channel is left out ({names}); keep one: leave out its --skip-channel, or name its stain"))
    stay = ~rows["out"].to_numpy()[code.codes]
    return kept(planes.assign(channel=recoded(code, dict(enumerate(rows["stain"])))), stay), notes, problems


def _aliases(name: str, number: str) -> tuple[str, ...]:
    return (name, f"ch{int(number)}", f"w{int(number)}") if number.isdecimal() else (name,)


def _asked_names(asked: Collection[str], aliases: Sequence[tuple[str, ...]]) -> dict[str, str]:
    """What the user calls a channel -> a name that it has; `C1`, `c01` and `Ch 1` are `w1` where no channel is called so."""
    known = {alias for own in aliases for alias in own}
    by_number = {name: f"w{int(match[1])}" for name in asked if (match := _NUMBERED.fullmatch(name))}
    return {name: name if name in known else by_number.get(name, name) for name in asked}


def _unused(asked: Sequence[str], aliases: Sequence[tuple[str, ...]], names: Sequence[str], where: str) -> list[Problem]:
    known = {alias for own in aliases for alias in own}
    meant = _asked_names(asked, aliases)
    return [Problem(f"{where}: there is no channel {n!r}; it has {', '.join(map(repr, names))}") for n in asked if meant[n] not in known]


def _skipped(rows: pd.DataFrame) -> list[str]:
    names = sorted(set(rows.loc[rows["out"], "name"]))
    return [f"left out, as asked: {', '.join(names)}"] if names else []


def _leave_bright_field(rows: pd.DataFrame) -> list[str]:
    """Two or more bright-field planes of a plate are no stain that any feature stands for: left out unless the user named them."""
    bright = rows["stain"].isin(BRIGHT_FIELD) & (rows["said"] == "") & ~rows["out"]
    several = bright & (bright.groupby([rows["batch"], rows["plate"]]).transform("sum") > 1)
    if not several.any():
        return []
    rows.loc[several, "out"] = True
    names = sorted(set(rows.loc[several, "name"]))
    keep = shlex.quote(f"{names[0]}=Brightfield")
    return [f"left out as bright field: {', '.join(names)} (keep one with --channel {keep})"]


def _unknown(rows: pd.DataFrame, where: str) -> list[Problem]:
    unknown = sorted(set(rows.loc[(rows["stain"] == "") & ~rows["out"], "name"]))
    if not unknown:
        return []
    guesses = {name: _guess(name) for name in unknown}
    options = [word for name in unknown for word in ("--channel", f"{name}={guesses[name] or ANY}")]
    shown = shlex.join(options)
    usual = " (the usual panel; check yours)" if all(guesses.values()) else ""
    count = "1 channel is" if len(unknown) == 1 else f"{len(unknown)} channels are"
    return [
        Problem(
            f"{where}: {count} no stain's name: {', '.join(map(repr, unknown))}. Say what each is: {shown}{usual}, or --skip-channel NAME; "
            f"stains are {', '.join(schema.CHANNELS)}, or {OWN}NAME",
            tuple(options),
        )
    ]


def _guess(name: str) -> str:
    letters = "".join(letter for letter in name.lower() if letter.isalnum())
    parts = {"".join(c for c in part.lower() if c.isalnum()) for part in name.split(" - ")} | {letters}
    return next((stain for stain, filters in _PANEL.items() if parts & set(filters)), "")


def _doubled(rows: pd.DataFrame, where: str) -> list[Problem]:
    staying = rows[~rows["out"] & (rows["stain"] != "")].drop_duplicates(["batch", "plate", "name"])
    twice = staying[staying.duplicated(["batch", "plate", "stain"], keep=False)]
    if twice.empty:
        return []
    first = twice[(twice[["batch", "plate", "stain"]] == twice.iloc[0][["batch", "plate", "stain"]]).all(axis=1)]
    names = sorted(first["name"])
    option = ("--skip-channel", names[-1])
    return [
        Problem(
            f"{where}: {' and '.join(map(repr, names))} of plate {first['plate'].iloc[0]} are both {first['stain'].iloc[0]}; "
            f"call one of them otherwise (--channel NAME=STAIN) or leave it out: {shlex.join(option)}",
            option,
        )
    ]


def _spelled(rows: pd.DataFrame) -> list[str]:
    other = rows[rows["stain"] != rows["name"]].drop_duplicates(["stain", "name"]).sort_values(["stain", "name"])
    if other.empty:
        return []
    return ["channels: " + ", ".join(f"{stain} = {name}" for stain, name in zip(other["stain"], other["name"], strict=True))]
