"""The command line: the verbs, each a few lines. Bad input ends in one sentence on standard error and exit code 2."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from impasto import __version__
from impasto.schema import InputError
from impasto.verbs import ABOUT, COMMANDS


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
        """The whole verb that was asked for, with its options."""
        if args and args[0] in COMMANDS:
            return args[0], _whole(args[0]), args[1:]
        return super().resolve_command(ctx, args)


def _whole(name: str) -> Any:
    alone = typer.Typer(add_completion=False, rich_markup_mode="markdown")
    alone.command(name)(COMMANDS[name])
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
    if asked:
        sys.stdout.write(f"impasto {__version__}\n")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Cell Painting plates or CellProfiler tables in; corrected, searchable, honestly scored morphology out."""


def main() -> None:
    """Run the command line."""
    try:
        app()
    except InputError as error:
        sys.stderr.write(f"impasto: {error}\n")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.stderr.write("impasto: stopped; run the same command again to go on\n")
        sys.exit(130)
