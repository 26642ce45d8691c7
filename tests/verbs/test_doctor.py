"""`impasto doctor`: a package that lacks, is too old or cannot be imported is named with what helps."""

from __future__ import annotations

import json
import sys
from importlib import metadata
from pathlib import Path

import pytest
from typer.testing import CliRunner

from impasto.cli import app
from impasto.verbs import doctor


def test_it_says_what_this_machine_has(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path))
    done = CliRunner().invoke(app, ["doctor", "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["impasto"] == metadata.version("impasto")
    assert found["cores"] >= 1
    assert found["disk_free"] > 0
    assert {package["name"] for package in found["packages"]} >= {"numpy", "torch", "anndata"}
    assert all(package["works"] for package in found["packages"])
    assert set(found["extras"]) == set(doctor.FOR)
    assert found["extras"]["chem"][0]["name"] == "rdkit"


def test_every_extra_of_users_says_what_it_gives() -> None:
    extras = set(metadata.metadata("impasto").get_all("Provides-Extra") or [])
    assert extras - set(doctor.FOR) == {"test", "lint", "docs", "peers"}
    assert set(doctor.FOR) <= extras


def installed(folder: Path, name: str, version: str, code: str) -> None:
    """A made-up package."""
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text(code, encoding="utf-8")
    described = folder / f"{name}-{version}.dist-info"
    described.mkdir()
    (described / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
    (described / "RECORD").write_text(f"{name}/__init__.py,,\n", encoding="utf-8")


def test_what_does_not_work_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(tmp_path, "doctor_good", "2.0", "")
    installed(tmp_path, "doctor_old", "1.0", "")
    installed(tmp_path, "doctor_broken", "2.0", "raise OSError('libgomp.so.1 is missing')")
    monkeypatch.syspath_prepend(str(tmp_path))
    lines = [f"doctor_{name}>=2" for name in ("good", "old", "broken", "absent")] + ["doctor_elsewhere; sys_platform == 'other'"]
    monkeypatch.setattr(doctor.metadata, "requires", lambda _: lines)
    found = {package.name: package for package in doctor.packages()}
    assert list(found) == ["doctor_absent", "doctor_broken", "doctor_good", "doctor_old"]
    assert found["doctor_good"].works
    assert found["doctor_old"].why_not == ">=2 is needed"
    assert found["doctor_broken"].why_not == "cannot be imported (OSError: libgomp.so.1 is missing)"
    assert found["doctor_absent"].why_not == "not installed"
    assert [found[name].works for name in ("doctor_old", "doctor_broken", "doctor_absent")] == [False] * 3
    done = CliRunner().invoke(app, ["doctor"])
    assert "pip install 'doctor_old>=2'" in " ".join(done.output.split())
    assert "1 of 4 packages" in done.output
    for name in ("doctor_good", "doctor_old", "doctor_broken"):
        sys.modules.pop(name, None)
