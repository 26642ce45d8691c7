"""What is wrong in a command line, in one sentence: the word, the nearest one, and the command that helps."""

from __future__ import annotations

from typing import Any

import typer

from impasto.schema import InputError, nearest

USAGE_ERROR: Any = typer.BadParameter.__mro__[1]
"""The base of what typer says of a command line. Some versions of typer take it from click, others have their own."""


def as_input_error(error: Any, /, *, verb: str) -> InputError:
    """A usage error as any other bad input.

    Parameters
    ----------
    error
        A `USAGE_ERROR`: an unknown option, a missing argument, a value of the wrong kind.
    verb
        The verb whose words were read; `""` for what stands before a verb.

    Returns
    -------
    InputError
        One sentence, which ends in the command that helps.

    """
    return InputError(f"{_sentence(error, verb or 'impasto')}; see: {f'impasto {verb}'.strip()} --help")


def _sentence(error: Any, verb: str) -> str:
    kind, parameter = type(error).__name__, getattr(error, "param", None)
    if kind == "NoSuchOption":
        known = [word for p in error.ctx.command.get_params(error.ctx) for word in (*p.opts, *p.secondary_opts)] if error.ctx else []
        return f"{verb} has no option {error.option_name!r}{nearest(error.option_name, [word for word in known if word.startswith('--')])}"
    if kind == "MissingParameter" and parameter is not None:
        purpose = f" ({parameter.help.rstrip('.')})" if getattr(parameter, "help", None) else ""
        return f"{verb} needs {_name(parameter)}{purpose}"
    words = " ".join(str(error.message).rstrip(".").split())
    words = words[:1].lower() + words[1:]
    if kind == "BadOptionUsage" and "requires" in words:
        return f"{verb}: the option {error.option_name} needs a value"
    return f"{verb}: {words}" if parameter is None else f"{verb}: the value of {_name(parameter)} is wrong: {words}"


def _name(parameter: Any) -> str:
    """A parameter as it is typed: `--out`, or the word that help shows for an argument."""
    options = [word for word in parameter.opts if word.startswith("-")]
    return max(options, key=len) if options else str(parameter.metavar or parameter.human_readable_name)
