"""Where nets run and in what precision: the device, this process's place among several, the type of products, compilation.

Nobody else asks torch these questions. Under torchrun each process has a GPU of its own (`cuda:LOCAL_RANK`) and joins the others here:
over NCCL on GPUs, over gloo on CPUs. bfloat16 is for the trunks of nets only (`Place.low`). Heads, losses and gathered rows stay in
float32, since a mean entropy of bfloat16 products is far from that of float32 ones.
"""

from __future__ import annotations

import atexit
import contextlib
import datetime as dt
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from impasto import threads
from impasto.schema import InputError
from impasto.settings import Settings

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Precision = Literal["auto", "float32", "bf16"]
Compile = Literal["auto", "on", "off"]
KINDS = "auto, cpu, cuda, cuda:N, mps"
PEAK = {
    "H200": 989e12,
    "H100 PCIe": 756e12,
    "H100": 989e12,
    "A100": 312e12,
    "L40S": 362e12,
    "L4": 121e12,
    "4090": 165e12,
}
"""Dense bfloat16 operations a second, by the makers' data sheets; the first name that a device's name holds."""
_PATIENCE = dt.timedelta(days=2)
"""How long a process waits for the others: one may embed plates for hours while another is done."""
_LETTING_GO = 0.1
"""Seconds that a process which leaves the others gives their threads to end what they do."""


class DeviceSettings(Settings):
    """Where a net runs. The precision is part of what a run is; the device is not."""

    change_nothing: ClassVar[frozenset[str]] = frozenset({"device"})
    device: str = Field(default="auto", description=f"Where nets run: {KINDS}; auto: a GPU where there is one.")
    precision: Precision = Field(
        default="auto",
        description="Of products in the trunks of nets: float32, or bf16 (a GPU of capability 8.0, or a CPU); auto: float32.",
    )


@dataclass(frozen=True)
class Place:
    """Where one process computes.

    Attributes
    ----------
    kind
        `cpu`, `cuda` or `mps`.
    index
        Of a GPU; None elsewhere.
    rank, world
        This process's number, and how many there are.
    precision
        Of products in trunks.
    compiled
        Whether blocks of trunks are compiled.

    """

    kind: str = "cpu"
    index: int | None = None
    rank: int = 0
    world: int = 1
    precision: Literal["float32", "bf16"] = "float32"
    compiled: bool = False

    @property
    def device(self) -> torch.device:
        """The device as torch names it."""
        import torch

        return torch.device(self.kind) if self.index is None else torch.device(self.kind, self.index)

    @property
    def name(self) -> str:
        """The device as its maker names it; `cpu` or `mps` elsewhere."""
        import torch

        return torch.cuda.get_device_name(self.device) if self.kind == "cuda" else self.kind

    def record(self) -> dict[str, object]:
        """What a run says of it.

        Returns
        -------
        dict[str, object]
            Device, ranks, precision, whether compiled.

        """
        return {"device": self.name, "ranks": self.world, "precision": self.precision, "compiled": self.compiled}

    @contextlib.contextmanager
    def low(self) -> Iterator[None]:
        """Inside it matrix products are in this place's precision. Only trunks and frozen nets stand in it.

        Yields
        ------
        None
            The block runs in that precision.

        """
        import torch

        if self.precision == "float32":
            yield
            return
        with torch.autocast(self.kind, dtype=torch.bfloat16):
            yield

    def send(self, values: Tensor, /) -> Tensor:
        """A tensor on this device. To a GPU it goes through pinned memory, so that nobody waits for the copy.

        Parameters
        ----------
        values
            A tensor, anywhere.

        Returns
        -------
        Tensor
            The same values, here.

        """
        return pinned(values, self.device).to(self.device, non_blocking=self.kind == "cuda")


DEFAULT = DeviceSettings()
HERE = Place()
"""This process's CPU, alone, in float32."""


