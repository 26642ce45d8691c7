"""Do p-values hold after every corrector? Inert perturbations on simulated plates, and inert positions of real ones.

Simulated: three plates of 24 controls, half of them spared, nothing acts. With all controls fitted on, a run must say that it is not
calibrated. Real: three CPJUMP1 plates, 20 of whose DMSO positions play compounds; 22 are fitted on, 22 are spared.
"""

from __future__ import annotations

import warnings
from functools import cache, partial
from pathlib import Path

import anndata

from benchmarks import hits
from benchmarks.calibration_rows import LEVEL, Job, Seen
from impasto.correction.steps import correct
from impasto.evaluation import replicates

SECTION = "correctors"
ALIKE = ("Harmony", "ComBat", "inverse normal", "position")
"""Chains that learn from all wells alike, whatever was done to them."""
REAL = Path(__file__).parents[1] / "data/demo/cpjump1_u2os_compound.parquet"
INERT = 20


def of_simulated(chain: str, run: int) -> list[Seen]:
    """Hits after one chain of correctors, of plates on which nothing acts."""
    spared, fitted = (_corrected(chain, run, spare=spare) for spare in (True, False))
    made = hits.calls_of(spared, seed=run)
    what = f"{chain}, simulated"
    return [
        Seen(what, "hits, p <= .05", "share", float((made.per["p"] <= LEVEL).mean()), of=72),
        Seen(what, "fitted controls: not calibrated", "always", float(not hits.calls_of(fitted, seed=run).calibrated)),
    ]


def of_replicates(chain: str, run: int) -> list[Seen]:
    """Replicates after one chain, on the same plates. All perturbations of a run share their few controls, so it takes many runs."""
    result = replicates.evaluate(_corrected(chain, run, spare=True), draws=199, shuffles=0, seed=run, with_baselines=False)
    share = float((result.per_group["p_value"] <= LEVEL).mean())
    return [Seen(f"{chain}, simulated", "replicates, p <= .05", "share", share, of=72)]


def _corrected(chain: str, run: int, *, spare: bool) -> anndata.AnnData:
    profiles = hits.simulate_plates(seed=6000 + run, active=0, spare=spare)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        after, _, _ = correct(profiles, hits.CHAINS[chain], spare=0.0)
    return after


def of_whole_plates(chain: str, run: int) -> list[Seen]:
    """Replicates after one chain, of plates of 300 inert wells and 64 controls."""
    profiles = hits.simulate_plates(seed=6500 + run, active=0, perturbations=300, controls=64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        after, _, _ = correct(profiles, hits.CHAINS[chain], spare=0.0)
    p = replicates.evaluate(after, draws=199, shuffles=0, seed=run, with_baselines=False).per_group["p_value"]
    return [Seen(f"{chain}, simulated, whole plates", "replicates, p <= .05", "share", float((p <= LEVEL).mean()), of=300)]


@cache
def _real() -> anndata.AnnData:
    return hits.three_plates(REAL)


def of_real(chain: str, run: int) -> list[Seen]:
    """One deal of the DMSO positions of real plates after one chain of correctors."""
    made = hits.of_deal(_real(), chain, deal=run)
    what, calls = f"{chain}, CPJUMP1", bool(made["calibrated"])
    # A run that says that it is not calibrated calls nothing.
    return [
        Seen(what, "hits, p <= .05", "inert", made["inert"] if calls else 0.0, of=INERT),
        Seen(what, "hits, p <= .05, runs that call", "shown", made["inert"] if calls else float("nan"), of=INERT),
        Seen(what, "inert, p1 alone", "shown", made["inert, p1 alone"], of=INERT),
        Seen(what, "hits among inert", "shown", made["hits among inert"] if calls else 0.0, of=INERT),
        Seen(what, "hits among compounds", "shown", made["hits among compounds"] if calls else 0.0, of=306),
        Seen(what, "says not calibrated", "shown", float(not calls)),
    ]


def jobs() -> list[Job]:
    """Every chain of correctors on simulated plates, then on real ones."""
    return [
        *(Job(SECTION, f"simulated, {chain}", partial(of_simulated, chain), 2, 40) for chain in hits.CHAINS),
        *(Job(SECTION, f"replicates, {chain}", partial(of_replicates, chain), 2, 160) for chain in hits.CHAINS),
        *(Job(SECTION, f"whole plates, {chain}", partial(of_whole_plates, chain), 0, 20) for chain in ALIKE),
        *(
            Job(
                SECTION,
                f"CPJUMP1, {chain}",
                partial(of_real, chain),
                int(chain == "standardize"),
                12,
                (REAL,),
                "it is part of the repository",
            )
            for chain in hits.CHAINS
        ),
    ]
