"""Do the nulls of percent replicating, grit, distributions, differential features and guides hold on real tables? Labels are shuffled.

    python -m benchmarks.nulls [--data ../shared/data/profiles] [--shuffles 20]

Labels of treated wells and controls are shuffled within plates, so no well means anything; the share with p of .05 or less is averaged
over shuffles, with its standard error. Guides of the phenotypes are shuffled as a whole: forty of them play non-targeting guides. The
phenotypes have no control wells, so 24 wells of each plate play them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import anndata
import numpy as np

import impasto as im
from impasto import wells

CONTROLS_PLAYED = 24


def tables(folder: Path, /) -> dict[str, anndata.AnnData]:
    """The real tables, clipped: CPJUMP1 at 48 h, BBBC021 in units of its plates' spread, phenotypes of U2OS knock-outs."""
    compounds = im.read(folder / "cpjump1_u2os_compound.parquet")
    compounds = compounds[compounds.obs["time_h"].astype(str).str.startswith("48").to_numpy()].copy()
    weeks = im.pp.standardize(im.read(folder / "bbbc021_wells.parquet"), on="all", confounded=True)
    genes = im.read(folder / "cpjump1_phenotypes.parquet")
    chosen = (genes.obs["perturbation_type"] == "crispr") & (genes.obs["cell_line"] == "U2OS")
    return {"CPJUMP1": im.pp.clip(compounds), "BBBC021": im.pp.clip(weeks), "phenotypes": genes[chosen.to_numpy()].copy()}


def shuffled(profiles: anndata.AnnData, rng: np.random.Generator, /) -> anndata.AnnData:
    """The same values, rows moved within their plate; a table without controls gets some first."""
    data = profiles.copy()
    plate, _ = wells.plates(data.obs)
    if not wells.negative(data.obs).any():
        kind = np.array(["trt"] * data.n_obs, dtype=object)
        for code in np.unique(plate):
            kind[rng.permutation(np.flatnonzero(plate == code))[:CONTROLS_PLAYED]] = "negcon"
        data.obs["control_type"] = kind
    order = np.arange(data.n_obs)
    for code in np.unique(plate):
        rows = np.flatnonzero(plate == code)
        order[rows] = rng.permutation(rows)
    data.X = data.X[order]
    data.uns = {}
    return data


def shares(data: anndata.AnnData, seed: int, /) -> dict[str, float]:
    """The share with p of .05 or less of each task."""
    found = {}
    result = im.tl.percent_replicating(data, shuffles=0, seed=seed, with_baselines=False)
    found["percent replicating"] = float(result.per_group["replicating"].mean())
    p = im.tl.grit(data, seed=seed, with_baselines=False).per_group["p_value"]
    if p.notna().any():
        found["grit"] = float((p <= 0.05).mean())
    least = 3 if result.per_group["wells"].max() >= 3 else 2
    found["energy"] = float(
        (im.tl.distributions(data, least=least, draws=999, seed=seed, with_baselines=False).per_group["p"] <= 0.05).mean()
    )
    features = im.tl.differential_features(data, seed=seed).tables["features"]
    found["features"] = float((features["p"] <= 0.05).mean())
    return found


def guides(data: anndata.AnnData, rng: np.random.Generator, /) -> float:
    """The share of guides with p of .05 or less where forty guides at random play the non-targeting ones."""
    names = data.obs["reagent_id"].astype(str)
    played = names.isin(rng.choice(names.unique(), 40, replace=False)).to_numpy()
    chosen = data.copy()
    chosen.obs["control_type"] = np.where(played, "negcon", "trt")
    return float((im.tl.guides(chosen, guide="reagent_id", shuffles=0).per_group["p"] <= 0.05).mean())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/profiles"))
    parser.add_argument("--shuffles", type=int, default=20)
    given = parser.parse_args()
    for name, table in tables(given.data).items():
        rng = np.random.default_rng(0)
        every = [shares(shuffled(table, rng), seed) for seed in range(given.shuffles)]
        if name == "phenotypes":
            every = [{**one, "guides": guides(table, rng)} for one in every]
        for task in every[0]:
            values = np.array([one[task] for one in every])
            print(f"| {name} | {task} | {values.mean():.3f} ± {values.std(ddof=1) / np.sqrt(len(values)):.3f} |", flush=True)


if __name__ == "__main__":
    main()
