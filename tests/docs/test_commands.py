"""Every command that README.md and docs show could be typed: its verb, its options, their values, and the files that it names are there.

Words in capitals, in angle brackets, with `...`, `$` or `@` stand for something of the reader's and are not looked up.
"""

from __future__ import annotations

import ast
import inspect
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from tests.docs.pages import PAGES, ROOT, Command, blocks, commands, name

import impasto as im
from impasto.cli import app
from impasto.correction import CORRECTORS
from impasto.evaluation import TASKS
from impasto.export import EXPORTERS

_OURS = ("recipes/", "data/", "examples/", "benchmarks/", "src/", "tests/", "docs/", "packaging/", "explorer/")
_FAMILIES = {("evaluate", "task"): TASKS, ("correct", "method"): CORRECTORS, ("export", "to"): EXPORTERS}
_PLACEHOLDER = re.compile(r"[A-Z][A-Z0-9_]*|.*[$@<>{}].*|.*\.\.\..*|\.+")
BY_PLUGIN = {"trimmed_centre", "reach", "centre"}
"""Names that the guides add, or that `examples/plugin` does."""


@cache
def verbs() -> Any:
    return typer.main.get_command(app)


@cache
def options(verb: str) -> tuple[Any, list[Any]]:
    """A verb, and its parameters with those of remote files."""
    group = verbs()
    context = group.make_context("impasto", ["doctor"], resilient_parsing=True)
    command = group.resolve_command(context, [verb])[1]
    return command, command.get_params(context)


def faults(words: tuple[str, ...]) -> list[str]:
    """What is wrong with a command; nothing where it could be typed."""
    program, *rest = words
    if program.endswith("/impasto") or program == "impasto":
        return of_impasto(rest) + files(rest)
    if program == "make":
        return of_make(rest)
    if words[:3] == ("python", "-m", "benchmarks") and len(words) > 3 and not words[3].startswith("-"):
        folder = ROOT / "benchmarks"
        known = re.findall(r'"([a-z]+)"', (folder / "__main__.py").read_text())
        return [] if words[3] in known else [f"no benchmark {words[3]}"]
    return files(rest)


def of_impasto(rest: list[str]) -> list[str]:
    while rest and rest[0].startswith("--"):
        if rest[0] not in {option for parameter in verbs().params for option in parameter.opts}:
            return [f"impasto has no {rest[0]}"]
        rest = rest[1:]
    if not rest or _PLACEHOLDER.fullmatch(rest[0]):
        return []
    verb, *words = rest
    if verb not in verbs().list_commands(None):
        return [f"no verb {verb}"]
    command, parameters = options(verb)
    known = {word: parameter for parameter in parameters for word in [*parameter.opts, *parameter.secondary_opts]}
    found, free, typed = [], [], {}
    while words:
        word, *words = words
        if not word.startswith("-") or _PLACEHOLDER.fullmatch(word):
            free.append(word)
            continue
        option, equals, value = word.partition("=")
        if option == "--help":
            continue
        if option not in known:
            return [*found, f"{verb} has no {option}"]
        parameter = known[option]
        if parameter.is_flag:
            continue
        if not equals and words:
            value, *words = words
        typed.setdefault(parameter.name, []).append(value)
        found += of_value(verb, parameter, value)
    arguments = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
    for parameter, value in zip(arguments, free, strict=False):
        found += of_value(verb, parameter, value)
    whole = not any("$" in word for word in free)  # a variable may hold options
    if whole and arguments and len(free) > len(arguments) and not any(parameter.nargs == -1 for parameter in arguments):
        found.append(f"{verb} takes no {free[-1]}")
    return found or of_keys(verb, free, typed)


def of_keys(verb: str, free: list[str], typed: dict[str, list[str]]) -> list[str]:
    """Keys of `--set` that the task, or none of the methods, takes."""
    keys = {key for pair in typed.get("changes", []) for key in [pair.partition("=")[0]] if not _PLACEHOLDER.fullmatch(key)}
    if verb == "evaluate" and free and free[0] in TASKS:
        known = set(inspect.signature(TASKS[free[0]]).parameters)
        return [f"{free[0]} has no setting {key}" for key in keys if key not in known and not key.startswith("columns.")]
    methods = [method for method in typed.get("method", []) if method in CORRECTORS]
    if verb == "correct" and methods and len(methods) == len(typed["method"]):
        own = {method: set(CORRECTORS[method].settings_class.model_fields) for method in methods}
        known = set().union(*own.values()) | {f"{method}.{key}" for method in methods for key in own[method]}
        return [f"{', '.join(methods)} has no setting {key}" for key in keys - known if not key.startswith("columns.")]
    return []


