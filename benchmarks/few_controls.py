"""How many controls does a plate's scale need? Replicates found among other perturbations, by controls a plate and by statistic.

    python -m benchmarks.few_controls [--seeds 8]

Three simulated plates of 36 active and 36 inert perturbations (`benchmarks.hits`); all controls are learned from. Of each statistic:

    found       mean average precision of active perturbations among the others of their plates
    inert       that of inert ones among the controls of their plates, beside chance: below it, wells of a plate look alike
    magnified   the share of the squared values of treated wells that six of the 120 features hold; .05 if all had the same
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Sequence

import anndata
import numpy as np
import pandas as pd

from benchmarks import hits
from impasto.correction.steps import apply
from impasto.evaluation import replicates
from impasto.progress import track

CONTROLS = (4, 6, 8, 10, 12, 16, 24, 48)
STATISTICS = {"median, MAD": {}, "mean, sd": {"statistic": "mean"}, "all wells": {"on": "all"}}


def of_plates(controls: int, settings: dict[str, str], *, seed: int) -> tuple[float, float, float, float]:
    """Found, inert, chance and magnified of one simulated set of plates."""
    plates = hits.simulate_plates(seed=20_000 + seed, controls=controls, spare=False)
    after, _, _ = apply(plates, [{"method": "standardize", **settings}])
    others, among = (_per(after, protocol) for protocol in ("plate-others", "plate-controls"))
    inert = among.index.str.startswith(hits.INERT)
    energy = np.sort((np.asarray(after.X, dtype=np.float64)[(after.obs["control_type"] == "trt").to_numpy()] ** 2).mean(axis=0))
    found = others["mean_average_precision"][others.index.str.startswith(hits.ACTIVE)].mean()
    low, chance = (among[column][inert].mean() for column in ("mean_average_precision", "chance"))
    return float(found), float(low), float(chance), float(energy[-6:].sum() / energy.sum())


def _per(profiles: anndata.AnnData, protocol: replicates.Protocol) -> pd.DataFrame:
    result = replicates.evaluate(profiles, protocol=protocol, draws=1, shuffles=0, with_baselines=False)
    return result.per_group.set_index("perturbation")


def few_controls(seeds: int, /) -> pd.DataFrame:
    """One row a number of controls and statistic, means over `seeds` sets of plates with the error of `found`."""
    rows = []
    for controls in track(CONTROLS, what="controls a plate", unit="numbers"):
        for name, settings in STATISTICS.items():
            made = np.array([of_plates(controls, settings, seed=seed) for seed in range(seeds)])
            error = made[:, 0].std(ddof=1) / np.sqrt(seeds)
            rows.append((controls, name, *made.mean(axis=0).round(3), round(float(error), 3)))
    return pd.DataFrame(rows, columns=["controls", "statistic", "found", "inert", "chance", "magnified", "error"])


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=8)
    seeds = parser.parse_args(arguments).seeds
    if seeds < 2:
        parser.error(f"--seeds {seeds}: two are needed for an error")
    warnings.simplefilter("ignore")
    print(few_controls(seeds).to_string(index=False))


if __name__ == "__main__":
    main()
