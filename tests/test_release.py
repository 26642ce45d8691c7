"""What is said in more than one file of the release is the same: the version, what is asked for, what the workflows call."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

import impasto
from impasto.verbs import doctor

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WORKFLOWS = sorted((ROOT / ".github").rglob("*.yml"))


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def test_the_version_is_one() -> None:
    said = {
        yaml.safe_load(read("CITATION.cff"))["version"],
        re.search(r'^  version: "(.+)"$', read("packaging/conda/recipe.yaml"), re.MULTILINE)[1],  # type: ignore[index]
    }
    assert said == {impasto.__version__} == {metadata.version("impasto")}
    assert "version" not in PROJECT


def test_conda_asks_for_what_pip_asks_for() -> None:
    wanted = set()
    for line in PROJECT["dependencies"]:
        name, bounds = re.match(r"([\w.-]+)(.*)", line).groups()  # type: ignore[union-attr]
        wanted.add(f"{'pytorch' if name == 'torch' else name} {bounds}".strip())
    run = read("packaging/conda/recipe.yaml").split("  run:\n")[1].split("tests:")[0]
    assert {line.strip(" -") for line in run.splitlines() if line.strip()} == {*wanted, f"python {PROJECT['requires-python']}"}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_and_forms_can_be_read(path: Path) -> None:
    assert isinstance(yaml.safe_load(path.read_text(encoding="utf-8")), dict)


def test_workflows_call_what_there_is() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in WORKFLOWS)
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]+)", text)) <= targets
    extras = set(PROJECT["optional-dependencies"])
    for asked in re.findall(
        r"\[([a-z]+(?:,[a-z]+)+)\]", text + read("packaging/Dockerfile") + read("packaging/impasto.def") + read(".readthedocs.yaml")
    ):
        assert set(asked.split(",")) <= extras
    assert (ROOT / ".ci" / "run").exists()


def test_containers_take_the_torch_that_is_pinned() -> None:
    pinned = re.search(r"^torch==[\d.]+", read("constraints.txt"), re.MULTILINE)
    for path in ("packaging/Dockerfile", "packaging/impasto.def", ".readthedocs.yaml", "Makefile"):
        (asked,) = set(re.findall(r"torch==[\d.]+\d", read(path)))
        assert pinned is None or asked == pinned[0]


def test_every_licence_says_the_same() -> None:
    assert "BSD 3-Clause" in read("LICENSE") or "BSD-3-Clause" in read("LICENSE") or "Redistributions in binary form" in read("LICENSE")
    assert yaml.safe_load(read("CITATION.cff"))["license"] == PROJECT["license"] == "BSD-3-Clause"


def test_the_lowest_versions_are_those_that_are_promised() -> None:
    lines = read("constraints-lowest.txt").splitlines()[1:]
    pinned = {name.lower(): version for name, version in (line.split("==") for line in lines)}
    for line in PROJECT["dependencies"]:
        asked = Requirement(line)
        (floor,) = [Version(specifier.version) for specifier in asked.specifier if specifier.operator == ">="]
        version = Version(pinned[asked.name.lower()])
        assert asked.specifier.contains(version)
        # A minor version above it only where another package asks for it.
        assert version.release[:2] <= (floor.major, floor.minor) or asked.name in ("zarr", "packaging"), line


@pytest.mark.parametrize("extra", sorted(doctor.APART))
def test_an_environment_of_its_own_has_all_that_its_extra_asks_for(extra: str) -> None:
    pins = pinned(f"constraints-{extra}.txt")
    for line in [*PROJECT["dependencies"], *PROJECT["optional-dependencies"][extra]]:
        asked = Requirement(line)
        if asked.marker is None or asked.marker.evaluate({"extra": extra}):
            assert asked.specifier.contains(pins[asked.name.lower()]), line


def test_torchvision_is_in_no_environment_but_that_of_cellpose() -> None:
    having = [path.name for path in ROOT.glob("constraints*.txt") if "torchvision" in pinned(path.name)]
    assert having == ["constraints-cellpose.txt"]


def pinned(name: str) -> dict[str, str]:
    lines = [line.split("==") for line in read(name).splitlines() if "==" in line and not line.startswith("#")]
    return {package.lower().replace("_", "-"): version for package, version in lines} | {
        package.lower(): version for package, version in lines
    }
