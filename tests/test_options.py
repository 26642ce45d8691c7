"""The command line made from Settings: what a field says is what the shell takes, and every example in a help text can be typed."""

from __future__ import annotations

import inspect
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import typer
from pydantic import Field
from typer.testing import CliRunner

from impasto import cli, correction, evaluation, options
from impasto.schema import InputError
from impasto.settings import Settings, Shown
from impasto.verbs import ABOUT, COMMANDS
from impasto.verbs.remote_options import Reading


@pytest.mark.parametrize("verb", ["train", "profile", "embed", "search", "evaluate", "finetune"])
def test_every_verb_that_runs_a_net_takes_a_device_and_a_precision(verb: str) -> None:
    parameters = inspect.signature(COMMANDS[verb]).parameters
    assert {"device", "precision"} <= parameters.keys()


class Told(Settings):
    tables: Annotated[list[Path], Shown("argument", metavar="TABLES...")] = Field(description="What is read.")
    level: Literal["site", "well"] = Field(default="site", description="How fine.")
    labels: Annotated[list[str], Shown(name="label")] = Field(default_factory=list, description="Names.")
    channels: Annotated[list[str], Shown(separator=",")] = Field(default_factory=list)
    per_batch: int = Field(default=8, ge=1, description="Together.")
    share: float | None = None
    images: bool = True
    fast: bool = False
    table: dict[str, Any] = Field(default_factory=dict)
    hidden: Annotated[int, Shown("nowhere")] = 3


class Flags(options.Printing):
    out: Path = Field(description="Where to.")


def made(given: list[Any], **more: Any) -> typer.Typer:
    app = typer.Typer(add_completion=False)
    app.command()(
        options.command(
            "made", Told, Flags, run=lambda values, flags: given.append((values, flags)), about="Makes.", example="impasto made a", **more
        )
    )
    return app


def typed(*words: str) -> tuple[dict[str, Any], Flags]:
    given: list[Any] = []
    done = CliRunner().invoke(made(given), list(words))
    if isinstance(done.exception, Exception):
        raise done.exception
    assert done.exit_code == 0, done.output
    return given[0]  # type: ignore[no-any-return]


def test_only_what_is_typed_reaches_the_verb() -> None:
    values, flags = typed("a.csv", "--out", "o")
    assert values == {"tables": [Path("a.csv")]}
    assert flags == Flags(out=Path("o"))


def test_every_kind_of_field_is_read() -> None:
    words = (
        "a.csv b.csv --out o --level well --label x --label y --channels ch1=DNA,ch2=ER --per-batch 3 --share .5 --no-images --fast --json"
    )
    values, flags = typed(*words.split())
    assert values == {
        "tables": [Path("a.csv"), Path("b.csv")],
        "level": "well",
        "labels": ["x", "y"],
        "channels": ["ch1=DNA", "ch2=ER"],
        "per_batch": 3,
        "share": 0.5,
        "images": False,
        "fast": True,
    }
    assert flags.as_json
    settings = Told.read(values, where="impasto made")
    assert (settings.images, settings.hidden, settings.channels) == (False, 3, ["ch1=DNA", "ch2=ER"])


def test_help_says_what_the_fields_say() -> None:
    shown = CliRunner().invoke(made([], names={"labels": ["zeta", "alpha"]}), ["--help"], env={"COLUMNS": "200"}).output
    for words in (
        "TABLES...",
        "site|well",
        "How fine.",
        "(default: site)",
        "(default: 8)",
        "Names. One of alpha, zeta.",
        "--no-images",
        "--out",
    ):
        assert words in shown, words
    assert "--table" not in shown.replace("--tables", "")
    assert "hidden" not in shown


def test_a_recipe_may_say_what_must_be_told() -> None:
    given: list[Any] = []
    assert CliRunner().invoke(made(given), ["--out", "o"]).exit_code == 2
    assert CliRunner().invoke(made(given, from_recipe=True), ["--out", "o"]).exit_code == 0
    assert given[0][0] == {}


