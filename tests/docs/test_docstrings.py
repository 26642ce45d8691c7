"""Docstrings of public functions, classes and methods: NumPy sections, short sentences, names that say what is held.

The source is read, not imported. A private name needs no docstring. A property needs one line. A method that a base class of impasto
documents needs none of its own. The first line under `Returns` is a type, since mkdocstrings prints it in the column of types.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.docs.test_prose import DIALECT, LONGEST, sentences, words

SOURCES = Path(__file__).resolve().parents[2] / "src" / "impasto"
EXEMPT = {
    "nets/encoders/resnet.py",
    # Public names that others read: `Join.found`, `Found`, a parameter `found`, and functions called `told`.
    *("annotation.py", "plates/ingest.py", "plates/read.py", "plates/reader.py", "plates/remote_files.py"),
}
OVERRIDDEN = {"TyperGroup", "TyperCommand"}
"""Classes of typer; what their methods take and give stands in its documentation."""
VAGUE = re.compile(r"^_?(found|told|met|mine|dealt|anew|every|this|theirs|theirs_?|kept)$", re.IGNORECASE)
"""Names of variables that do not say what is held."""
STORED = {"kept"}
"""A field of `Select` that folders of fitted steps name."""
_HEADER = re.compile(r"^(?P<name>[A-Z][a-z]+)\n-{3,}\n", re.MULTILINE)
_PROSE_RAISES = re.compile(r"\b(Raises|Raise) [A-Z]\w*(Error|Image)\b")
Callables = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Doc:
    """A docstring in parts: what stands before the first section, and the text of each section."""

    lead: str
    sections: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str) -> Doc:
        lead, *rest = _HEADER.split(inspect.cleandoc(text))
        return cls(lead, dict(zip(rest[::2], rest[1::2], strict=True)))

    def names(self, section: str) -> set[str]:
        """The names that a section lists, at the left margin."""
        lines = [line for line in self.sections.get(section, "").splitlines() if line and not line[0].isspace()]
        return {name.strip().lstrip("*") for line in lines for name in line.split(":")[0].split(",")}

    def described(self, section: str) -> bool:
        """Whether every name of a section has an indented text below."""
        lines = [line for line in self.sections[section].splitlines() if line.strip()]
        return all(below[:1].isspace() for line, below in zip(lines, [*lines[1:], "x"], strict=True) if not line[0].isspace())


def files() -> list[Path]:
    return [path for path in sorted(SOURCES.rglob("*.py")) if str(path.relative_to(SOURCES)) not in EXEMPT]


def _last_name(node: ast.expr) -> str:
    inner = node.value if isinstance(node, ast.Subscript) else node
    return inner.attr if isinstance(inner, ast.Attribute) else inner.id if isinstance(inner, ast.Name) else ""


def classes() -> dict[str, ast.ClassDef]:
    """All classes of impasto by name, to follow what they inherit."""
    trees = (ast.parse(path.read_text()) for path in SOURCES.rglob("*.py"))
    return {node.name: node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}


CLASSES = classes()


PROTOCOLS = [node for node in CLASSES.values() if "Protocol" in map(_last_name, node.bases)]


def inherits(owner: ast.ClassDef, method: str) -> bool:
    """Whether a base class of impasto documents this method, or a protocol whose methods this class has, all of them."""
    contracts = [protocol for protocol in PROTOCOLS if protocol is not owner and _methods(protocol) <= _methods(owner)]
    return any(_documents(node, method) for base in (*_bases(owner), *contracts) for node in base.body)


def _bases(owner: ast.ClassDef) -> Iterator[ast.ClassDef]:
    for name in map(_last_name, owner.bases):
        if name in CLASSES:
            yield CLASSES[name]
            yield from _bases(CLASSES[name])


def _methods(node: ast.ClassDef) -> set[str]:
    return {part.name for part in node.body if isinstance(part, Callables)}


def _documents(node: ast.stmt, method: str) -> bool:
    return isinstance(node, Callables) and node.name == method and ast.get_docstring(node) is not None


def of_a_verb(tree: ast.Module) -> set[str]:
    """The functions that a module gives to `Verb` or `options.command`, whose fields say what each takes, gives and raises."""
    calls = [node.value for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call)]
    given = [key.value for call in calls if _last_name(call.func) in ("Verb", "command") for key in call.keywords]
    return {value.id for value in given if isinstance(value, ast.Name)}


def problems(tree: ast.Module) -> Iterator[str]:
    """What is missing in the docstrings of a module."""
    said_once = of_a_verb(tree)
    for node in tree.body:
        if isinstance(node, Callables) and node.name in said_once:
            yield from [f"{node.name}: no docstring"] if ast.get_docstring(node) is None else []
        elif isinstance(node, Callables) and not node.name.startswith("_"):
            yield from of_callable(node, node.name)
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from of_class(node)


def of_class(node: ast.ClassDef) -> Iterator[str]:
    text = ast.get_docstring(node)
    if text is None:
        yield f"{node.name}: no docstring"
        return
    doc = Doc.of(text)
    for part in node.body:
        if isinstance(part, Callables) and part.name == "__init__":
            yield from missing(parameters(part), doc, "Parameters", node.name)
        elif isinstance(part, Callables) and (part.name == "__call__" or not part.name.startswith("_")):
            yield from of_method(node, part)
    if any(_last_name(d.func if isinstance(d, ast.Call) else d) == "dataclass" for d in node.decorator_list):
        explained = {a.target.id for a, b in zip(node.body, node.body[1:], strict=False) if _is_field(a) and _is_text(b)}
        own = [part.target.id for part in node.body if _is_field(part) and not part.target.id.startswith("_")]
        explained |= {name for base in _bases(node) for name in Doc.of(ast.get_docstring(base) or "").names("Attributes")}
        yield from missing([name for name in own if name not in explained], doc, "Attributes", node.name)


def _is_field(node: ast.stmt) -> bool:
    return isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def of_method(owner: ast.ClassDef, node: Callables) -> Iterator[str]:
    name = f"{owner.name}.{node.name}"
    if any(_last_name(d) in ("property", "cached_property") for d in node.decorator_list):
        if ast.get_docstring(node) is None and not inherits(owner, node.name):
            yield f"{name}: no docstring"
    elif {_last_name(base) for base in owner.bases} & OVERRIDDEN:
        yield from [f"{name}: no docstring"] if ast.get_docstring(node) is None else []
    elif ast.get_docstring(node) is not None or not inherits(owner, node.name):
        yield from of_callable(node, name)


def parameters(node: Callables) -> list[str]:
    arguments = [*node.args.posonlyargs, *node.args.args, node.args.vararg, *node.args.kwonlyargs, node.args.kwarg]
    return [a.arg for a in arguments if a is not None and a.arg not in ("self", "cls") and not a.arg.startswith("_")]


def of_callable(node: Callables, name: str) -> Iterator[str]:
    text = ast.get_docstring(node)
    if text is None:
        yield f"{name}: no docstring"
        return
    doc = Doc.of(text)
    yield from missing(parameters(node), doc, "Parameters", name)
    if node.returns is not None and ast.unparse(node.returns) != "None":
        yields = any(word in ast.unparse(node.returns) for word in ("Iterator", "Generator")) and "Yields" in doc.sections
        yield from of_returns(doc, "Yields" if yields else "Returns", name)
    classes_raised = {error for error in raised(node) if error.lstrip("_")[:1].isupper()}
    yield from missing(sorted(classes_raised), doc, "Raises", name)
    if raised(node) - classes_raised and not doc.names("Raises"):
        yield f"{name}: what it raises is made by a function, and Raises names no class"
    if _PROSE_RAISES.search(doc.lead) or _PROSE_RAISES.search(doc.sections.get("Returns", "")):
        yield f"{name}: what it raises stands under Raises, not in the prose"


def missing(names: list[str], doc: Doc, section: str, where: str) -> Iterator[str]:
    listed = doc.names(section)
    yield from (f"{where}: {section} does not list {name}" for name in names if name not in listed)
    if names and section in doc.sections and not doc.described(section):
        yield f"{where}: a name under {section} has no indented text below it"


def of_returns(doc: Doc, section: str, where: str) -> Iterator[str]:
    lines = [line for line in doc.sections.get(section, "").splitlines() if line.strip()]
    if len(lines) < 2 or lines[0][0].isspace() or not lines[1][0].isspace():
        yield f"{where}: {section} is a type on a line of its own, then an indented sentence"
        return
    try:
        ast.parse(lines[0].split(" : ")[-1], mode="eval")
    except SyntaxError:
        yield f"{where}: {section} begins with {lines[0]!r}, which is not a type"


def raised(node: Callables) -> set[str]:
    """The exceptions that the function itself raises by name, those of functions inside it left out."""
    names: set[str] = set()
    waiting: list[ast.AST] = list(node.body)
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, Callables | ast.Lambda):
            continue
        if isinstance(inner, ast.Raise) and isinstance(inner.exc, ast.Call):
            names.add(_last_name(inner.exc.func))
        waiting += ast.iter_child_nodes(inner)
    return names


def docstrings(tree: ast.Module) -> Iterator[str]:
    """All docstrings of a module, private ones too, and the texts below constants and fields."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | Callables):
            yield from (inspect.cleandoc(part.value.value) for part in node.body if _is_text(part))


