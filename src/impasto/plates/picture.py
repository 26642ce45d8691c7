"""A picture of a plate in text: what is in each well, what is missing, what is doubled."""

from __future__ import annotations

import pandas as pd
from rich.text import Text

from impasto import schema
from impasto.wells import place

_GLYPHS = {
    schema.NEGCON: ("N", "bold blue"),
    schema.POSCON: ("P", "bold magenta"),
    schema.TRT: ("o", "green"),
    schema.EMPTY: ("-", "dim"),
    schema.UNKNOWN: ("?", "yellow"),
}
_PRESENT, _NO_DATA, _INCOMPLETE = ("o", "green"), (".", "dim"), ("!", "bold red")
_FORMATS = ((8, 12), (16, 24), (32, 48))


def draw(wells: pd.DataFrame, /, *, plate: str) -> Text:
    """The picture of one plate.

    Parameters
    ----------
    wells
        One row a well of the plate: `well`, and where known `control_type` and `complete`. `complete` is False where a site or a channel
        is missing or an image is doubled.
    plate
        Its name.

    Returns
    -------
    Text
        A title, and a letter a well on the smallest plate that holds all of them. `LEGEND` says what the letters mean.

    """
    places = dict(zip(zip(*map(list, place(wells)), strict=True), wells.to_dict(orient="records"), strict=True))
    rows, columns = next(f for f in _FORMATS if all(r < f[0] and c < f[1] for r, c in places))
    text = Text(f"{plate}: {len(places)} of {rows * columns} wells\n", style="bold")
    text.append(
        "    " + "".join(f"{c + 1:<3d}" if columns <= 24 or c % 2 == 0 else "   " for c in range(columns)).rstrip() + "\n", style="dim"
    )
    for row in range(rows):
        text.append(f"{schema.format_well(row, 0)[:-2]:>3} ", style="dim")
        for column in range(columns):
            glyph, style = _glyph(places.get((row, column)))
            text.append(f"{glyph}  ", style=style)
        text.append("\n")
    return text


def _glyph(row: dict[str, object] | None) -> tuple[str, str]:
    if row is None:
        return _NO_DATA
    if row.get("complete") is False:
        return _INCOMPLETE
    return _GLYPHS.get(str(row.get(schema.CONTROL_TYPE)), _PRESENT)


LEGEND = Text.assemble(
    *(
        part
        for glyph, word in ((_GLYPHS[schema.NEGCON], "negative control"), (_GLYPHS[schema.POSCON], "positive control"))
        for part in (glyph, f" {word}   ")
    ),
    _PRESENT,
    " treated   ",
    _GLYPHS[schema.UNKNOWN],
    " unknown   ",
    _NO_DATA,
    " no data   ",
    _INCOMPLETE,
    " a channel or site is missing",
)
