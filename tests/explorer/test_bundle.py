"""The committed page is the build of the committed sources, of packages whose licences allow it. Needs no node."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "explorer"
STATIC = ROOT / "src" / "impasto" / "explorer" / "static"
BESIDE = ["build.mjs", "package-lock.json", "package.json", "tsconfig.json"]
LICENCES = {"MIT", "ISC", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0"}


@pytest.fixture(scope="module")
def record() -> Any:
    return json.loads((STATIC / "build.json").read_text())


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_page_was_built_from_these_sources(record: Any) -> None:
    found = [path.relative_to(SOURCES).as_posix() for path in (SOURCES / "src").rglob("*") if path.is_file()]
    stale = "the page is older than its sources; run in explorer/: npm ci && npm run build"
    assert record["sources"] == {name: _sha256(SOURCES / name) for name in [*found, *BESIDE]}, stale


def test_nobody_edited_the_built_files(record: Any) -> None:
    assert record["files"] == {name: _sha256(STATIC / name) for name in ["app.css", "app.js", "index.html", "NOTICES.txt"]}


def test_bundled_packages_are_pinned_and_free(record: Any) -> None:
    lock = json.loads((SOURCES / "package-lock.json").read_text())["packages"]
    notices = (STATIC / "NOTICES.txt").read_text()
    assert {package["name"] for package in record["packages"]} == {
        "@preact/signals",
        "@preact/signals-core",
        "@uwdata/flechette",
        "preact",
    }
    for package in record["packages"]:
        locked = lock[f"node_modules/{package['name']}"]
        assert locked["version"] == package["version"]
        assert locked["integrity"].startswith("sha512-")
        assert package["license"] in LICENCES
        assert f"{package['name']} {package['version']} ({package['license']})" in notices


def test_every_version_is_exact() -> None:
    wanted = json.loads((SOURCES / "package.json").read_text())
    versions = {**wanted["dependencies"], **wanted["devDependencies"]}
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions.values()), versions


@pytest.mark.parametrize(("name", "most"), [("app.js", 60), ("app.css", 6)])
def test_the_page_is_small(name: str, most: int) -> None:
    assert len(gzip.compress((STATIC / name).read_bytes(), 9)) <= most * 1024


def test_the_page_asks_nobody_else_and_makes_no_code_from_strings() -> None:
    app = (STATIC / "app.js").read_text()
    addresses = set(re.findall(r"https?://[^\s\"'`)]+", app + (STATIC / "app.css").read_text() + (STATIC / "index.html").read_text()))
    assert all(address.startswith("http://www.w3.org/") for address in addresses), addresses
    assert not re.search(r"\beval\(|new Function\(|\bFunction\(", app)
    assert "</script" not in app