def prose(text: str) -> str:
    """A docstring as paragraphs: no equations (indented before the first section), no names and types of sections."""
    doc = Doc.of(text)
    lines = [line if line[:4].strip() else "" for line in doc.lead.splitlines()]
    for section in doc.sections.values():
        lines += ["", *(line.strip() if line[:1].isspace() else "" for line in section.splitlines())]
    return "\n".join(lines)


@pytest.fixture(params=files(), ids=lambda path: str(path.relative_to(SOURCES)))
def tree(request: pytest.FixtureRequest) -> ast.Module:
    return ast.parse(request.param.read_text(encoding="utf-8"))


def test_what_is_public_is_documented(tree: ast.Module) -> None:
    assert list(problems(tree)) == []


def test_sentences_of_docstrings_are_short_and_plain(tree: ast.Module) -> None:
    own = [sentence for text in docstrings(tree) for sentence in sentences(prose(text))]
    assert [sentence for sentence in own if words(sentence) > LONGEST or DIALECT.search(sentence)] == []


def test_names_say_what_is_held(tree: ast.Module) -> None:
    stored = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    stored += [node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)]
    stored += [node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)]
    stored += [node.name for node in ast.walk(tree) if isinstance(node, Callables | ast.ClassDef)]
    assert sorted({name for name in stored if VAGUE.match(name)} - STORED) == []


