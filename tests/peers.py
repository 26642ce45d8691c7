"""Packages that are oracles of the tests, imported so that they change nothing for the tests that come after."""

from __future__ import annotations

import sys
import warnings
from typing import Any

import pytest


def peer(module: str, /) -> Any:
    """The module of a peer package; the test is skipped where it is not installed (`make peers`).

    efaar_benchmarking leaves importers of an old `six` behind, which know no `find_spec`: every later import would warn, and warnings are
    errors here. They are taken away again.
    """
    before = list(sys.meta_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = pytest.importorskip(module, reason=f"{module.split('.')[0]} is not installed (make peers, or pip install 'impasto[peers]')")
    sys.meta_path[:] = [importer for importer in sys.meta_path if importer in before or hasattr(importer, "find_spec")]
    return found
