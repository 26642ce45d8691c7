"""Do intervals hold on real tables? Labels that were shuffled mean nothing, so the interval of their score should hold chance.

CPJUMP1 sisters by the published lists of targets, CPJUMP1 replicates against other compounds of their plate, BBBC021 mechanisms by
compound, and CRISPR phenotypes of CPJUMP1 with STRING. Tables are those of `../shared/data`, or of a folder in IMPASTO_DATA.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import anndata
import numpy as np
import pandas as pd

from benchmarks.calibration_rows import LEVEL, Job, Seen
from impasto import profiles as tables
from impasto import schema, wells
from impasto.evaluation import mechanism, relations, replicates, sisters
from impasto.evaluation.result import OWN, Result

SECTION = "shuffled labels"
DATA = Path(os.environ.get("IMPASTO_DATA", Path(__file__).parents[2] / "shared" / "data"))
CPJUMP1 = DATA / "profiles/cpjump1_u2os_compound.parquet"
TARGETS = DATA / "compounds/JUMP-Target-1_compound_metadata_targets.tsv"
BBBC021 = DATA / "profiles/bbbc021_wells.parquet"
PHENOTYPES = DATA / "profiles/cpjump1_phenotypes.parquet"
STRING = DATA / "kg/stringdb_pairs.csv.gz"
SHUFFLES = 199


def _treated(path: Path) -> anndata.AnnData:
    """The treated wells of a table; features that are finite."""
    table = tables.read(path)
    table = table[wells.treated(table.obs)]
    return table[:, np.isfinite(np.asarray(table.X)).all(axis=0)].copy()


@cache
def _compounds() -> anndata.AnnData:
    """The median of each CPJUMP1 compound, with its published targets."""
    table = _treated(CPJUMP1)
    lists = pd.read_csv(TARGETS, sep="\t").drop_duplicates("InChIKey").set_index("InChIKey")["target_list"]
    values = pd.DataFrame(np.asarray(table.X)).groupby(table.obs["inchikey"].astype(str).to_numpy()).median()
    obs = pd.DataFrame({schema.PERTURBATION: values.index, "targets": lists.reindex(values.index).to_numpy()})
    obs = obs.assign(**{schema.CONTROL_TYPE: schema.TRT, schema.PERTURBATION_TYPE: schema.COMPOUND}).rename(index=str)
    named = obs["targets"].notna().to_numpy()
    return anndata.AnnData(X=values.to_numpy(dtype=np.float32), obs=obs)[named].copy()


@cache
def _wells(path: Path, only: str | None = None) -> anndata.AnnData:
    table = _treated(path)
    return table if only is None else table[(table.obs[schema.PERTURBATION_TYPE] == only).to_numpy()].copy()


def _dice(run: int) -> np.random.Generator:
    """Of no seed that a task is given: its first shuffle would take this one back."""
    return np.random.default_rng([run, 17])


def _shuffled(table: anndata.AnnData, column: str, of: str, *, run: int) -> anndata.AnnData:
    """The table with a column that goes with another one (mechanism with compound) given to others of it."""
    known = table.obs[of].notna()
    first = pd.Series(table.obs[column][known].to_numpy(), index=table.obs[of][known].astype(str))
    first = first[~first.index.duplicated()].sort_index()
    values = dict(zip(first.index, _dice(run).permutation(first.to_numpy(dtype=object)), strict=True))
    made = table.copy()
    made.obs[column] = table.obs[of].astype("string").map(values)
    return made


def _figures(what: str, result: Result, metric: str, *, chance: bool) -> list[Seen]:
    row = result.scores[(result.scores["group"] == OWN) & (result.scores["metric"] == metric)].iloc[0]
    truth = float(row["chance"]) if chance else float("nan")
    what = f"{what}: {metric} ({row['unit']}, {int(row['clusters'])})"
    return [
        Seen(what, "covers", "coverage", float(row["value"]), float(row["low"]), float(row["high"]), truth),
        Seen(what, "p_chance <= .05", "share", float(row["p_chance"] <= LEVEL)),
        Seen(what, "mean", "shown", float(row["value"])),
        Seen(what, "mean chance", "shown", float(row["chance"])),
    ]


def of_sisters(run: int) -> list[Seen]:
    """Lists of targets go to other compounds."""
    table = _shuffled(_compounds(), "targets", schema.PERTURBATION, run=run)
    result = sisters.evaluate(table, protocol="all", by="targets", shuffles=SHUFFLES, seed=run)
    return _figures("CPJUMP1 sisters", result, "mAP signed cosine", chance=True)


def of_replicates(run: int) -> list[Seen]:
    """Compounds are shuffled within plates."""
    table, rng = _wells(CPJUMP1).copy(), _dice(run)
    plate, _ = wells.plates(table.obs)
    given = np.arange(table.n_obs)
    for code in np.unique(plate):
        rows = np.flatnonzero(plate == code)
        given[rows] = rng.permutation(rows)
    for column in (schema.PERTURBATION, "inchikey", "perturbation_name"):
        if column in table.obs:
            table.obs[column] = table.obs[column].astype(str).to_numpy()[given]
    result = replicates.evaluate(table, protocol="plate-others", shuffles=SHUFFLES, seed=run, with_baselines=False)
    return _figures("CPJUMP1 replicates, others", result, "mAP", chance=True)


def of_mechanism(run: int) -> list[Seen]:
    """Mechanisms go to other compounds, with all their doses."""
    table = _wells(BBBC021)
    result = mechanism.evaluate(_shuffled(table, schema.MOA, "perturbation_name", run=run), draws=20, shuffles=SHUFFLES, seed=run)
    return _figures("BBBC021 mechanism", result, "accuracy NSC", chance=False)


def of_relations(run: int) -> list[Seen]:
    """Genes change their names."""
    table = _shuffled(_wells(PHENOTYPES, schema.CRISPR), schema.GENE, schema.GENE, run=run)
    result = relations.evaluate(table, pairs=str(STRING), thresholds=(0.05,), draws=SHUFFLES, seed=run)
    return _figures("CRISPR phenotypes, STRING", result, "recall at 5%", chance=True)


def jobs() -> list[Job]:
    """Four real tables; one that is missing is skipped."""
    about = "the data of the benchmarks; IMPASTO_DATA names their folder"
    made = {
        "CPJUMP1 sisters": (of_sisters, (CPJUMP1, TARGETS), 0, 100),
        "BBBC021 mechanism": (of_mechanism, (BBBC021,), 10, 100),
        "CRISPR phenotypes, STRING": (of_relations, (PHENOTYPES, STRING), 2, 220),
        "CPJUMP1 replicates, others": (of_replicates, (CPJUMP1,), 0, 60),
    }
    return [Job(SECTION, name, run, ci, full, needs, about) for name, (run, needs, ci, full) in made.items()]
