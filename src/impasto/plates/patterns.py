r"""The pattern language of image names, and the presets in it (`presets.toml`).

A pattern is a regular expression over the end of a POSIX path, in either case, with words in braces:

    {source} {batch} {plate} {well} {row} {col} {wellnumber} {site} {channel} {depth} {time}

`{plate}/{well}_s{site}_w{channel}.tif` reads `P1/B02_s1_wDAPI.tif`. Digits in braces stay a count (`\d{3}`). A word that stands twice must
stand for the same text both times. Rows and columns beyond 1,536 wells do not match: a well is never invented.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from impasto import texts
from impasto.schema import COLUMN_PATTERN, ROW_PATTERN, WELL_PATTERN, InputError, nearest

_ROW_NUMBER = "(?:[1-9]|[12][0-9]|3[0-2])"
_COLUMN_OF_3 = "0(?:0[1-9]|[1-3][0-9]|4[0-8])"
WORDS = {
    "source": "[^/]+?",
    "batch": "[^/]+?",
    "plate": "[^/]+?",
    "well": WELL_PATTERN,
    "row": f"(?:0*{_ROW_NUMBER}|{ROW_PATTERN})",
    "col": f"0*{COLUMN_PATTERN}",
    "wellnumber": r"0*(?:[1-9]\d{0,2}|1[0-4]\d\d|15[0-2]\d|153[0-6])",
    "site": r"\d+",
    "channel": "[^/]+?",
    "depth": r"\d+",
    "time": r"\d+",
}
"""The words of the language -> what they match."""
_OF_PRESETS = {
    "prefix": ("prefix", "[^/]*?"),
    "number": ("number", r"\d{1,3}"),
    "rownumber": ("row", f"0*{_ROW_NUMBER}"),
    "rowletter": ("row", ROW_PATTERN),
    "row3": ("row", "0(?:0[1-9]|[12][0-9]|3[0-2])"),
    "col3": ("col", _COLUMN_OF_3),
    # A prefix may end in letters and digits (`E07_s15<UUID>`): where one may stand, a well has two digits.
    "wellof2": ("well", f"{ROW_PATTERN}(?:0[1-9]|[1-3][0-9]|4[0-8])"),
    # JPEG is no image to measure, and often a preview that lies beside one.
    "image": ("image", "(?:tiff?|png|jp2)"),
    # Its length tells it from the number before it: `_w1836B...` is w1 and an identifier.
    "uuid": ("uuid", "[0-9A-F]{8}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{12}"),
}
_BRACED = re.compile(r"\{([a-z][a-z0-9]*)\}")


@dataclass(frozen=True)
class Preset:
    """One way to build names.

    Attributes
    ----------
    name, title, example
        What it is called, whose it is, and a name that it matches.
    pattern
        As written, in the language above and a few words of the presets' own.
    channel
        How a channel known by its number is shown: `"ch{}"`.
    index
        The sidecar that says more: `"harmony"`, `"measurement"`, `"micromanager"`, `"columbus"`, `"ome"`, or `""`.
    stains
        The stains of channels 1, 2, ..., where the data set fixes them.

    """

    name: str
    title: str
    example: str
    pattern: str
    channel: str = "w{}"
    index: str = ""
    stains: tuple[str, ...] = ()

    @property
    def regex(self) -> re.Pattern[str]:
        """The compiled pattern; group 1 is the part of the path above the match."""
        return compiled(self.pattern)

    @property
    def parents(self) -> int:
        """How many folders above the file the pattern may speak of; -1: any number, where a user's pattern has a free `.*`."""
        return -1 if re.search(r"(?<!\\)\.[*+]", self.pattern) else self.pattern.count("/")


@cache
def compiled(pattern: str, /) -> re.Pattern[str]:
    """The regular expression of a pattern.

    Parameters
    ----------
    pattern
        In the language above.

    Returns
    -------
    re.Pattern[str]
        It has a group for each word; group 1 is the part of the path above the match.

    Raises
    ------
    InputError
        A word is not known, or the pattern is no regular expression.

    """
    taken: set[str] = set()

    def group(braced: re.Match[str]) -> str:
        word = braced[1]
        if word not in WORDS and word not in _OF_PRESETS:
            known = ", ".join(f"{{{w}}}" for w in WORDS)
            raise InputError(f"--pattern: there is no word {{{word}}}{nearest(word, WORDS)}; the words are {known}")
        name, expression = _OF_PRESETS.get(word) or (word, WORDS[word])
        if name in taken:
            return f"(?P={name})"
        taken.add(name)
        return f"(?P<{name}>{expression})"

    text = _BRACED.sub(group, pattern)
    try:
        return re.compile(rf"(?:(.*?)/)??{text}", re.IGNORECASE)
    except re.error as error:
        raise InputError(
            f"--pattern {pattern!r} is no regular expression ({error}); a bracket of the name itself is written \\( "
        ) from None


def own(pattern: str, /) -> Preset:
    """A user's pattern as a preset.

    Parameters
    ----------
    pattern
        In the language above.

    Returns
    -------
    Preset
        Named `pattern`.

    Raises
    ------
    InputError
        The pattern does not say the well, or is no pattern.

    """
    preset = Preset("pattern", "your pattern", "", pattern, channel="{}")
    words = preset.regex.groupindex
    if not {"well", "wellnumber"} & set(words) and not {"row", "col"} <= set(words):
        raise InputError(f"--pattern {pattern!r} does not say the well; it needs {{well}}, or {{row}} and {{col}}, or {{wellnumber}}")
    return preset


@cache
def presets() -> tuple[Preset, ...]:
    """The presets that come with the package.

    Returns
    -------
    tuple[Preset, ...]
        In the order of their priority.

    """
    text = texts.read(files("impasto.plates") / "presets.toml")
    tables = tomllib.loads(text)["preset"]
    return tuple(Preset(**{**table, "stains": tuple(table.get("stains", ()))}) for table in tables)