def place(settings: DeviceSettings | None = None, /, *, compiled: Compile = "off") -> Place:
    """The place of this process. Joins the other processes where torchrun started several.

    Parameters
    ----------
    settings
        The device and the precision; None: the defaults.
    compiled
        Whether blocks of trunks are compiled; `auto`: on a GPU with a C compiler beside it, never on a CPU.

    Returns
    -------
    Place
        The place.

    Raises
    ------
    InputError
        Where there is no such device, or it has no bfloat16.

    """
    import torch

    chosen = settings or DeviceSettings()
    world = started()
    kind, index = _device(chosen.device, world)
    precision = _precision(chosen.precision, kind, index)
    _join(world, kind, index)
    torch.set_num_threads(threads.chosen())
    torch.set_float32_matmul_precision("high" if precision == "bf16" else "highest")
    return Place(kind, index, rank(), max(world, count()), precision, _is_compiled(compiled, kind))


def _device(name: str, world: int) -> tuple[str, int | None]:
    import torch

    there = torch.cuda.is_available()
    if name == "auto":
        name = "cuda" if there else "cpu"
    kind, colon, number = name.partition(":")
    if kind not in ("cpu", "cuda", "mps") or (colon and not (kind == "cuda" and number.isdecimal())):
        raise InputError(f"unknown device {name!r}; allowed: {KINDS}")
    if kind == "mps" and not torch.backends.mps.is_available():
        raise InputError("device 'mps' was asked for, and this machine has no such GPU; use --device auto or --device cpu")
    if kind != "cuda":
        return kind, None
    if not there:
        raise InputError(
            f"device {name!r} was asked for, and torch {torch.__version__} sees no GPU on this machine; use --device auto or --device cpu"
        )
    visible = torch.cuda.device_count()
    if world == 1:
        chosen = int(number or 0)
    elif number:
        raise InputError(f"device {name!r} names one GPU, and {world} processes were started; use --device cuda, and each takes its own")
    elif "LOCAL_RANK" not in os.environ:
        raise InputError("WORLD_SIZE is set and LOCAL_RANK is not, so this process does not know its GPU; start all of them with torchrun")
    else:
        chosen = 0 if visible == 1 else int(os.environ["LOCAL_RANK"])
    if chosen >= visible:
        raise InputError(
            f"GPU {chosen} was asked for, and this machine has {visible}, counted from 0; start at most {visible} processes here"
        )
    return kind, chosen


def _precision(name: Precision, kind: str, index: int | None) -> Literal["float32", "bf16"]:
    import torch

    if name != "bf16":
        return "float32"
    if kind == "mps" or (kind == "cuda" and torch.cuda.get_device_capability(index) < (8, 0)):
        raise InputError(f"precision 'bf16' was asked for, and {_named(kind, index)} has no bfloat16 products; use --precision float32")
    return "bf16"


def _named(kind: str, index: int | None) -> str:
    return Place(kind, index).name


def _is_compiled(choice: Compile, kind: str) -> bool:
    if choice != "auto":
        return choice == "on"
    return kind == "cuda" and any(shutil.which(name) for name in (os.environ.get("CC", "cc"), "gcc", "clang"))


def _join(world: int, kind: str, index: int | None) -> None:
    import torch
    import torch.distributed as dist

    if kind == "cuda":
        torch.cuda.set_device(index)
    if world == 1 or dist.is_initialized():
        return
    if kind == "cuda":
        dist.init_process_group("nccl", device_id=Place(kind, index).device, timeout=_PATIENCE)
    else:
        dist.init_process_group("gloo", timeout=_PATIENCE)
    atexit.register(_leave)


def _leave() -> None:
    import torch.distributed as dist

    if dist.is_initialized():
        dist.destroy_process_group()
        # DistributedDataParallel keeps the threads of gloo. One that still lets go of the last tensors while the interpreter
        # ends would abort the process, so it gets the time for that.
        time.sleep(_LETTING_GO)


def started() -> int:
    """How many processes torchrun started; 1 without it. Needs no torch.

    Returns
    -------
    int
        At least 1.

    """
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first() -> bool:
    """Whether this process keeps the records: alone, or the first that torchrun started. Needs no torch.

    Returns
    -------
    bool
        False in all processes but one.

    """
    return started() == 1 or os.environ.get("RANK", "0") == "0"


