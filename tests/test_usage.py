"""What is wrong in a command line ends in one sentence on standard error and exit code 2, never in a box."""

from __future__ import annotations

import sys

import pytest

from impasto import cli


def typed(words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """What a command line that cannot be read prints on standard error."""
    monkeypatch.setattr(sys, "argv", ["impasto", *words])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("impasto: ")
    assert printed.err.count("\n") == 1
    return printed.err.strip().removeprefix("impasto: ")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("evalute", "unknown verb 'evalute' (did you mean 'evaluate'?); allowed: assay, atlas, cells, check, "),
        ("-- evalute", "unknown verb 'evalute' (did you mean 'evaluate'?); allowed: assay, atlas, cells, check, "),
        ("index p --out o --enigne faiss", "index has no option '--enigne' (did you mean '--engine'?); see: impasto index --help"),
        ("index p --out o --engine=exact --sede 3", "index has no option '--sede' (did you mean '--seed'?); see: impasto index --help"),
        ("index p --out o -q", "index has no option '-q'; see: impasto index --help"),
        ("--debgu index p --out o", "impasto has no option '--debgu' (did you mean '--debug'?); see: impasto --help"),
        ("index p", "index needs --out (The folder of the index); see: impasto index --help"),
        ("index --out o", "index needs PROFILES (Profiles, or the output of impasto embed); see: impasto index --help"),
        ("index p --json", "index needs --out (The folder of the index); see: impasto index --help"),
        ("index p --out", "index: the option --out needs a value; see: impasto index --help"),
        ("index p --out o --json=3", "index: option '--json' does not take a value; see: impasto index --help"),
        ("--debug", "impasto: missing command; see: impasto --help"),
    ],
)
def test_a_command_line_that_cannot_be_read(
    line: str, sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = typed(line.split(), monkeypatch, capsys)
    assert said.startswith(sentence)
    assert said.endswith("--help")


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("index p --out o --seed three", ("index: the value of --seed is wrong: ", "valid integer", "; see: impasto index --help")),
        ("index p q --out o", ("index: got unexpected extra argument", "(q)", "; see: impasto index --help")),
        ("index p --out o --engine fais", ("unknown engine 'fais' (did you mean 'faiss'?); allowed: auto, exact, faiss, lance",)),
        ("profile d --out o --level wel", ("level is 'wel' (did you mean 'well'?)", "'site' or 'well'")),
    ],
)
def test_a_value_of_the_wrong_kind(
    line: str, parts: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = typed(line.split(), monkeypatch, capsys)
    assert all(part in said for part in parts), said


def test_a_shell_that_completes_half_a_verb_is_not_told_of_it() -> None:
    command = cli.typer.main.get_command(cli.app)
    context = command.make_context("impasto", ["evalu"], resilient_parsing=True)
    assert command.resolve_command(context, ["evalu"])[1] is None
