"""JUMP's plan on one machine: simulated plates made, corrected, killed at random, and compared byte for byte with a run that was not.

    python -m benchmarks.jump --plates 20 --features 300 --kills 20          each push: about 20 plates
    python -m benchmarks.jump --plates 2525 --features 256 --kills 20        narrow, 1 GB
    python -m benchmarks.jump --plates 2525 --features 4762 --kills 20       JUMP's own size, 19 GB

Plates -> correction -> hits, replicates, sisters, relations, mixing, conservation, index, three searches: each the command that a user
types, its answer compared with what was simulated. Correction and the index are run again and killed at random. SIGKILL goes to the
command alone; its workers have to end by themselves. A line a stage; the last line is the figure; the exit code is 0 where all holds.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks import jump_stages
from benchmarks.jump_stages import Stage, in_words, size_mb
from benchmarks.processes import command, finished
from impasto import dataset
from impasto.dataset.commit import add_member, commit
from impasto.simulate.jump import Shape, World

STEPS = ("select", "standardize", "clip", "sphering")
BESIDE = ("run.json", "receipt.json")
MOST_MB = 12_000
_FINISHES = 300


def made(world: World, out: Path) -> None:
    """The plates, those that are there already left as they are."""
    if (out / "dataset.json").exists():
        return
    shutil.rmtree(out, ignore_errors=True)
    rows = [add_member(world.plate(number), out) for number in range(world.shape.plates)]
    commit(out, sorted(rows, key=lambda row: tuple(row[word] for word in dataset.KEYS)), world.var)


def killed(words: Sequence[object], out: Path, *, kills: int, seconds: float, seed: int) -> tuple[float, int]:
    """Run a command until it ends, killed so often on the way; the largest memory, and how many processes outlived a kill.

    The kills are spread over about one whole run: a command goes on from where it was killed.
    """
    rng = random.Random(seed)
    peak, lived, done = 0.0, 0, 0
    most = max(3.0, min(seconds, 2 * seconds / max(1, kills)))
    while done < kills:
        run = command(words, kill_after=rng.uniform(0.5, most))
        peak = max(peak, run.peak_mb)
        if run.code is None:
            done += 1
            continue
        finished(run)
        # It came to its end before it was killed often enough: once more from the beginning.
        shutil.rmtree(out)
        for beside in BESIDE:
            out.with_name(f"{out.name}.{beside}").unlink(missing_ok=True)
    for _ in range(_FINISHES):
        run = command(words)
        if run.code == 0:
            return max(peak, run.peak_mb), lived
        finished(run)
    raise SystemExit("it does not come to an end")


def bytes_of(folder: Path) -> dict[str, str]:
    """Digest of each file of a dataset, by its name from the folder."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def known_answer(world: World, corrected: Path) -> tuple[float, float]:
    """How much nearer replicates on two plates are than other wells, for perturbations that do something and for those that do not."""
    plates = dataset.open_dataset(corrected)
    maps = world.shape.maps
    first = [number for number in range(min(len(plates), 2 * maps)) if number < maps and number + maps < len(plates)][:8]
    alike: dict[bool, list[float]] = {True: [], False: []}
    for number in first:
        left, right = (_unit(plates, place) for place in (number, number + maps))
        shared = sorted(set(left) & set(right))
        cosines = np.array([left[name] for name in shared]) @ np.array([right[name] for name in shared]).T
        own = np.diag(cosines) - cosines.mean(axis=1)
        for name, value in zip(shared, own, strict=True):
            alike[bool(world.active[int(name.rsplit(" ", 1)[1])])].append(float(value))
    return float(np.mean(alike[True])), float(np.mean(alike[False]))


def _unit(plates: dataset.Dataset, number: int) -> dict[str, np.ndarray]:
    plate = plates[number]
    values = plate.X / np.linalg.norm(plate.X, axis=1, keepdims=True)
    treated = (plate.obs["control_type"] == "trt").to_numpy()
    return dict(zip(plate.obs["perturbation"][treated], values[treated], strict=True))


