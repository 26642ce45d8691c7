"""Every named protocol of others on the real plates at hand: `python -m benchmarks.protocols [--write docs/measured/protocols.csv]`.

CPJUMP1's two on its three plates at hand (`IMPASTO_DATA/profiles`; the fourth is not there), EFAAR's and CWA-MSN's on its phenotypes,
CellPainTR's and Arevalo's on five microscopes, whose wells are standardised to their controls. Beside each stand what was published and on
what. Nothing here repeats a published table but CPJUMP1's, and that with three of four plates.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import anndata
import pandas as pd

import impasto as im
from impasto.evaluation.result import Result
from impasto.texts import write_csv

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("IMPASTO_DATA", ROOT.parent / "shared" / "data"))
LATE = ("BR00117010", "BR00117011", "BR00117012")
"""The plates of U2OS after 48 hours that are at hand."""
TARGETS = "compounds/JUMP-Target-1_compound_metadata.tsv"


@dataclass(frozen=True)
class Protocol:
    """A protocol, what it is run on, and what was published.

    Attributes
    ----------
    name, task
        As `--protocol` and the command name them.
    of
        The plates.
    made
        Makes the scores.
    metrics
        How the names of those begin that are shown.
    published
        Words; empty where nothing is comparable.

    """

    name: str
    task: str
    of: str
    made: Callable[[], Result]
    metrics: tuple[str, ...]
    published: str = ""


@cache
def late() -> anndata.AnnData:
    """CPJUMP1's three plates of 48 hours, with the targets of its compounds."""
    profiles = im.read(DATA / "profiles" / "cpjump1_u2os_compound.parquet")
    kept = profiles[profiles.obs["plate"].astype(str).isin(LATE)].copy()
    targets = pd.read_csv(DATA / TARGETS, sep="\t").set_index("broad_sample")["target_list"]
    kept.obs["targets"] = kept.obs["perturbation"].astype(str).map(targets).to_numpy()
    return kept


@cache
def phenotypes() -> anndata.AnnData:
    """CPJUMP1's 15 phenotypes of CRISPR guides and compounds; no well of them is a control."""
    return im.read(ROOT / "data" / "phenotypes" / "cpjump1_phenotypes.parquet")


@cache
def guides() -> anndata.AnnData:
    """The guides of U2OS, clipped and whitened as EFAAR does it."""
    whole = phenotypes()
    kept = whole[(whole.obs["perturbation_type"] == "crispr") & (whole.obs["cell_line"] == "U2OS")].copy()
    im.pp.clip(kept)
    im.pp.tvn(kept, on="all", coral="efaar")
    return kept


@cache
def standardized() -> anndata.AnnData:
    """The phenotypes, standardised over all wells and clipped."""
    wells = phenotypes().copy()
    im.pp.standardize(wells, on="all")
    im.pp.clip(wells)
    return wells


@cache
def measured() -> anndata.AnnData:
    """Plates of one layout from five microscopes; half of their controls judge."""
    plates = im.concat([im.read(path) for path in sorted((ROOT / "data" / "microscopes").glob("*.parquet"))])
    im.pp.spare(plates, share=0.5)
    im.pp.select(plates)
    return plates


@cache
def microscopes() -> anndata.AnnData:
    """These plates, standardised to the other half."""
    plates = measured().copy()
    im.pp.standardize(plates)
    im.pp.clip(plates)
    return plates


def protocols(scratch: Path) -> Iterator[Protocol]:
    """All of them, in the order of docs/protocols.md; `scratch` keeps a table that one of them reads."""
    three, last = "three of CPJUMP1's four plates", "mAP less the last prevalence"
    yield Protocol(
        "cpjump1-replicability",
        "replicates",
        three,
        lambda: im.tl.replicates(late(), protocol="cpjump1-replicability"),
        (last,),
        ".496 on four plates",
    )
    yield Protocol(
        "cpjump1-matching", "sisters", three, lambda: im.tl.sisters(late(), protocol="cpjump1-matching"), (last,), ".110 on four plates"
    )
    yield Protocol(
        "copairs",
        "replicates",
        three,
        lambda: im.tl.replicates(late(), protocol="copairs"),
        ("mAP",),
    )
    pairs = ROOT / "data" / "relations"
    yield Protocol(
        "efaar",
        "relations",
        "160 genes of CPJUMP1's phenotypes",
        lambda: im.tl.relations(guides(), pairs=pairs, protocol="efaar", statistic="mean"),
        ("recall at 5%",),
        "CORUM .386 on RxRx3-core",
    )
    for name, published in (("rxrx3-core", "AP .267, z 3.55 on RxRx3-core"), ("cwa-msn", "the same")):
        yield Protocol(
            name,
            "compound-gene",
            "CPJUMP1's phenotypes",
            lambda name=name: im.tl.compound_gene(standardized(), protocol=name),  # type: ignore[misc]
            ("AP",),
            published,
        )
    before = scratch / "measured.parquet"
    im.write(measured(), before)
    for name, published in (("cellpaintr-scib", ".76, .53, .64 on JUMP"), ("cellpaintr-eq14", ""), ("arevalo", "figures on JUMP")):
        against = before if name == "cellpaintr-eq14" else None
        for task, run in (("mixing", im.tl.mixing), ("conservation", im.tl.conservation)):
            yield Protocol(
                name,
                task,
                "five microscopes, standardised",
                lambda run=run, name=name, against=against: run(microscopes(), protocol=name, before=against),  # type: ignore[misc]
                ("batch score", "biology score", "overall"),
                published,
            )


def table(scratch: Path) -> pd.DataFrame:
    """One row a score, with its interval and chance. Tables of one concentration have their rows by the maximum alone, without errors."""
    rows = []
    for protocol in protocols(scratch):
        scores = protocol.made().scores
        own = scores[scores["metric"].str.startswith(protocol.metrics) & (scores["group"] == "profiles")]
        own = own[~own["protocol"].str.contains("concentration=(?:unknown|highest)") & ~own["metric"].str.endswith(" sd")]
        rows += [
            {
                "protocol": protocol.name,
                "task": protocol.task,
                "as the task says": score["protocol"],
                "plates": protocol.of,
                "metric": score["metric"],
                "value": _said(score["value"], score["low"], score["high"]),
                "chance": _number(score["chance"]),
                "published": protocol.published,
            }
            for score in own.to_dict("records")
        ]
    return pd.DataFrame(rows)


def _number(value: float) -> str:
    return "" if pd.isna(value) else f"{value:.3f}".replace("0.", ".", 1)


def _said(value: float, low: float, high: float) -> str:
    return _number(value) + ("" if pd.isna(low) else f" [{_number(low)}, {_number(high)}]")


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path, help="a table of the figures, with this command and the day")
    chosen = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as scratch:
        made = table(Path(scratch))
    print(made.to_string(index=False))
    if chosen.write:
        made.insert(0, "command", "python -m benchmarks.protocols")
        made.insert(1, "run on", pd.Timestamp.now().date().isoformat())
        write_csv(made, chosen.write)


if __name__ == "__main__":
    main()
