"""The command line: the verbs, each a few lines. Bad input ends in one sentence on standard error and exit code 2."""

from __future__ import annotations

import sys

import typer

from impasto.schema import InputError
from impasto.verbs import COMMANDS, command
from impasto.verbs.remote_options import Reading

app = typer.Typer(
    name="impasto",
    help="Cell Painting plates or CellProfiler tables in; corrected, searchable, honestly scored morphology out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


@app.callback()
def _root() -> None:
    """Cell Painting plates or CellProfiler tables in; corrected, searchable, honestly scored morphology out."""


for _name in COMMANDS:
    app.command(_name, cls=Reading)(command(_name))


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
