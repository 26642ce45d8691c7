"""Every fact has one owner: nobody spells anew what a well is, which wells may do what, or how a plate is told apart."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

SOURCES = Path(__file__).resolve().parent.parent / "src" / "impasto"
FACTS = {
    "the kinds of wells": (
        r"(isin\(|in |np\.isin\([^)]*)[\[(](schema\.)?(NEGCON|EMPTY|POSCON)\b|[=!]= ?(schema\.)?(NEGCON|POSCON|EMPTY)\b",
        {"wells/kind.py", "wells/words.py", "wells/flags.py", "schema.py"},
    ),
    "which wells are spared": (r"obs\[(schema\.)?SPARED\](?!\s*=[^=])|\[.spared.\](?!\s*=[^=])", {"wells/use.py", "correction/spared.py"}),
    "what is held out": (r"\[(schema\.)?SPLIT\].*[=!]= ?(\w+\.)?TRAIN\b", {"wells/use.py", "sampling/splits.py"}),
    "what merges two names": (r"\[(schema\.)?INCHIKEY\]", {"wells/treatment.py", "sampling/splits.py"}),
    "how a Parquet file is read": (r"pd\.read_parquet\(", {"border.py"}),
    "how a well is written": (r"\[A-[PZa-z].{0,12}\\d|parse_well\(", {"wells/places.py", "schema.py"}),
}
"""What -> a pattern that spells it, and the files that may. Simulated plates write these words, they do not ask for them."""


@pytest.mark.parametrize("fact", FACTS)
def test_only_the_owner_spells(fact: str) -> None:
    pattern, owners = FACTS[fact]
    spelled = [
        f"{path.relative_to(SOURCES)}:{number}: {line.strip()}"
        for path in sorted(SOURCES.rglob("*.py"))
        if str(path.relative_to(SOURCES)) not in owners and not path.is_relative_to(SOURCES / "simulate")
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if re.search(pattern, line)
    ]
    assert not spelled, f"{fact}: ask the owner ({', '.join(sorted(owners))})\n" + "\n".join(spelled)


def test_only_statistics_makes_intervals() -> None:
    pattern = r"quantile\(.*\.0?[29][57]5?|percentile\(.*(2\.5|97\.5)|\bppf\(|1\.96\b"
    made = [
        f"{path.relative_to(SOURCES)}:{number}: {line.strip()}"
        for path in sorted(SOURCES.rglob("*.py"))
        if not path.is_relative_to(SOURCES / "statistics")
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if re.search(pattern, line)
    ]
    assert not made, "an interval is made by impasto.statistics\n" + "\n".join(made)


def test_nothing_reaches_upwards_by_importing_at_run_time() -> None:
    # A name of a family, a namespace of `import impasto as im`, and packages that may not be installed.
    allowed = {"families.py", "__init__.py", "atlas/engines.py", "plates/containers.py", "verbs/doctor.py"}
    reaching = [
        str(path.relative_to(SOURCES))
        for path in sorted(SOURCES.rglob("*.py"))
        if re.search(r"\bimport_module\(|__import__\(", path.read_text()) and str(path.relative_to(SOURCES)) not in allowed
    ]
    assert not reaching


def test_every_text_says_its_encoding() -> None:
    # Python would take the system's own, cp1252 on Windows. `texts` is the owner; what others wrote says which it is.
    unsaid = []
    for path in sorted(SOURCES.rglob("*.py")):
        for call in (node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)):
            name = call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id if isinstance(call.func, ast.Name) else ""
            said = {word.arg for word in call.keywords}
            mode = [
                a.value
                for a in call.args
                if isinstance(a, ast.Constant) and isinstance(a.value, str) and re.fullmatch(r"[rwaxbt+]+", a.value)
            ]
            opens_text = name == "open" and any("b" not in m for m in mode) and ast.unparse(call.func) not in ("tarfile.open", "Image.open")
            pipes = "text" in said and ast.unparse(call.func).startswith("subprocess.")
            reads = name in ("read_text", "write_text") and "top_level.txt" not in ast.unparse(call)
            if (reads or opens_text or pipes or name == "TextIOWrapper") and "encoding" not in said:
                unsaid.append(f"{path.relative_to(SOURCES)}:{call.lineno}: {ast.unparse(call)[:90]}")
            if name == "write_text" and path.name not in ("texts.py", "machine.py"):
                unsaid.append(f"{path.relative_to(SOURCES)}:{call.lineno}: texts.write writes")
            if name == "to_csv" and call.args and path.name != "texts.py":
                unsaid.append(f"{path.relative_to(SOURCES)}:{call.lineno}: texts.write_csv writes")
    assert not unsaid, "\n".join(unsaid)
