"""Plates, pairs and genes with effects of known size, on which the intervals of tasks are counted."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd


def plates(
    seed: int,
    strength: float,
    *,
    perturbations: int = 48,
    classes: int = 12,
    count: int = 3,
    wells: int = 1,
    controls: int = 16,
    batches: int = 1,
    kind: str = "compound",
    labels: bool = False,
    own: float = 0.5,
    width: int = 30,
    same_classes: bool = False,
    same_effects: bool = False,
) -> anndata.AnnData:
    """Plates of one design: a perturbation moves in the direction of its class and in one of its own, by a strength of its own.

    `labels`: besides its class (`moa`) each has a heavy-tailed number of `targets`, those of its class. `same_classes`: the directions of
    classes are those of every other seed, as of arms of chromosomes, which nobody draws. `same_effects`: so is all of an effect, and only
    wells are drawn anew.
    """
    rng = np.random.default_rng([seed, 11])
    drawn = np.random.default_rng(13) if same_effects else rng
    of_class = np.arange(perturbations) % classes
    shared = (np.random.default_rng(11) if same_classes else drawn).normal(size=(classes, width))
    directions = shared[of_class] + own * drawn.normal(size=(perturbations, width))
    effect = strength * directions / np.sqrt(width) * drawn.uniform(0.5, 1.5, size=(perturbations, 1))
    number = np.minimum(12, (rng.pareto(1.2, size=perturbations) * 1.5 + 1).astype(int))
    rows, values = [], []
    for batch in range(batches):
        for plate in range(count):
            place = {"batch": f"B{batch}", "plate": f"B{batch}P{plate}", "perturbation_type": kind}
            rows += [{**place, "perturbation": "DMSO", "control_type": "negcon"}] * controls
            values.append(rng.normal(size=(controls, width)))
            for _ in range(wells):
                for i in range(perturbations):
                    named = {"perturbation": f"c{i:03d}", "control_type": "trt", "moa": f"m{of_class[i]:02d}"}
                    targets = "|".join(f"t{of_class[i]:02d}_{j}" for j in range(number[i]))
                    rows.append({**place, **named, "gene": f"G{i:03d}", "targets": targets})
                values.append(rng.normal(size=(perturbations, width)) + effect)
    obs = pd.DataFrame(rows)
    obs = obs.drop(columns=([] if labels else ["targets"]) + (["gene"] if kind == "compound" else []))
    return anndata.AnnData(X=np.concatenate(values).astype(np.float32), obs=obs.rename(index=str))


def pairs_of(seed: int, strength: float, *, pairs: int = 60, width: int = 16) -> anndata.AnnData:
    """A joint space of as many texts as profiles; with an effect a profile leans to its text."""
    rng = np.random.default_rng([seed, 9])
    texts = rng.normal(size=(pairs, width))
    profiles = rng.normal(size=(pairs, width)) + 0.15 * strength * texts
    names = [f"c{i:02d}" for i in range(pairs)] * 2
    obs = pd.DataFrame({"modality": ["perturbation"] * pairs + ["profile"] * pairs, "perturbation": names, "split": "test"})
    return anndata.AnnData(X=np.concatenate([texts, profiles]).astype(np.float32), obs=obs.rename(index=str))


def compounds_and_genes(seed: int, strength: float, *, compounds: int = 24) -> anndata.AnnData:
    """Genes with strong effects, and compounds that move like the mean of one to three of them, or anywhere."""
    rng = np.random.default_rng([seed, 5])
    genes = plates(seed, 6.0, perturbations=40, classes=40, own=0.0, kind="crispr", controls=6)
    treated = (genes.obs["control_type"] == "trt").to_numpy()
    mean = pd.DataFrame(genes.X[treated]).groupby(genes.obs["gene"][treated].to_numpy()).mean()
    rows, values = [], []
    for compound in range(compounds):
        targets = rng.choice(len(mean), rng.integers(1, 4), replace=False)
        effect = mean.to_numpy()[targets].mean(axis=0) if strength else 0.8 * rng.normal(size=mean.shape[1])
        for plate in range(3):
            place = {"batch": "B0", "plate": f"Q{plate}", "perturbation_type": "compound", "control_type": "trt", "concentration": 1.0}
            rows.append({**place, "perturbation": f"d{compound:02d}", "targets": "|".join(mean.index[targets])})
            values.append(0.3 * effect + rng.normal(size=mean.shape[1]))
    obs = pd.concat([genes.obs.assign(targets=None, concentration=np.nan), pd.DataFrame(rows)], ignore_index=True)
    return anndata.AnnData(X=np.concatenate([genes.X, np.array(values, dtype=np.float32)]), obs=obs.rename(index=str))


def in_batches(seed: int, strength: float, *, classes: int = 24, same_effects: bool = False) -> anndata.AnnData:
    """Two batches of two plates: 24 perturbations in each well of both, each of a class of its own unless `classes` is smaller."""
    return plates(seed, strength, perturbations=24, classes=classes, count=2, batches=2, controls=8, same_effects=same_effects)


def guides(seed: int, strength: float) -> anndata.AnnData:
    """Forty genes of two guides each, and 24 non-targeting guides; a guide moves in the direction of its gene and in one of its own."""
    table = plates(seed, strength, perturbations=80, classes=40, kind="crispr", controls=24)
    controls = (table.obs["control_type"] == "negcon").to_numpy()
    number = table.obs.groupby("plate").cumcount().astype(str)
    names = np.where(controls, "n" + number, table.obs["perturbation"].astype(str))
    table.obs = table.obs.assign(perturbation=names, guide=names, gene=table.obs["moa"].where(~controls))
    return table


def with_counts(seed: int, strength: float) -> anndata.AnnData:
    """Plates whose wells have a count of cells; with an effect it follows the perturbation."""
    table = plates(seed, strength)
    rng = np.random.default_rng([seed, 3])
    names = sorted(set(table.obs["perturbation"]))
    toxicity = dict(zip(names, rng.normal(size=len(names)), strict=True))
    level = table.obs["perturbation"].map(toxicity).to_numpy(dtype=float) * (strength > 0) + rng.normal(size=table.n_obs)
    table.obs["cell_count"] = 500 * np.exp(0.2 * level)
    return table