def rank() -> int:
    """The number of this process among those that joined.

    Returns
    -------
    int
        From 0.

    """
    import torch.distributed as dist

    return dist.get_rank() if dist.is_available() and dist.is_initialized() else 0


def count() -> int:
    """How many processes joined.

    Returns
    -------
    int
        At least 1.

    """
    import torch.distributed as dist

    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def wait() -> None:
    """Return when every process has come here."""
    import torch.distributed as dist

    if count() > 1:
        dist.barrier()


def pinned(values: Tensor, device: torch.device, /) -> Tensor:
    """A tensor in memory that a GPU reads by itself, where the device is one.

    Parameters
    ----------
    values
        A tensor.
    device
        Where it will go.

    Returns
    -------
    Tensor
        In pinned memory, or the tensor itself. torch uses such memory again only when its last copy is done.

    """
    return values.pin_memory() if device.type == "cuda" and values.device.type == "cpu" else values


def _cuda_in_use() -> bool:
    import torch

    return bool(torch.cuda.is_initialized())  # type: ignore[no-untyped-call]


def random_state() -> dict[str, Tensor]:
    """The state of torch's random numbers, of the CPU and of this process's GPU.

    Returns
    -------
    dict[str, Tensor]
        `torch`, and `cuda` where a GPU is in use.

    """
    import torch

    states = {"torch": torch.get_rng_state()}
    return {**states, "cuda": torch.cuda.get_rng_state()} if _cuda_in_use() else states


def set_random_state(states: Mapping[str, Tensor], /) -> None:
    """Put a state of torch's random numbers back.

    Parameters
    ----------
    states
        What `random_state` gave.

    """
    import torch

    torch.set_rng_state(states["torch"])
    if "cuda" in states and _cuda_in_use():
        torch.cuda.set_rng_state(states["cuda"])


def peak(where: Place, /) -> float | None:
    """The most operations a second that a device can do.

    Parameters
    ----------
    where
        A place.

    Returns
    -------
    float | None
        Dense bfloat16 operations a second; None for a CPU and for a GPU that `PEAK` does not name.

    """
    if where.kind != "cuda":
        return None
    name = where.name
    return next((operations for part, operations in PEAK.items() if part in name), None)


def synchronised(where: Place, /) -> None:
    """Return when the device has done all that it was given.

    Parameters
    ----------
    where
        A place.

    """
    import torch

    if where.kind == "cuda":
        torch.cuda.synchronize(where.device)


def memory_peak(where: Place, /) -> float:
    """The most memory that tensors took on a GPU since this was asked last.

    Parameters
    ----------
    where
        A place.

    Returns
    -------
    float
        GiB; 0 on a CPU.

    """
    import torch

    if where.kind != "cuda":
        return 0.0
    most = torch.cuda.max_memory_allocated(where.device) / 2**30
    torch.cuda.reset_peak_memory_stats(where.device)
    return most


@contextlib.contextmanager
def counted() -> Iterator[list[float]]:
    """Count the operations of what runs inside: matrix products, convolutions and attention.

    torch leaves out the attention of CPUs, so it is counted here. Fourier transforms are not counted.

    Yields
    ------
    list[float]
        Empty inside; after the block, the number of operations as its one entry.

    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode, sdpa_backward_flop_count, sdpa_flop_count

    def forward(query: Any, key: Any, value: Any, *_: Any, out_shape: Any = None, **__: Any) -> int:  # noqa: ARG001 - as torch calls it
        return int(sdpa_flop_count(query, key, value))  # type: ignore[no-untyped-call]

    def backward(gradient: Any, query: Any, key: Any, value: Any, *_: Any, out_shape: Any = None, **__: Any) -> int:  # noqa: ARG001
        return int(sdpa_backward_flop_count(gradient, query, key, value))  # type: ignore[no-untyped-call]

    ops = torch.ops.aten
    extra = {
        ops._scaled_dot_product_flash_attention_for_cpu: forward,
        ops._scaled_dot_product_flash_attention_for_cpu_backward: backward,
    }
    operations: list[float] = []
    with FlopCounterMode(display=False, custom_mapping=extra) as mode:
        yield operations
    operations.append(float(mode.get_total_flops()))