def test_json_stands_alone_on_standard_output() -> None:
    def run(_values: dict[str, Any], flags: Flags) -> None:
        options.progress.say("a sentence")
        sys.stdout.write(json.dumps({"json": flags.as_json}))

    app = typer.Typer(add_completion=False)
    app.command()(options.command("made", Settings, Flags, run=run, about="Makes.", example="impasto made"))
    assert json.loads(CliRunner().invoke(app, ["--out", "o", "--json"]).stdout) == {"json": True}
    # The next verb speaks again.
    assert not options.progress.spoken.stderr


def test_set_reads_nested_keys_and_json_values() -> None:
    assert options.parse_set(["columns.well=Well", "k=25", "exact=true"]) == {"columns": {"well": "Well"}, "k": 25, "exact": True}
    assert options.parse_set(["a=b=c", "n=null", 'text="5"']) == {"a": "b=c", "n": None, "text": "5"}
    with pytest.raises(InputError, match="is not key=value"):
        options.parse_set(["k"])
    with pytest.raises(InputError, match="'k' has a value already"):
        options.parse_set(["k=1", "k.more=2"])


def parameters(verb: str) -> dict[str, Any]:
    """Option or metavar -> whether a value follows it."""
    alone = typer.Typer(add_completion=False)
    alone.command(verb, cls=Reading)(COMMANDS[verb])
    whole = typer.main.get_command(alone)
    return {word: p for p in whole.get_params(typer.Context(whole)) for word in (*p.opts, *p.secondary_opts)}


EXAMPLES = [(verb, example) for verb in ABOUT for example in re.findall(r"`(impasto [^`]+)`", COMMANDS[verb].__doc__ or "")]


def test_every_verb_has_an_example() -> None:
    for verb in ABOUT:
        assert re.search(rf"Example: `impasto {verb}\b[^`]*`", COMMANDS[verb].__doc__ or ""), verb
        assert (COMMANDS[verb].__doc__ or "").startswith(ABOUT[verb])


@pytest.mark.parametrize(("verb", "example"), EXAMPLES)
def test_the_words_of_every_example_exist(verb: str, example: str) -> None:
    _, name, *words = shlex.split(example)
    if name != verb:  # a verb that another one mentions
        assert name in ABOUT
        return
    known = parameters(verb)
    assert all(word in known for word in words if word.startswith("--")), words
    settings = {f.name: f for f in known.values()}
    required = {p.name for p in settings.values() if p.required}
    typed_names = {known[w].name for w in words if w.startswith("--")}
    positional = [p for p in settings.values() if not any(o.startswith("-") for o in p.opts)]
    assert required <= typed_names | {p.name for p in positional}
    assert not positional or not words[0].startswith("--")


@pytest.mark.parametrize("verb", ABOUT)
def test_every_field_that_a_shell_can_write_has_help(verb: str) -> None:
    for word, parameter in parameters(verb).items():
        if parameter.name != "help":
            assert parameter.help, f"{verb} {word}"


@pytest.mark.parametrize("verb", [v for v in ABOUT if v not in ("explore", "atlas")])
def test_every_verb_that_prints_can_print_json(verb: str) -> None:
    assert "--json" in parameters(verb)


def test_names_in_help_are_those_of_the_families() -> None:
    runner, wide = CliRunner(), {"COLUMNS": "400"}
    helped = " ".join(runner.invoke(cli.app, ["correct", "--help"], env=wide).output.split())
    assert ", ".join(sorted(correction.CORRECTORS)) in helped
    helped = " ".join(runner.invoke(cli.app, ["evaluate", "--help"], env=wide).output.split())
    assert ", ".join(sorted(evaluation.TASKS)) in helped


