"""A training step of CellPainTR's trunk (256 wide, four blocks) by Hyena beside the same by attention (torch's
scaled_dot_product_attention, eight heads; the same MLP, the same recomputation), and the memory of a whole minibatch of 16 at the
paper's length. Both run by turns in one process on one thread; seconds are those of the processor, which other work on the machine
disturbs least, wall time stands in the notes. A memory is that of a process of its own. Last, the first stage of a recipe with a token a
group of features: an epoch of 10,000 wells, from the steps of a few minibatches."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator

from benchmarks.timing import Row, both_clocks

LENGTHS = (814, 1628, 3255, 6510)
LONG = 3255
WELLS, LIMIT = 10_000, 600
AIM = 3.0
"""How many times faster than attention Hyena is meant to be at the paper's length."""


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
        yield _row(tokens=tokens, minibatch=2, recompute="nothing")
    yield _row(tokens=LONG, minibatch=16, recompute="activation")
    for recompute in ("activation", "mlp", "block"):
        megabytes, seconds = alone("memory", tokens=LONG, minibatch=16, recompute=recompute)
        yield Row(f"Hyena trunk, 16 x {LONG} x 256, recompute {recompute}", seconds, None, "", f"{megabytes:.0f} MB more than before")

    seconds, tokens = alone("epoch", tokens=LONG, minibatch=16, recompute="nothing")
    note = f"{WELLS:,} wells x {LONG} features in {tokens:.0f} group tokens, width 256, four blocks, minibatches of 16, one thread"
    yield Row("CellPainTR, one epoch of stage cwmm", seconds, float(LIMIT), "ten minutes", note)


def _row(*, tokens: int, minibatch: int, recompute: str) -> Row:
    wall, ours, their_wall, theirs = alone("turns", tokens=tokens, minibatch=minibatch, recompute=recompute)
    told = f"forward and backward, one thread, recompute {recompute}; {their_wall / wall:.1f} in wall time"
    return Row(f"Hyena trunk, {minibatch} x {tokens} x 256", ours, theirs, "attention trunk", told, AIM if tokens == LONG else None)


def alone(what: str, *, tokens: int, minibatch: int, recompute: str) -> list[float]:
    """What `turns` or `memory` finds, in a new process."""
    words = [what, str(tokens), str(minibatch), recompute]
    told = subprocess.run([sys.executable, "-m", "benchmarks.cellpaintr", *words], capture_output=True, text=True, check=True)
    found: list[float] = json.loads(told.stdout.splitlines()[-1])
    return found


def turns(*, tokens: int, minibatch: int, recompute: str) -> list[float]:
    """Wall and processor seconds of a step by Hyena, then by attention: the least of several, taken by turns after a first one each."""
    both = [stepper(mixer, tokens=tokens, minibatch=minibatch, recompute=recompute) for mixer in ("hyena", "attention")]
    found: list[list[tuple[float, float]]] = [[], []]
    for turn in range(4 if minibatch == 2 else 2):
        for work, clocks in zip(both, found, strict=True):
            clock = both_clocks(work)
            clocks += [clock] if turn else []
    return [min(column) for clocks in found for column in zip(*clocks, strict=True)]


def memory(*, tokens: int, minibatch: int, recompute: str) -> list[float]:
    """The MB that a first step by Hyena takes, and its processor seconds."""
    # What torch and a tiny step need is not the trunk's.
    stepper("hyena", tokens=8, minibatch=1, recompute=recompute)()
    before = resident()
    _, seconds = both_clocks(stepper("hyena", tokens=tokens, minibatch=minibatch, recompute=recompute))
    return [resident() - before, seconds]


def epoch(*, tokens: int, minibatch: int, recompute: str) -> list[float]:
    """Processor seconds of an epoch of the first stage, and how many tokens its features make."""
    import numpy as np

    from impasto import profiles as tables
    from impasto.correction.cellpaintr.data import Labelled, WellFeed, feature_groups
    from impasto.correction.cellpaintr.method import CellPaintrSettings
    from impasto.correction.cellpaintr.trained import rebuild
    from impasto.training.optim import optimiser
    from impasto.training.settings import OptimSettings

    places = [(c, d) for c in ("Cells", "Cytoplasm", "Nuclei") for d in ("AGP", "DNA", "ER", "Mito", "RNA")]
    measures = ("Granularity", "Intensity", "RadialDistribution", "Texture")
    names = [f"{c}_{m}_F{n}_{d}" for n in range(tokens // (len(places) * len(measures)) + 1) for c, d in places for m in measures][:tokens]
    var = tables.describe_features(names)
    facts = {
        "features": names,
        "groups": feature_groups(var, measures=False),
        "tokens": feature_groups(var, measures=True),
        "sources": ["S"],
    }
    settings = CellPaintrSettings.read({"tokens": "group", "minibatch": minibatch, "recompute": recompute}, where="benchmark")
    method = rebuild(settings, facts)
    rng = np.random.default_rng(0)
    values = rng.normal(size=(6 * minibatch, tokens)).astype(np.float32)
    wells = Labelled(values, np.zeros(len(values), np.intp), np.zeros(len(values), np.intp))
    feed = WellFeed(wells, method.groups.numpy(), settings, seed=0)
    optim = optimiser(method, OptimSettings())
    steps = []
    for rows in feed.epoch(0):

        def work(rows: np.ndarray = rows) -> None:
            optim.zero_grad()
            method(feed.minibatch(rows, epoch=0)).loss.backward()
            optim.step()

        steps.append(both_clocks(work)[1])
    return [min(steps[1:]) * WELLS / minibatch, float(len(set(facts["tokens"])))]


def resident() -> float:
    """The most memory this process has held, in MB."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(what: str, tokens: str, minibatch: str, recompute: str) -> None:
    import torch

    torch.set_num_threads(1)
    print(
        json.dumps(
            {"turns": turns, "memory": memory, "epoch": epoch}[what](tokens=int(tokens), minibatch=int(minibatch), recompute=recompute)
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
