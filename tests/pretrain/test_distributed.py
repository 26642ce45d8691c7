"""Two gloo processes under the one loop train every method on every encoder to what one process would.

Batch norm (of heads and of a ResNet), sharpening, contrasts and entropy see the rows of both.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tests import ranks
from tests.pretrain import every_method

from impasto.schema import InputError
from impasto.training.feeding import shares_of

pytestmark = [
    pytest.mark.skipif(not torch.distributed.is_available(), reason="this torch has no torch.distributed"),
    pytest.mark.timeout(900),
]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs of one process and those of two, in the folders `one` and `two`."""
    base = tmp_path_factory.mktemp("ranks")
    command = [sys.executable, every_method.__file__]
    subprocess.run([*command, str(base / "one")], check=True, capture_output=True)
    ranks.run([*command, str(base / "two")], patience=800)
    return base


@pytest.mark.parametrize(("name", "encoder"), every_method.ALL)
def test_two_processes_equal_one(trained: Path, name: str, encoder: str) -> None:
    runs = [trained / count / f"{name}-{encoder}" for count in ("one", "two")]
    lines = [[json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()] for run in runs]
    assert [line["step"] for line in lines[0]] == [2]
    for one, two in zip(*lines, strict=True):
        timing = {"rows_per_second", "images_per_second", "device_hours"}
        assert one.keys() == two.keys()
        for key in one.keys() - timing:
            # The rank of embeddings is computed in float32.
            close = pytest.approx(one[key], rel=1e-5 if key == "embedding_rank" else 1e-6) if not isinstance(one[key], list) else one[key]
            assert two[key] == close, key
    weights, others = (load_file(run / "model.safetensors") for run in runs)
    assert weights.keys() == others.keys()
    for key, weight in weights.items():
        if weight.is_floating_point():
            torch.testing.assert_close(others[key], weight, rtol=1e-5, atol=1e-7, msg=lambda text, key=key: f"{key}: {text}")


@pytest.mark.parametrize(("name", "encoder"), every_method.ALL)
def test_every_trained_weight_gets_a_gradient(name: str, encoder: str) -> None:
    # Several processes wait for the gradients of all weights that move.
    method = every_method.made(name, encoder).train()
    feed = every_method.Random(method, focal=name == "msn")
    method(feed.minibatch(feed.epoch(0)[0], epoch=0)).loss.backward()
    assert [key for key, weight in method.named_parameters() if weight.requires_grad and weight.grad is None] == []


def test_a_minibatch_that_cannot_be_shared_is_a_sentence() -> None:
    import numpy as np

    assert [rows.tolist() for rows in shares_of(np.arange(5), 2, equal=False)] == [[0, 2, 4], [1, 3]]
    with pytest.raises(InputError, match=r"a minibatch of 5 rows cannot be shared evenly by 2 processes.*a multiple of 2"):
        shares_of(np.arange(5), 2, equal=True)
    with pytest.raises(InputError, match="a minibatch of 1 rows cannot be shared by 2 processes; start fewer"):
        shares_of(np.arange(1), 2, equal=False)