def compared(whole: Path, hurt: Path) -> list[str]:
    """The files of two folders that are not the same, their caches and records left out."""
    one, other = (
        {name: digest for name, digest in bytes_of(folder).items() if not name.startswith("cache/") and name != "run.json"}
        for folder in (whole, hurt)
    )
    return [name for name in sorted({*one, *other}) if one.get(name) != other.get(name)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plates", type=int, default=20)
    parser.add_argument("--features", type=int, default=300)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--shards", default="local:2")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/jump"))
    parser.add_argument("--keep", action="store_true", help="Leave the folders.")
    parser.add_argument("--only", nargs="*", default=(), help="Of the stages after correction, these.")
    asked = parser.parse_args()
    large = round(163 / 2525 * asked.plates) if asked.plates > 100 else 0
    world = World(Shape(asked.plates, asked.features, maps=max(1, min(363, asked.plates // 4)), large=large, seed=asked.seed))
    folder = asked.out / f"{asked.plates}x{asked.features}"
    clock = time.perf_counter()
    made(world, folder / "raw.plates")
    print(f"{asked.plates} plates x {asked.features} features made in {time.perf_counter() - clock:.1f} s", flush=True)
    steps = [word for step in STEPS for word in ("--method", step)]
    words = ["correct", folder / "raw.plates", *steps, "--spare", "0.5", "--shards", asked.shards, "--out"]
    whole = folder / "whole.plates"
    hurt = folder / "killed.plates" if asked.kills else whole
    index, killed_index = folder / "index", folder / "killed-index"
    for out in (whole, hurt, index, killed_index, *(folder / name for name in jump_stages.ANSWERS)):
        shutil.rmtree(out, ignore_errors=True)
        shutil.rmtree(out.with_name(f".{out.name}.work"), ignore_errors=True)
        for beside in BESIDE:
            out.with_name(f"{out.name}.{beside}").unlink(missing_ok=True)
    reference = command([*words, whole])
    finished(reference)
    stages = [Stage("correct", reference.seconds, reference.cpu, reference.peak_mb, size_mb(whole), f"{asked.shards}")]
    print(in_words(stages[0]), flush=True)
    clock, peak, of_index = time.perf_counter(), reference.peak_mb, asked.kills // 5
    if asked.kills:
        peak, _ = killed([*words, hurt], hurt, kills=asked.kills - of_index, seconds=reference.seconds, seed=asked.seed)
        print(f"killed {asked.kills - of_index} times and ended in {time.perf_counter() - clock:.1f} s, {peak:.0f} MB at most", flush=True)
    wrong = compared(whole, hurt)
    stages += jump_stages.run_stages(folder, world, whole, only=asked.only)
    if of_index and index.exists():
        seconds = next(stage.seconds for stage in stages if stage.name == "index")
        killed(["index", hurt, "--out", killed_index], killed_index, kills=of_index, seconds=seconds, seed=asked.seed)
        wrong += compared(index, killed_index)
    largest = max([peak, *(stage.peak_mb for stage in stages)])
    left = [path.name for path in folder.iterdir() if path.name.startswith(".")]
    active, still = known_answer(world, hurt)
    print(f"replicates are nearer than others by {active:.3f} in cosine where a perturbation does something, {still:.3f} where not")
    equal = len(bytes_of(whole))
    manifest = hashlib.sha256((hurt / "dataset.json").read_bytes()).hexdigest()[:16]
    failed = [
        *([f"{len(wrong)} files differ (first: {wrong[0]})"] if wrong else []),
        *([f"left behind: {', '.join(left)}"] if left else []),
        *([f"{largest:.0f} MB"] if largest > MOST_MB else []),
        *([] if active > 0.1 and abs(still) < 0.05 else ["the known answer is not seen"]),
        *(f"{stage.name}: {stage.wrong}" for stage in stages if stage.wrong),
    ]
    if not asked.keep:
        shutil.rmtree(folder)
    if failed:
        raise SystemExit("; ".join(failed))
    print(
        f"jump: {asked.plates} plates x {asked.features}, {len(stages)} stages, {asked.kills} kills, {equal} files equal "
        f"(dataset.json {manifest}), peak {largest:.0f} MB"
    )


if __name__ == "__main__":
    main()