CONTRACT = {
    "assay": ["--platemap", "--out", "--control", "--negcon", "--channel", "--encoder", "--dry-run", "--dose-unit", "--partial", "--json"],
    "doctor": ["--json"],
    "fetch": [
        "--list",
        "--plates",
        "--wells",
        "--parts",
        "--out",
        "--accept-licence",
        "--fetch-list",
        "--cache",
        "--offline",
        "--signed",
        "--json",
    ],
    "ingest": ["--platemap", "--out", "--dry-run", "--channels", "--depth", "--set"],
    "profile": ["--encoder", "--out", "--illumination", "--shards", "--runtime", "--quarantine", "--level"],
    "correct": ["--method", "--by", "--out", "--fitted", "--keep", "--spare", "--set", "--seed", "--json", "--shards", "--append"],
    "train": ["--profiles", "--sites", "--start", "--out", "--seed", "--set"],
    "import": ["--text", "--out", "--json"],
    "embed": ["--out"],
    "evaluate": ["--protocol", "--level", "--set", "--out", "--json", "--part", "--seed"],
    "search": ["--text", "--smiles", "--gene", "--well", "--image", "--top", "--json", "--through", "--rank"],
    "simulate": ["--out", "--seed", "--plan", "--images", "--no-images", "--set"],
    "report": ["--out", "--title", "--figures", "--png"],
    "run": ["--out", "--set", "--seed"],
    "graph": [
        "--string",
        "--string-names",
        "--hetionet",
        "--hetionet-nodes",
        "--pairs",
        "--images",
        "--stitch",
        "--stitch-inchikeys",
        "--unknown",
    ],
    "expression": ["--method", "--like", "--seed", "--set", "--json"],
    "finetune": ["--sites", "--profiles", "--out", "--set", "--json"],
    "table": ["--metric", "--title", "--json", "--out"],
    "panels": ["--label", "--colour", "--method", "--part", "--seed", "--out"],
    "index": ["--engine", "--seed", "--out", "--images", "--hits", "--features", "--pixel-um", "--dose-unit", "--title"],
    "map": ["--fitted", "--hits", "--licence", "--title", "--out", "--json"],
    "place": ["--on", "--top", "--spare", "--seed", "--out", "--json"],
    "explore": ["--port", "--host"],
    "atlas": ["--port", "--host"],
    "export": ["--to", "--out", "--feature-prefix", "--concentration-unit"],
    "check": ["--out", "--json", "--shards"],
    "status": ["--json"],
    "choose": ["--label", "--only", "--batch", "--set", "--json", "--out"],
    "montage": ["--perturbation", "--by", "--images", "--out", "--json"],
    "cells": ["--unit", "--platemap", "--negcon", "--set", "--out", "--json", "--shards", "--device"],
    "demo": ["--out"],
}


@pytest.mark.parametrize("verb", ABOUT)
def test_options_that_scripts_use_are_there(verb: str) -> None:
    assert set(CONTRACT[verb]) <= set(parameters(verb))


def test_the_example_of_simulate_runs(tmp_path: Path) -> None:
    words = shlex.split(dict(EXAMPLES)["simulate"])[2:]
    words[words.index("--out") + 1] = str(tmp_path / "simulated")
    done = CliRunner().invoke(cli.app, ["simulate", *words, "--no-images"])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "simulated" / "profiles.parquet").exists()
    record = json.loads((tmp_path / "simulated" / "run.json").read_text())
    assert (record["settings"]["plan"]["plates"], record["settings"]["plan"]["perturbations"], record["seed"]) == (1, 24, 1)


LIGHT = """
import sys
from impasto import cli
sys.argv = ["impasto", *{words!r}]
try:
    cli.main()
except SystemExit as ended:
    assert not ended.code
assert "torch" not in sys.modules, "torch was imported"
"""


def test_no_help_needs_torch() -> None:
    script = "\n".join(LIGHT.format(words=[verb, "--help"]) for verb in ABOUT)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_version_is_printed() -> None:
    from impasto import __version__

    assert CliRunner().invoke(cli.app, ["--version"]).output.startswith(f"impasto {__version__} (Python ")
