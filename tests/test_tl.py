"""`im.tl`: every task under its own signature, no torch, unlabelled wells left out."""

from __future__ import annotations

import inspect
import subprocess
import sys

import numpy as np
import pytest
from tests.evaluation.small import plates

from impasto import tl
from impasto.evaluation import TASKS
from impasto.schema import InputError


@pytest.mark.parametrize("task", list(TASKS))
def test_a_task_is_its_function_with_typed_settings_by_keyword_only(task: str) -> None:
    function = getattr(tl, task.replace("-", "_"))
    assert function is TASKS[task]
    first, *settings = inspect.signature(function).parameters.values()
    assert first.kind is first.POSITIONAL_ONLY
    assert all(s.kind is s.KEYWORD_ONLY and s.annotation is not s.empty for s in settings)
    assert "Parameters" in (function.__doc__ or "")
    assert all(f"    {s.name}\n" in (function.__doc__ or "") for s in settings), task


def test_a_task_added_in_python_is_a_tool_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TASKS, "_added", {})
    TASKS.add("my-own", tl.replicates)
    assert tl.my_own is tl.replicates
    assert "my_own" in dir(tl)
    with pytest.raises(AttributeError, match=r"impasto\.tl has no 'replicate' \(did you mean 'replicates'\?\); it has .*my_own"):
        assert tl.replicate


def test_ten_perturbations_among_unlabelled_wells() -> None:
    data = plates(unlabelled=8)
    assert tl.replicates(data).per_group["perturbation"].tolist() == list("abcd")
    assert tl.hits(data, draws=20).per_group["perturbation"].tolist() == list("abcd")


def test_scoring_imports_no_torch() -> None:
    code = "import sys; from impasto import tl; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_flat_map_is_seeded_and_written_as_scanpy_does() -> None:
    pytest.importorskip("umap")
    data = plates()
    assert tl.umap(data, seed=1) is None
    again = tl.umap(plates(), seed=1, copy=True)
    assert again is not None
    assert data.obsm["X_umap"].shape == (54, 2)
    np.testing.assert_array_equal(data.obsm["X_umap"], again.obsm["X_umap"])
    with pytest.raises(InputError, match="umap needs four rows"):
        tl.umap(data[:3].copy())


def test_umap_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impasto.atlas.layout.has_umap", lambda: False)
    with pytest.raises(InputError, match="pip install 'impasto\\[plots\\]'"):
        tl.umap(plates())


def test_a_map_has_the_neighbours_and_the_distance_of_umap_learn_unless_asked() -> None:
    umap = pytest.importorskip("umap")
    ours, theirs = inspect.signature(tl.umap).parameters, inspect.signature(umap.UMAP.__init__).parameters
    assert ours["k"].default == theirs["n_neighbors"].default == 15
    assert ours["min_distance"].default == theirs["min_dist"].default == 0.1
    assert (ours["seed"].default, ours["copy"].default) == (0, False)