WHOLE = '''
def take(rows: list[int], /, *, most: int) -> list[int]:
    """The first rows.

    Parameters
    ----------
    rows
        Numbers of rows.
    most
        How many.

    Returns
    -------
    list[int]
        The rows.

    Raises
    ------
    ValueError
        Where `most` is negative.

    """
    if most < 0:
        raise ValueError("negative")
    return rows[:most]
'''


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("", "", ""),
        ("most\n        How many.\n", "", "take: Parameters does not list most"),
        ("        How many.\n", "", "take: a name under Parameters has no indented text below it"),
        ("    list[int]\n        The rows.", "    The rows.", "take: Returns is a type on a line of its own, then an indented sentence"),
        ("    list[int]\n        The", "    a list\n        The", "take: Returns begins with 'a list', which is not a type"),
        ("    ValueError\n        Where `most` is negative.\n", "", "take: Raises does not list ValueError"),
        ("The first rows.", "The first rows. Raises ValueError.", "take: what it raises stands under Raises, not in the prose"),
    ],
)
def test_a_gap_is_noticed(before: str, after: str, problem: str) -> None:
    assert before in WHOLE
    assert list(problems(ast.parse(WHOLE.replace(before, after, 1) if before else WHOLE))) == [problem] * bool(problem)


CLASS = '''
@dataclass(frozen=True)
class Row:
    """A row.

    Attributes
    ----------
    plate
        Its plate.

    """

    plate: str
    well: str
    """Its well."""

    @property
    def name(self) -> str:
        """Plate and well."""
        return self.plate + self.well


class Net(nn.Module):
    """A net.

    Parameters
    ----------
    width
        Of a token.

    """

    def __init__(self, *, width: int) -> None:
        super().__init__()


class Grouped(Feed):
    """A feed by what it has: `epoch` and `minibatch`."""

    def epoch(self, number: int, /) -> list[int]:
        return []

    def _drawn(self, number: int) -> int:
        return number
'''


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("", "", ""),
        ('    """Its well."""\n', "", "Row: Attributes does not list well"),
        ("    plate\n        Its plate.\n", "", "Row: Attributes does not list plate"),
        ('        """Plate and well."""\n', "", "Row.name: no docstring"),
        ("    width\n        Of a token.\n", "", "Net: Parameters does not list width"),
        ("def epoch(", "def epochs(", "Grouped.epochs: no docstring"),
        ("class Grouped(Feed):", "class Grouped(nn.Module):", "Grouped.epoch: no docstring"),
    ],
)
def test_a_gap_of_a_class_is_noticed(before: str, after: str, problem: str) -> None:
    assert before in CLASS
    assert list(problems(ast.parse(CLASS.replace(before, after, 1) if before else CLASS))) == [problem] * bool(problem)


def test_equations_names_and_types_are_no_sentences() -> None:
    text = (
        "One line.\n\n    L = a + b, by far too long to read. For anybody.\n\nParameters\n----------\nrows : int\n    Numbers of rows.\n\n"
    )
    assert sentences(prose(text)) == ["One line.", "Numbers of rows."]
