"""Do attributions name what was changed? Simulated plates whose perturbations do nothing but to planted features of one channel.

`python -m benchmarks attribution [--experiments 6] [--keep DIR]` prints the table. Each experiment has its own plates, plants and weights.
Wells are standardized on their plate's controls before planting, so a shift is in sd of wells. For CellPainTR features are ranked by
the mean gradient share of a perturbation's wells, for CellCLIP channels by the mean occlusion. The score is the area under the ROC curve of
what was planted, a mean over perturbations. A ranking of random numbers stands beside it, and the plain distance from the controls, which
needs no net. The nearest well by a net's own vectors says whether it learned anything to attribute.
"""

from __future__ import annotations

import json
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
EXPERIMENTS = 6
SHAPE = "shape"
EPOCHS = [10, 10, 60]


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
    """The mean area of each ranking in one experiment, and how well the nets know the perturbations."""
    made = plant(seed)
    rng = np.random.default_rng([seed, 8])
    data = made.profiles
    names = list(made.features)
    perturbation = data.obs["perturbation"].to_numpy(dtype=object)  # type: ignore[attr-defined]
    rows = {name: np.flatnonzero(perturbation == name) for name in names}
    values = np.asarray(data.X, dtype=np.float64)  # type: ignore[attr-defined]
    distance = {name: np.abs(values[rows[name]].mean(axis=0)) for name in names}
    shares, vectors = _features(data, seed)
    moved, channels, embedded = _channels(data, seed)
    # Features without a channel are a block of their own.
    of_feature = data.var["channel"].replace("", SHAPE).to_numpy(dtype=object)  # type: ignore[attr-defined]
    truth = {n: np.array([c == made.channel[n] for c in channels]) for n in names}
    by_distance = {n: np.array([(distance[n][of_feature == c] ** 2).mean() for c in channels]) for n in names}
    areas = {
        "features, CellPainTR": [auc(np.abs(shares[rows[n]].mean(axis=0)), made.features[n]) for n in names],
        "features, distance": [auc(distance[n], made.features[n]) for n in names],
        "features, random": [auc(rng.random(values.shape[1]), made.features[n]) for n in names],
        "channels, CellCLIP": [auc(moved[rows[n]].mean(axis=0), truth[n]) for n in names],
        "channels, distance": [auc(by_distance[n], truth[n]) for n in names],
        "channels, random": [auc(rng.random(len(channels)), truth[n]) for n in names],
    }
    known = {
        "nearest well, CellPainTR": _nearest(vectors, perturbation, names),
        "nearest well, CellCLIP": _nearest(embedded, perturbation, names),
    }
    known["nearest well, random"] = 1 / PERTURBATIONS
    return {**{name: float(np.mean(of)) for name, of in areas.items()}, **known}


def _nearest(vectors: Numbers, perturbation: npt.NDArray[np.object_], names: list[str]) -> float:
    """The share of treated wells whose nearest treated well by cosine had the same perturbation: whether the net learned at all."""
    treated = np.flatnonzero(np.isin(perturbation, names))
    unit = vectors[treated] / np.linalg.norm(vectors[treated], axis=1, keepdims=True)
    similarity = unit @ unit.T
    np.fill_diagonal(similarity, -2)
    return float((perturbation[treated][similarity.argmax(axis=1)] == perturbation[treated]).mean())


def _features(data: object, seed: int) -> tuple[Numbers, Numbers]:
    """CellPainTR's share of each feature in each row (n, L), after the three stages; and the vectors of the rows."""
    from impasto.correction.cellpaintr.attributions import attributions
    from impasto.correction.cellpaintr.corrector import CellPaintrCorrector, CellPaintrCorrectorSettings

    settings = CellPaintrCorrectorSettings(by="batch", width=32, depth=2, tokens="feature", epochs=EPOCHS, seed=seed)
    model = CellPaintrCorrector.fit(data, settings).model()  # type: ignore[arg-type]
    return attributions(model, data).astype(np.float64), model.vectors(data).astype(np.float64)  # type: ignore[arg-type]


def _channels(data: object, seed: int) -> tuple[Numbers, list[str], Numbers]:
    """CellCLIP's occlusion of each channel in each row (n, C), the names of the channels, and the vectors of the rows."""
    import impasto as im
    from impasto.joint.attributions import by_channel
    from impasto.joint.space import Space

    method = {"name": "two_towers", "perturbation": "molecule", "bits": 512, "molecule_width": 32, "width": 32, "out": 32, "depth": 2}
    method |= {"heads": 4, "minibatch": PERTURBATIONS, "loss": "clip", "bag": 4, "split": {"validation": 0.0, "test": 0.0}}
    loop = {"epochs": 300, "optim": {"lr": 2e-3, "warmup": 5}}
    with tempfile.TemporaryDirectory() as folder:
        run = im.train(method, data, out=Path(folder) / "run", loop=loop, seed=seed)  # type: ignore[arg-type]
        space = Space.load(run)
        moved = by_channel(space, data).astype(np.float64)  # type: ignore[arg-type]
        return moved, list(space.facts["blocks"]), space.rows(data).astype(np.float64)  # type: ignore[arg-type]


def lines(results: list[dict[str, float]], /) -> Iterator[str]:
    """The table in Markdown."""
    from impasto.statistics import compare, resplits
    from impasto.statistics.interval import Interval

    def shown(values: Numbers, of: Interval) -> str:
        ends = of.why if of.low is None or of.high is None else f"{compare.number(of.low)}, {compare.number(of.high)}"
        return f"{compare.number(float(values.mean()))} [{ends}]"

    yield "| ranking | score | less random |"
    yield "|---|---|---|"
    for name in results[0]:
        scores = np.array([one[name] for one in results])
        less = scores - np.array([one[name.split(",")[0] + ", random"] for one in results])
        whole = shown(scores, resplits.of_repeats(scores, unit="experiment", share=True))
        yield f"| {name} | {whole} | {'' if name.endswith('random') else shown(less, resplits.of_repeats(less, unit='experiment'))} |"


def main(words: list[str]) -> None:
    """Print the table of `python -m benchmarks attribution`; an experiment that lies in the folder `--keep` is not made again."""
    experiments = int(words[words.index("--experiments") + 1]) if "--experiments" in words else EXPERIMENTS
    keep = Path(words[words.index("--keep") + 1]) if "--keep" in words else Path(tempfile.mkdtemp())
    keep.mkdir(parents=True, exist_ok=True)
    results = []
    for seed in range(experiments):
        path = keep / f"{seed}.json"
        if not path.exists():
            clock = time.process_time()
            path.write_text(json.dumps({**experiment(seed), "seconds": time.process_time() - clock}), encoding="utf-8")
        results.append(json.loads(path.read_text(encoding="utf-8")))
    seconds = sum(one.pop("seconds") for one in results)
    planted = f"{PLANTED} features of one channel by {SHIFT:g} sd in each of {PERTURBATIONS} perturbations"
    print(f"{experiments} simulated experiments; planted: {planted}. Areas under the ROC curve, and accuracy.\n")
    print("\n".join(lines(results)))
    print(f"\nBrackets: 95 %, other experiments. {seconds:.0f} CPU seconds.")


if __name__ == "__main__":
    main(sys.argv[1:])
