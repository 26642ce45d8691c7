"""A card: a model that others publish, with its page, its licence and how it is read, as a small TOML file.

    name = "MorphEm"
    page = "https://huggingface.co/CaicedoLab/MorphEm"
    licence = "MIT"
    [encoder]
    encoder = "CaicedoLab/MorphEm"
    input = "gray1"

Nothing of the model ships with a card: its download and its licence are the user's.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import Field

from impasto import texts
from impasto.profiling.settings import EncoderSettings
from impasto.progress import say
from impasto.schema import InputError
from impasto.settings import Settings


class Card(Settings):
    """What a card says."""

    name: str
    page: str
    licence: str
    about: str = Field(default="", description="What a user should know before taking it.")
    encoder: EncoderSettings


def is_card(encoder: str, /) -> bool:
    """Whether an encoder's name is the file of a card.

    Parameters
    ----------
    encoder
        As the user wrote it.

    Returns
    -------
    bool
        True for a name that ends in .toml.

    """
    return encoder.endswith(".toml")


def read(path: Path, /) -> Card:
    """A card.

    Parameters
    ----------
    path
        Its file.

    Returns
    -------
    Card
        What it says.

    Raises
    ------
    InputError
        Where it cannot be read or says what no card does.

    """
    try:
        text = texts.read(path)
    except OSError as error:
        raise InputError(f"the card {path} cannot be read ({error.strerror}); give a .toml file as in docs/encoders") from None
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"the card {path} is no TOML: {error}") from None
    return Card.read(values, where=f"the card {path}")


def applied(settings: EncoderSettings, /) -> EncoderSettings:
    """The settings with what their card says, and a line that names the model's page and licence; as they are where there is no card.

    Parameters
    ----------
    settings
        Of an encoder whose name may be a card.

    Returns
    -------
    EncoderSettings
        Of the same class.

    Raises
    ------
    InputError
        Where a setting contradicts the card.

    """
    if not is_card(settings.encoder):
        return settings
    card = read(Path(settings.encoder))
    said = {field: getattr(card.encoder, field) for field in card.encoder.model_fields_set}
    for field, value in said.items():
        own = getattr(settings, field)
        default = EncoderSettings.model_fields[field].get_default(call_default_factory=True)
        if field not in ("encoder", "licence") and own not in (default, value):
            raise InputError(f"the card {settings.encoder} says {field} = {value}, and the command {own}; leave one of them out")
    say(f"  {card.name}: {card.licence}; see {card.page}")
    return settings.model_copy(update={**said, "licence": card.licence})
