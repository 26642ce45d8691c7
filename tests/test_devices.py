"""One owner of devices: what is allowed, what a GPU would be given, precision, processes, random states. No GPU is needed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from impasto import devices
from impasto.devices import DeviceSettings, Place
from impasto.schema import InputError

SOURCES = Path(devices.__file__).parent


class Gpus:
    """Pretends that torch sees some GPUs of one capability."""

    def __init__(self, patch: pytest.MonkeyPatch, *, count: int, capability: tuple[int, int] = (9, 0)) -> None:
        self.chosen: list[int | None] = []
        patch.setattr(torch.cuda, "is_available", lambda: count > 0)
        patch.setattr(torch.cuda, "device_count", lambda: count)
        patch.setattr(torch.cuda, "get_device_capability", lambda _=None: capability)
        patch.setattr(torch.cuda, "get_device_name", lambda _=None: "NVIDIA H100 PCIe")
        patch.setattr(torch.cuda, "set_device", self.chosen.append)


def test_nobody_else_asks_torch_about_gpus_and_ranks() -> None:
    asking = [
        f"{path.relative_to(SOURCES)}:{number}"
        for path in sorted(SOURCES.rglob("*.py"))
        if path.name != "devices.py"
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if re.search(r"torch\.cuda\.|LOCAL_RANK|WORLD_SIZE|init_process_group", line)
    ]
    assert asking == []


def test_alone_on_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    Gpus(monkeypatch, count=0)
    found = devices.place()
    assert (found.kind, found.index, found.rank, found.world, found.precision, found.compiled) == ("cpu", None, 0, 1, "float32", False)
    assert found.record() == {"device": "cpu", "ranks": 1, "precision": "float32", "compiled": False}
    assert devices.place(DeviceSettings(precision="bf16")).precision == "bf16"
    assert torch.get_float32_matmul_precision() == "high"
    devices.place()
    assert torch.get_float32_matmul_precision() == "highest"
    assert devices.place(compiled="auto").compiled is False
    assert devices.place(compiled="on").compiled is True
    assert devices.peak(found) is None
    assert devices.memory_peak(found) == 0.0


@pytest.mark.parametrize(
    ("device", "sentence"),
    [
        ("gpu", "unknown device 'gpu'; allowed: auto, cpu, cuda, cuda:N, mps"),
        ("cpu:1", "unknown device 'cpu:1'"),
        ("cuda:x", "unknown device 'cuda:x'"),
        ("", "unknown device ''"),
        ("cuda", "sees no GPU on this machine; use --device auto or --device cpu"),
        ("cuda:3", "sees no GPU on this machine"),
    ],
)
def test_a_device_that_is_not_there_is_a_sentence(device: str, sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Gpus(monkeypatch, count=0)
    with pytest.raises(InputError, match=re.escape(sentence)):
        devices.place(DeviceSettings(device=device))


def test_one_process_takes_the_gpu_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    gpus = Gpus(monkeypatch, count=2)
    assert devices.place().index == 0
    found = devices.place(DeviceSettings(device="cuda:1"))
    assert (found.kind, found.index, gpus.chosen) == ("cuda", 1, [0, 1])
    assert devices.peak(found) == 756e12  # the PCIe card, not the one whose name begins alike
    with pytest.raises(InputError, match="GPU 2 was asked for, and this machine has 2, counted from 0"):
        devices.place(DeviceSettings(device="cuda:2"))


def test_each_process_takes_its_own_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    gpus = Gpus(monkeypatch, count=2)
    joined: list[tuple[str, torch.device | None]] = []
    monkeypatch.setattr(
        torch.distributed, "init_process_group", lambda name, device_id=None, timeout=None: joined.append((name, device_id))
    )
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(InputError, match="LOCAL_RANK is not"):
        devices.place()
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert devices.place().index == 1
    assert joined == [("nccl", torch.device("cuda", 1))]
    assert gpus.chosen == [1]
    with pytest.raises(InputError, match="names one GPU, and 2 processes were started"):
        devices.place(DeviceSettings(device="cuda:0"))
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(InputError, match="GPU 2 was asked for, and this machine has 2"):
        devices.place()
    Gpus(monkeypatch, count=1)  # a scheduler shows each process its own GPU alone
    assert devices.place().index == 0


def test_bf16_needs_a_gpu_that_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    Gpus(monkeypatch, count=1, capability=(7, 5))
    assert devices.place(DeviceSettings(device="cuda")).precision == "float32"
    with pytest.raises(InputError, match="NVIDIA H100 PCIe has no bfloat16 products; use --precision float32"):
        devices.place(DeviceSettings(device="cuda", precision="bf16"))
    Gpus(monkeypatch, count=1, capability=(8, 0))
    assert devices.place(DeviceSettings(precision="bf16")).precision == "bf16"


def test_products_are_low_inside_and_float32_outside() -> None:
    left = torch.randn(8, 8)
    with Place(precision="bf16").low():
        assert (left @ left).dtype == torch.bfloat16
    with Place().low():
        assert (left @ left).dtype == torch.float32
    assert (left @ left).dtype == torch.float32


def test_the_first_process_keeps_the_records(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    monkeypatch.setenv("RANK", "3")
    assert devices.is_first()
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert (devices.started(), devices.is_first()) == (4, False)
    monkeypatch.setenv("RANK", "0")
    assert devices.is_first()
    assert (devices.rank(), devices.count()) == (0, 1)  # none has joined


def test_random_states_come_back() -> None:
    state = devices.random_state()
    assert state.keys() == {"torch"}
    first = torch.rand(3)
    devices.set_random_state(state)
    assert torch.equal(torch.rand(3), first)


def test_attention_of_cpus_is_counted() -> None:
    q, k, v = (torch.randn(2, 3, 17, 8, requires_grad=True) for _ in range(3))
    with devices.counted() as forward:
        mixed = torch.nn.functional.scaled_dot_product_attention(q, k, v)
    with devices.counted() as backward:
        mixed.sum().backward()
    assert forward == [2 * 2 * (2 * 3) * 17 * 17 * 8]
    assert backward[0] >= 2 * forward[0]