def of_value(verb: str, parameter: Any, value: str) -> list[str]:
    """A value that is none of the words, or no name of the family, that the option takes."""
    if not value or _PLACEHOLDER.fullmatch(value):
        return []
    shown = parameter.metavar or ""
    choices = shown.strip("[]{}.").split("|") if "|" in shown and shown.lower() == shown else []
    family = _FAMILIES.get((verb, parameter.name), choices)
    wrong = family and value not in family and value not in BY_PLUGIN
    return [f"{verb}: {value} is none of {', '.join(family)}"] if wrong else []


def of_make(rest: list[str]) -> list[str]:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    return [f"make has no {word}" for word in rest if not re.match(r"[A-Z]+=|-", word) and word not in targets]


def files(words: list[str]) -> list[str]:
    """Files of the repository that a command names."""
    named = [part for word in words for part in word.split("=", 1)[-1:] if part.startswith(_OURS) and not _PLACEHOLDER.fullmatch(part)]
    return [f"no file {path}" for path in named if not any(ROOT.glob(path))]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_the_commands_of_a_page_could_be_typed(page: Path) -> None:
    found = commands(page.read_text(encoding="utf-8"))
    assert [f"{name(page)}:{command.line}: {fault}" for command in found for fault in faults(command.words)] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_the_blocks_of_python_and_toml_of_a_page_can_be_read(page: Path) -> None:
    for block in blocks(page.read_text(encoding="utf-8")):
        if block.kind == "toml":
            tomllib.loads(block.text)
        if block.kind == "python" and not block.title:
            tree = ast.parse(block.text)
            assert [f"{name(page)}:{block.line}: {word}" for word in chains(tree) if not there(word)] == []


def chains(tree: ast.AST) -> set[str]:
    """Names that begin with `im.`, as far as they are the library's: `im.pp.select`."""
    return {f"im.{text}" for node in ast.walk(tree) if isinstance(node, ast.Attribute) and (text := _below(node))}


def _below(node: ast.expr) -> str:
    if not isinstance(node, ast.Attribute):
        return ""
    if isinstance(node.value, ast.Name):
        return node.attr if node.value.id == "im" else ""
    above = _below(node.value)
    return f"{above}.{node.attr}" if above in ("pp", "tl", "pl", "datasets") else ""


def there(word: str) -> bool:
    part: Any = im
    for attribute in word.split(".")[1:]:
        if not hasattr(part, attribute):
            return False
        part = getattr(part, attribute)
    return True


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("impasto corect P --method clip --out C", "no verb corect"),
        ("impasto correct P --metod clip --out C", "correct has no --metod"),
        ("impasto correct P --method clipp --out C", "clipp is none of"),
        ("impasto evaluate replicate P --out C", "replicate is none of"),
        ("impasto export P --to copair --out C", "copair is none of"),
        ("impasto evaluate hits P --precision float16 --out C", "float16 is none of"),
        ("impasto run recipes/no_such.toml --out runs/a", "no file recipes/no_such.toml"),
        ("X=1 impasto train recipes/cellclip.toml --profiles data/demo/no.parquet --out R", "no file data/demo/no.parquet"),
        ("impasto correct P --method tvn --set corall=efaar --out C", "tvn has no setting corall"),
        ("impasto evaluate hits P --set rat=0.1 --out C", "hits has no setting rat"),
        ("impasto fetch efficientnet_lite0 --cach C", "fetch has no --cach"),
        ("make demmo", "make has no demmo"),
        ("python -m benchmarks exploder", "no benchmark exploder"),
        ("impasto status DIR EXTRA more", "status takes no more"),
        ("make docs && impasto serch model", "no verb serch"),
    ],
)
def test_a_wrong_command_is_seen(line: str, fault: str) -> None:
    (found,) = [fault for command in commands(f"```bash\n{line}\n```") for fault in faults(command.words)]
    assert fault in found


def test_a_command_that_could_be_typed_is_none() -> None:
    prose = "A `impasto --keep-old export wells.parquet\n--to copairs --out DIR`.\n"
    text = prose + "```bash\nimpasto evaluate hits a.parquet \\\n  --out b --json  # c\n```"
    found = commands(text)
    assert found == [
        Command(("impasto", "evaluate", "hits", "a.parquet", "--out", "b", "--json"), 4),
        Command(("impasto", "--keep-old", "export", "wells.parquet", "--to", "copairs", "--out", "DIR"), 1),
    ]
    assert not [fault for command in found for fault in faults(command.words)]


def test_a_name_that_the_library_lacks_is_seen() -> None:
    tree = ast.parse("im.pp.select(ad); im.pp.selekt(ad); im.tl.hits(ad).scores.query('x'); im.nothing; ad.im.other")
    assert {word for word in chains(tree) if not there(word)} == {"im.pp.selekt", "im.nothing"}
