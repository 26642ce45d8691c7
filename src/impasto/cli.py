"""The command line: the verbs, each a few lines. Whatever goes wrong ends in one sentence on standard error and an exit code."""

from __future__ import annotations

import io
import os
import platform
import signal
import sys
import traceback
from collections.abc import Sequence
from importlib import metadata
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from impasto import failures, texts, usage
from impasto.need import FORCE
from impasto.outputs import KEEP_OLD
from impasto.schema import InputError
from impasto.verbs import ABOUT, COMMANDS
from impasto.verbs.remote_options import Reading
from impasto.version import __version__

_OF_CTRL_C = 130


class _Caught(BaseException):
    """Carries an error of a verb past typer, which would end the process in its own words."""


class Verbs(TyperGroup):
    """The verbs by name. A verb's module is imported when the verb is run, not when it is listed.

    Contexts and commands are typed Any: some versions of typer use the package click, others their own copy of it.
    """

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the same wherever it is asked
        """The names, in the order of the data's path; verbs of plugins last."""
        return [*ABOUT, *(name for name in COMMANDS if name not in ABOUT)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """A verb as the list of verbs shows it."""
        if cmd_name not in COMMANDS:
            return None
        return TyperCommand(cmd_name, help=ABOUT[cmd_name]) if cmd_name in ABOUT else _whole(cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The whole verb that was asked for, with its options; an InputError where there is none of that name."""
        if args[0] not in COMMANDS and ctx.resilient_parsing:  # a shell completes a word that is not whole yet
            return super().resolve_command(ctx, args)
        try:
            return args[0], _whole(args[0]), args[1:]
        except InputError as error:
            raise InputError(f"{error}; see: impasto --help") from None

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        """Read the words before the verb."""
        if not args:
            return super().parse_args(ctx, args)  # help
        try:
            return super().parse_args(ctx, args)
        except usage.USAGE_ERROR as error:
            raise _Caught from usage.as_input_error(error, verb="")

    def invoke(self, ctx: Any) -> Any:
        """Read the words after the verb, and run it."""
        try:
            return super().invoke(ctx)
        except usage.USAGE_ERROR as error:
            raise _Caught from usage.as_input_error(error, verb=ctx.invoked_subcommand or "")
        except (EOFError, KeyboardInterrupt) as error:
            raise _Caught from error
        except OSError as error:
            if isinstance(error, BrokenPipeError):
                raise
            raise _Caught from error


def _whole(name: str) -> Any:
    alone = typer.Typer(add_completion=False, rich_markup_mode="markdown")
    alone.command(name, cls=Reading)(COMMANDS[name])
    return typer.main.get_command(alone)


app = typer.Typer(
    name="impasto",
    cls=Verbs,
    help="Cell Painting plates or CellProfiler tables in; corrected, searchable, honestly scored morphology out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


def _print_version(asked: bool) -> None:
    if not asked:
        return
    sys.stdout.write(f"impasto {__version__} (Python {platform.python_version()}, {platform.platform()}, torch {_torch()})\n")
    raise typer.Exit


def _torch() -> str:
    try:
        return metadata.version("torch")
    except metadata.PackageNotFoundError:
        return "not installed"


@app.callback()
def _root(
    debug: Annotated[bool, typer.Option("--debug", envvar="IMPASTO_DEBUG", help="Where something fails, print all that is known.")] = False,
    keep_old: Annotated[
        bool, typer.Option("--keep-old", help="A file of yours that stands where a result goes is renamed with the date, not refused.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Begin although more memory or disk is needed than is free.")] = False,
    version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the versions.")] = False,  # noqa: ARG001 - read by its callback
) -> None:
    """Cell Painting plates or CellProfiler tables in; corrected, searchable, honestly scored morphology out."""
    failures.DEBUG.set(debug)
    KEEP_OLD.set(keep_old)
    FORCE.set(force)


_FOR_ALL = ("--debug", "--keep-old", "--force")
"""What may be said of any verb, before or after its name."""


def for_all_first(arguments: Sequence[str], /) -> list[str]:
    """The arguments with what holds for all verbs before the verb, wherever it was written.

    Parameters
    ----------
    arguments
        The words of the command line, without the program.

    Returns
    -------
    list[str]
        The same words.

    """
    end = arguments.index("--") if "--" in arguments else len(arguments)
    before = [a for a in arguments[:end] if a in _FOR_ALL]
    return [*dict.fromkeys(before), *(a for a in arguments[:end] if a not in _FOR_ALL), *arguments[end:]]


def _speak() -> None:
    """Nothing that is printed can fail: a pipe gets UTF-8 (Windows would take cp1252), and names that are no text are escaped."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding=stream.encoding if stream.isatty() else texts.ENCODING, errors="backslashreplace")


def main() -> None:
    """Run the command line."""
    signal.signal(signal.SIGTERM, failures.terminate)
    _speak()
    sys.argv = [sys.argv[0], *for_all_first(sys.argv[1:])]
    try:
        app()
    except BaseException as error:
        if isinstance(error, SystemExit) and error.code != _OF_CTRL_C:
            raise
        failed = _what_failed(error)
        if failures.DEBUG.get() or os.environ.get("IMPASTO_DEBUG"):
            traceback.print_exception(failed)
        code, sentence = failures.code_and_sentence(failed)
        sys.stderr.write(f"impasto: {sentence}\n")
        if failures.is_full(failed):
            _end_at_once(code)
        sys.exit(code)


def _what_failed(error: BaseException) -> BaseException:
    """The error of a verb. Outside of a verb, typer ends a process that gets Ctrl-C in silence."""
    if isinstance(error, SystemExit):
        return KeyboardInterrupt()
    return error.__cause__ if isinstance(error, _Caught) and error.__cause__ is not None else error


def _end_at_once(code: int) -> NoReturn:
    """End without the libraries' own farewells: HDF5 would try once more to write what did not fit, and crash."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
