"""Do attributions name what was changed? Simulated plates whose perturbations do nothing but to planted features of one channel.

`python -m benchmarks attribution [--experiments 8]` prints the table. Each experiment has plates, plants and weights of its own. Wells are
standardized on their plate's controls before planting, so a planted shift is in sd of wells. For CellPainTR features are ranked by the mean
gradient share of a mechanism's wells, for CellCLIP channels by the mean occlusion; the score is the area under the ROC curve of what was
planted, a mean over perturbations. A ranking of random numbers stands beside it, and the plain distance from the controls, which needs no net.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
SHIFT, PLANTED, PERTURBATIONS = 2.0, 3, 12
EXPERIMENTS = 8
EPOCHS = [5, 10, 30]


@dataclass(frozen=True)
class Planted:
    """One experiment: `profiles` with what was planted, of each perturbation the features (L,) and the channel."""

    profiles: object
    features: dict[str, npt.NDArray[np.bool_]]
    channel: dict[str, str]


def plant(seed: int) -> Planted:
    """Simulated plates without any effect, and `PLANTED` features of one channel moved by `SHIFT` sd in each."""
    from impasto import wells
    from impasto.correction.standardize import Standardize, StandardizeSettings
    from impasto.simulate.plan import Plan
    from impasto.simulate.profiles import simulate

    plan = Plan(strength=0.0, count_effect=0.0, perturbations=PERTURBATIONS, mechanisms=PERTURBATIONS, batches=2, plates=6, controls=8)
    raw, _ = simulate(plan, seed=seed)
    data = Standardize.fit(raw, StandardizeSettings(statistic="mean")).transform(raw)
    data.X = np.clip(data.X, -10, 10)
    rng = np.random.default_rng([seed, 7])
    channels = sorted(c for c in data.var["channel"].dropna().unique() if c)
    features: dict[str, npt.NDArray[np.bool_]] = {}
    channel: dict[str, str] = {}
    for name in sorted(data.obs.loc[wells.treated(data.obs), "perturbation"].unique()):
        channel[name] = channels[int(rng.integers(len(channels)))]
        own = rng.permutation(np.flatnonzero((data.var["channel"] == channel[name]).to_numpy()))[:PLANTED]
        features[name] = np.isin(np.arange(data.n_vars), own)
        rows = np.flatnonzero((data.obs["perturbation"] == name).to_numpy())
        data.X[np.ix_(rows, own)] += SHIFT * rng.choice([-1.0, 1.0], size=len(own))
    return Planted(data, features, channel)


def auc(score: Numbers, planted: npt.NDArray[np.bool_]) -> float:
    """The share of pairs (planted, other) in the right order; ties count a half."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(planted, score))


def experiment(seed: int) -> dict[str, float]:
    """The mean area of each ranking in one experiment."""
    made = plant(seed)
    rng = np.random.default_rng([seed, 8])
    data = made.profiles
    names = list(made.features)
    rows = {name: np.flatnonzero((data.obs["perturbation"] == name).to_numpy()) for name in names}  # type: ignore[attr-defined]
    values = np.asarray(data.X, dtype=np.float64)  # type: ignore[attr-defined]
    distance = {name: np.abs(values[rows[name]].mean(axis=0)) for name in names}
    shares = _features(data, seed)
    found = {
        "features, CellPainTR": [auc(np.abs(shares[rows[n]].mean(axis=0)), made.features[n]) for n in names],
        "features, distance": [auc(distance[n], made.features[n]) for n in names],
        "features, random": [auc(rng.random(values.shape[1]), made.features[n]) for n in names],
    }
    moved, channels = _channels(data, seed)
    of_feature = data.var["channel"].to_numpy(dtype=object)  # type: ignore[attr-defined]
    truth = {n: np.array([c == made.channel[n] for c in channels]) for n in names}
    by_distance = {n: np.array([(distance[n][of_feature == c] ** 2).mean() for c in channels]) for n in names}
    found |= {
        "channels, CellCLIP": [auc(moved[rows[n]].mean(axis=0), truth[n]) for n in names],
        "channels, distance": [auc(by_distance[n], truth[n]) for n in names],
        "channels, random": [auc(rng.random(len(channels)), truth[n]) for n in names],
    }
    return {name: float(np.mean(areas)) for name, areas in found.items()}


def _features(data: object, seed: int) -> Numbers:
    """CellPainTR's share of each feature in each row (n, L), after the three stages."""
    from impasto.correction.cellpaintr.attributions import attributions
    from impasto.correction.cellpaintr.corrector import CellPaintrCorrector, CellPaintrCorrectorSettings

    settings = CellPaintrCorrectorSettings(by="batch", width=64, depth=2, tokens="feature", epochs=EPOCHS, seed=seed)
    model = CellPaintrCorrector.fit(data, settings).model()  # type: ignore[arg-type]
    return attributions(model, data).astype(np.float64)  # type: ignore[arg-type]


def _channels(data: object, seed: int) -> tuple[Numbers, list[str]]:
    """CellCLIP's occlusion of each channel in each row (n, C), and the names of the channels."""
    import impasto as im
    from impasto.joint.attributions import by_channel
    from impasto.joint.space import Space

    method = {"name": "two_towers", "perturbation": "molecule", "bits": 512, "molecule_width": 32, "width": 32, "out": 32, "depth": 2}
    method |= {"heads": 4, "minibatch": 16, "loss": "cwcl", "split": {"validation": 0.0, "test": 0.0}}
    loop = {"epochs": 40, "optim": {"lr": 1e-3, "warmup": 5}}
    with tempfile.TemporaryDirectory() as folder:
        run = im.train(method, data, out=Path(folder) / "run", loop=loop, seed=seed)  # type: ignore[arg-type]
        space = Space.load(run)
        return by_channel(space, data).astype(np.float64), list(space.facts["blocks"])  # type: ignore[arg-type]


def lines(experiments: int) -> Iterator[str]:
    """The table in Markdown, once all experiments are done."""
    from impasto.statistics import compare, resplits

    found = [experiment(seed) for seed in range(experiments)]
    yield "| ranking | area under the ROC curve | less random |"
    yield "|---|---|---|"
    for name in found[0]:
        areas = np.array([one[name] for one in found])
        less = areas - np.array([one[name.split(",")[0] + ", random"] for one in found])
        cells = [resplits.of_repeats(v, unit="experiment", share=s) for v, s in ((areas, True), (less, False))]
        shown = [
            f"{compare.number(float(v.mean()))} [{compare.number(i.low)}, {compare.number(i.high)}]"
            if i.low is not None and i.high is not None
            else f"{compare.number(float(v.mean()))} ({i.why})"
            for v, i in zip((areas, less), cells, strict=True)
        ]
        yield f"| {name} | {shown[0]} | {'' if name.endswith('random') else shown[1]} |"


def main(words: list[str]) -> None:
    """Print the table of `python -m benchmarks attribution`."""
    experiments = int(words[words.index("--experiments") + 1]) if "--experiments" in words else EXPERIMENTS
    clock = time.process_time()
    planted = f"{PLANTED} features of one channel by {SHIFT:g} sd in each of {PERTURBATIONS} perturbations"
    print(f"{experiments} simulated experiments; planted: {planted}.\n")
    print("\n".join(lines(experiments)))
    print(f"\nBrackets: 95 %, other experiments. {time.process_time() - clock:.0f} CPU seconds.")


if __name__ == "__main__":
    main(sys.argv[1:])
