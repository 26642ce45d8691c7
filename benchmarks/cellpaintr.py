"""A training step of CellPainTR's trunk (256 wide, four blocks) by Hyena beside the same by attention, at four lengths, and the memory
of a whole minibatch of 16 at the paper's length. Seconds are those of the processor on one thread, which other work on the machine
disturbs least; each memory is that of a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

from benchmarks.timing import Row

LENGTHS = (814, 1628, 3255, 6510)
LONG = 3255


def stepper(mixer: str, *, tokens: int, minibatch: int, recompute: str) -> Callable[[], None]:
    import torch

    from impasto.nets.hyena import Hyena
    from impasto.nets.trunk import Attention, Trunk

    torch.manual_seed(0)
    make = {"hyena": lambda: Hyena(width=256), "attention": lambda: Attention(width=256, heads=8)}[mixer]
    trunk = Trunk(width=256, depth=4, mixer=make, mlp_width=1024, recompute=recompute)
    # CLS in front, the source behind.
    given = torch.randn(minibatch, tokens + 2, 256, requires_grad=True)

    def work() -> None:
        trunk(given).square().mean().backward()
        trunk.zero_grad(set_to_none=True)
        given.grad = None

    return work


def rows() -> Iterator[Row]:
    for tokens in LENGTHS:
        (ours, _), (theirs, _) = (alone(mixer, tokens=tokens, minibatch=2, recompute="nothing") for mixer in ("hyena", "attention"))
        yield Row(f"Hyena trunk, 2 x {tokens} x 256, four blocks", ours, theirs, "attention trunk", "forward and backward, one thread")
    for recompute in ("mlp", "block"):
        ours, megabytes = alone("hyena", tokens=LONG, minibatch=16, recompute=recompute)
        yield Row(f"Hyena trunk, 16 x {LONG} x 256, recompute {recompute}", ours, None, "", f"{megabytes:.0f} MB more than before")


def alone(mixer: str, *, tokens: int, minibatch: int, recompute: str) -> tuple[float, float]:
    """Seconds of processor of a step, and the MB it took, in a new process."""
    words = [mixer, str(tokens), str(minibatch), recompute]
    told = subprocess.run([sys.executable, "-m", "benchmarks.cellpaintr", *words], capture_output=True, text=True, check=True)
    seconds, megabytes = json.loads(told.stdout.splitlines()[-1])
    return seconds, megabytes


def resident() -> float:
    """The most memory this process has held, in MB."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(mixer: str, tokens: str, minibatch: str, recompute: str) -> None:
    import torch

    torch.set_num_threads(1)
    # What torch and a tiny step need is not the trunk's.
    stepper(mixer, tokens=8, minibatch=1, recompute=recompute)()
    before = resident()
    work = stepper(mixer, tokens=int(tokens), minibatch=int(minibatch), recompute=recompute)
    clock = time.process_time()
    work()
    print(json.dumps([time.process_time() - clock, resident() - before]))


if __name__ == "__main__":
    main(*sys.argv[1:])
