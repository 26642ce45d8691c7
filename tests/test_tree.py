"""`tests/` mirrors `src/`: `src/impasto/X/y.py` is tested by `tests/X/test_y.py`."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "impasto"
MIRRORED = (
    "sampling",
    "joint",
    "pretrain",
    "perturbations",
    "atlas",
    "training",
    "nets",
    "losses",
    "profiling",
    "export",
    "wells",
    "identity",
    "profiles",
    "ranking",
    "stored.py",
    "outputs.py",
)
"""The packages that keep to it; others join the list as they do."""
ALLOWED = {
    *(f"export/{name}.py" for name in ("cellprofiler", "copairs", "exporter", "mantispy", "pycytominer")),  # tests/export/test_export.py
    "pretrain/few_shot.py",  # tests/evaluation/test_fine_tuning.py
}
"""Files of these packages without a test of their own, and where they are tested."""


def without_a_test(packages: tuple[str, ...]) -> set[str]:
    files = [f for name in packages for f in ([SOURCE / name] if name.endswith(".py") else sorted((SOURCE / name).rglob("*.py")))]
    inside = [file.relative_to(SOURCE) for file in files if file.name != "__init__.py"]
    return {str(file) for file in inside if not (ROOT / "tests" / file.parent / f"test_{file.name}").exists()}


def test_every_file_has_its_mirror() -> None:
    missing = without_a_test(MIRRORED)
    assert not missing - ALLOWED, "add tests/X/test_y.py for each src/impasto/X/y.py"
    assert not ALLOWED - missing, "these have a test now; take them off the list"
