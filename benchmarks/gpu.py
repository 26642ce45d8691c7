"""What a device does, in rows a second and as a share of its peak, and that it computes what a CPU computes.

    python -m benchmarks gpu            under 8 minutes on one GPU, without network and without files
    python -m benchmarks gpu --small    every line on a CPU, in seconds: the numbers mean nothing there, the equalities do

A line is `rows/s, GFLOP a row, TFLOP/s, share of peak, GiB, note`. A part that is out of memory, or begins after the time is up, says so.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from impasto import devices, ranking
from impasto.devices import DeviceSettings
from impasto.nets.encoders.cross_channel_former import CrossChannelFormer
from impasto.nets.encoders.hyena_transformer import HyenaTransformer
from impasto.nets.encoders.vit import ViT
from impasto.nets.trunk import Attention, Trunk, lower
from impasto.pretrain import render, view_matrices, views
from impasto.pretrain.images import Facts
from impasto.pretrain.msn import Msn, MsnSettings
from impasto.pretrain.view_feed import Views
from impasto.pretrain.view_matrices import Boxes
from impasto.training import loop
from impasto.training.method import Minibatch
from impasto.training.optim import optimiser
from impasto.training.settings import OptimSettings

SECONDS = 440.0
"""No part begins later than this after the start."""
TIGHT, LOOSE = 1e-4, 2e-2
"""How far float32 and bf16 may be from float64 on a CPU, relative to the largest value."""


class Bench:
    """The lines of one run, and where and how large it is."""

    def __init__(self, *, small: bool) -> None:
        self.small, self.began = small, time.perf_counter()
        self.exact = devices.place(DeviceSettings(precision="float32"))
        self.low = devices.place(DeviceSettings(precision="bf16"))
        self.compiled = devices.place(DeviceSettings(precision="bf16"), compiled="auto")
        self.device, self.failed = self.exact.device, False

    def size(self, full: int, small: int) -> int:
        return small if self.small else full

    def timed(self, step: Callable[[], object]) -> float:
        """The median seconds of a step, after two that warm up."""
        for _ in range(1 if self.small else 2):
            step()
        devices.synchronised(self.exact)
        times: list[float] = []
        began = time.perf_counter()
        while len(times) < (1 if self.small else 3) or (not self.small and time.perf_counter() - began < 1.0 and len(times) < 50):
            clock = time.perf_counter()
            step()
            devices.synchronised(self.exact)
            times.append(time.perf_counter() - clock)
        return statistics.median(times)

    def line(self, what: str, rows: int, seconds: float, operations: float | None = None, note: str = "") -> None:
        peak = devices.peak(self.exact)
        each = "" if operations is None else f"{operations / rows / 1e9:.1f}"
        speed = "" if operations is None else f"{operations / seconds / 1e12:.1f}"
        share = "" if operations is None or peak is None else f"{operations / seconds / peak:.0%}"
        print(
            f"| {what} | {rows / seconds:,.0f} | {each} | {speed} | {share} | {devices.memory_peak(self.exact):.1f} | {note} |", flush=True
        )

    def equal(self, what: str, found: Tensor, expected: Tensor, most: float) -> str:
        """The distance of two results, relative to the largest value; too large a one fails the run."""
        apart = float((found.double().cpu() - expected.double().cpu()).abs().max() / expected.double().abs().max())
        if not apart <= most:
            self.failed = True
            print(f"| **{what} is {apart:.1e} from what a CPU computes; allowed: {most:.0e}** | | | | | | |", flush=True)
        return f"{apart:.1e} from float64 on a CPU (allowed {most:.0e})"


def counted(step: Callable[[], object]) -> float:
    with devices.counted() as operations:
        step()
    return operations[0]


def ceilings(bench: Bench) -> None:
    side = bench.size(8192, 256)
    left = torch.randn(side, side, device=bench.device, dtype=torch.bfloat16)
    bench.line(f"ceiling: a bf16 product of {side} x {side}", 1, bench.timed(lambda: left @ left), 2.0 * side**3)
    source = torch.empty(bench.size(2**30, 2**20), device=bench.device)
    target = torch.empty_like(source)
    seconds = bench.timed(lambda: target.copy_(source))
    bench.line(f"ceiling: a copy, {8 * source.numel() / seconds / 1e12:.2f} TB/s", 1, seconds)


def equality(bench: Bench) -> None:
    torch.manual_seed(0)
    exact = ViT(channels=5, size=64, patch=16, width=48, depth=2, heads=6).double()
    images = torch.randn(4, 5, 64, 64, dtype=torch.float64)
    expected = exact.represent(images).detach()
    for place, most in ((bench.exact, TIGHT), (bench.low, LOOSE)):
        net = ViT(channels=5, size=64, patch=16, width=48, depth=2, heads=6)
        net.load_state_dict(exact.state_dict())
        lower(net.float().to(bench.device), place)
        with torch.no_grad():
            found = net.represent(images.float().to(bench.device))
        note = bench.equal(f"a ViT in {place.precision}", found, expected, most)
        bench.line(f"equality of a small ViT, {place.precision}", 4, 1.0, None, note)


def pictures_to_views(bench: Bench) -> None:
    count, shape = bench.size(64, 4), (bench.size(520, 65), bench.size(696, 87))
    sides = (bench.size(224, 28), bench.size(96, 12))
    rng = np.random.default_rng(0)
    settings = views.ViewSettings()
    pictures = torch.from_numpy(rng.integers(0, 256, (count, 5, *shape), dtype=np.uint8))
    drawn = [[views.draw(settings, rng, shape=shape, channels=5, focal=f) for f in [False, *[True] * 10]] for _ in range(count)]
    dtype = torch.float16 if bench.exact.kind == "cuda" else torch.float32
    whole = Boxes.of([of_one[0] for of_one in drawn], size=sides[0], channels=5).to(bench.device)
    focal = Boxes.of([view for of_one in drawn for view in of_one[1:]], size=sides[1], channels=5).to(bench.device)
    there = pictures.to(bench.device)

    def step() -> Tensor:
        view_matrices.render(there, focal, size=sides[1], dtype=dtype)
        view_matrices.render(there, whole, size=sides[0], dtype=dtype)
        return view_matrices.render(there, whole, size=sides[0], dtype=dtype)

    expected = render.render(list(pictures), [d[0] for d in drawn], size=sides[0])
    note = bench.equal("a rendered view", step(), expected, 1e-3 if dtype is torch.float16 else 1e-6)
    bench.line(f"views of pairs of {shape[0]} x {shape[1]}: 2 x {sides[0]}, 10 x {sides[1]}", count, bench.timed(step), None, note)


def extraction(bench: Bench) -> None:
    count, side = bench.size(1024, 4), bench.size(224, 64)
    net = ViT(channels=5, size=side, patch=16, width=bench.size(384, 48), depth=bench.size(12, 2), heads=6).to(bench.device).eval()
    images = torch.randn(count, 5, side, side, device=bench.device)
    _forward(bench, f"ViT-S/16 forward, 5 channels of {side}", net, count, lambda: net.represent(images))
    from transformers import Dinov2Config, Dinov2Model

    large = {"hidden_size": 1536, "num_hidden_layers": 40, "num_attention_heads": 24, "use_swiglu_ffn": True}
    for name, sizes, many in (
        ("DINOv2-S/14", {"hidden_size": 384, "num_hidden_layers": 12, "num_attention_heads": 6}, 1024),
        ("DINOv2-G/14", large, 128),
    ):
        chosen = {**sizes, **({"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 6} if bench.small else {})}
        with torch.device(bench.device):
            hub = Dinov2Model(Dinov2Config(image_size=518, patch_size=14, **chosen)).eval()
        planes = torch.randn(bench.size(many, 2), 3, bench.size(224, 56), bench.size(224, 56), device=bench.device)
        _frozen(bench, f"{name} forward, gray planes", hub, planes)


def _forward(bench: Bench, what: str, net: nn.Module, rows: int, step: Callable[[], Tensor]) -> None:
    """A net in float32, in bf16, and compiled where there is a compiler."""
    places = [("float32", bench.exact), ("bf16", bench.low)] + ([("bf16, compiled", bench.compiled)] if bench.compiled.compiled else [])
    operations, reference = None, None
    for name, place in places:
        lower(net, place)
        with torch.no_grad():
            operations = operations or counted(step)
            found = step().float()
            reference = found if reference is None else reference
            alike = float(functional.cosine_similarity(found, reference).min())
            bench.line(f"{what}, {name}", rows, bench.timed(step), operations, f"cosine to float32 {alike:.5f}")


def _frozen(bench: Bench, what: str, hub: nn.Module, planes: Tensor) -> None:
    def step() -> Tensor:
        found: Tensor = hub(pixel_values=planes).last_hidden_state[:, 0]
        return found.float()

    with torch.no_grad():
        operations, reference = counted(step), step()
        bench.line(f"{what}, float32", len(planes), bench.timed(step), operations)
        with bench.low.low():
            alike = float(functional.cosine_similarity(step(), reference).min())
            bench.line(f"{what}, bf16", len(planes), bench.timed(step), operations, f"cosine to float32 {alike:.5f}")


def msn(bench: Bench) -> None:
    for name, width, depth, heads in (("ViT-S/16", 384, 12, 6), ("ViT-B/16", 768, 12, 12)):
        count, side, focal = bench.size(256 if width == 384 else 128, 4), bench.size(224, 32), bench.size(96, 16)
        encoder = {"patch": 16, "width": bench.size(width, 48), "depth": bench.size(depth, 1), "heads": bench.size(heads, 6)}
        chosen = {"encoder": encoder, "views": {"size": side, "focal_size": focal}}
        sizes = {"prototypes": 32, "hidden": 64, "out": 16} if bench.small else {}
        settings = MsnSettings.read({**chosen, **sizes}, where="benchmark")
        torch.manual_seed(0)
        method = Msn(settings, Facts(list("abcde"), [0.1] * 5, [0.2] * 5, ["p"])).to(bench.device).train()
        optim = optimiser(method, OptimSettings(lr=1e-4))
        rows = torch.arange(count)
        light = [torch.rand(count, 5, side, side), torch.rand(count, 5, side, side), torch.rand(count, 10, 5, focal, focal)]
        minibatch = Views(*light, torch.rand(count, method.encoder.tokens), rows, rows, rows).to(bench.device)
        _training(bench, f"MSN step, {name}, pairs", method, optim, minibatch)
        if bench.small:
            break


def _training(bench: Bench, what: str, method: loop.Method, optim: torch.optim.Optimizer, minibatch: Minibatch) -> None:
    def step() -> None:
        loop._step(method, method, optim, [minibatch], clip=3.0)

    operations = counted(step)
    places = [("float32", bench.exact), ("bf16", bench.low)] + ([("bf16, compiled", bench.compiled)] if bench.compiled.compiled else [])
    for name, place in places:
        lower(method, place)
        clock = time.perf_counter()
        step()
        devices.synchronised(bench.exact)
        note = f"first step {time.perf_counter() - clock:.1f} s"
        bench.line(f"{what}, {name}", minibatch.size, bench.timed(step), operations, note)


def cellclip(bench: Bench) -> None:
    count, width, depth, text = bench.size(512, 8), bench.size(1536, 48), bench.size(12, 2), bench.size(768, 48)
    former = CrossChannelFormer(channels=5, profile_width=width, width=None, out=bench.size(512, 16), depth=depth, heads=8)
    trunk = Trunk(width=text, depth=depth, mixer=lambda: Attention(width=text, heads=12))
    both = nn.ModuleList([former, trunk, nn.Linear(text, bench.size(512, 16))]).to(bench.device)
    lower(both, bench.low)
    optim = optimiser(both, OptimSettings(lr=1e-4))
    pooled = torch.randn(count, 5, width, device=bench.device)
    words = torch.randn(count, bench.size(128, 8), text, device=bench.device)

    def step() -> None:
        optim.zero_grad(set_to_none=True)
        p, q = functional.normalize(both[0](pooled), dim=1), functional.normalize(both[2](both[1](words)[:, 0]), dim=1)
        (p @ q.T * 14.3).log_softmax(dim=1).diagonal().mean().neg().backward()
        optim.step()

    bench.line(f"CellCLIP step, bags of 5 x {width}, BERT-sized text, bf16", count, bench.timed(step), counted(step))


def hyena(bench: Bench) -> None:
    count, length = bench.size(64, 2), bench.size(3257, 64)
    net = HyenaTransformer([[i] for i in range(length)]).to(bench.device).train()
    optim = optimiser(net, OptimSettings(lr=1e-4))
    values, source = torch.randn(count, length, device=bench.device), torch.randn(count, 256, device=bench.device)

    def step() -> None:
        optim.zero_grad(set_to_none=True)
        net(values, None, source)[0].square().mean().backward()
        optim.step()

    bench.line(f"Hyena step, wells of {length:,} tokens, float32", count, bench.timed(step), None, "Fourier transforms are not counted")


def retrieval(bench: Bench) -> None:
    rows, rng = bench.size(20_000, 500), np.random.default_rng(0)
    vectors = ranking.unit(rng.standard_normal((rows, 512)).astype(np.float32))
    first: tuple[np.ndarray, np.ndarray] | None = None
    for where in dict.fromkeys((None, bench.exact.kind)):
        clock = time.perf_counter()
        nearest, scores = ranking.top_k(vectors, vectors, k=20, device=where)
        seconds = time.perf_counter() - clock
        note = ""
        if first is not None:
            same = float((np.sort(nearest) == np.sort(first[0])).mean())
            note = f"same neighbours {same:.4f}; scores within {np.abs(scores - first[1]).max():.1e}"
            bench.failed = bench.failed or same < 0.999
        first = first or (nearest, scores)
        bench.line(f"top 20 of {rows:,} x {rows:,}, {where or 'numpy'}", rows, seconds, None, note)


STEPS = (ceilings, equality, pictures_to_views, extraction, msn, cellclip, hyena, retrieval)


def main(*, small: bool) -> int:
    """Print the table; 1 where something is not what a CPU computes."""
    bench = Bench(small=small)
    told = " (small: speeds mean nothing)" if small else ""
    print(f"{bench.exact.name}, {torch.get_num_threads()} threads, torch {torch.__version__}{told}\n")
    print("| what | rows/s | GFLOP a row | TFLOP/s | share of peak | GiB | note |")
    print("|---|---|---|---|---|---|---|")
    for part in STEPS:
        if time.perf_counter() - bench.began > SECONDS:
            print(f"| {part.__name__}: left out, the time is up | | | | | | |")
            continue
        try:
            part(bench)
        except torch.OutOfMemoryError:
            print(f"| {part.__name__}: out of memory | | | | | | |", flush=True)
    print(f"\n{'not equal to a CPU' if bench.failed else 'equal to a CPU'}; {time.perf_counter() - bench.began:.0f} s")
    return int(bench.failed)
