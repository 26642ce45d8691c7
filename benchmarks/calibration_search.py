"""Does search hold? Queries by the profile of inert wells on simulated plates, and queries in words on the index of the demo.

The index of the demo is the one that `impasto demo --out runs/demo` leaves; its queries are those of `benchmarks.search_calibration`.
Queries about nothing are judged; what an index should tell apart is shown.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from benchmarks import hits, search_calibration
from benchmarks.calibration_rows import LEVEL, Job, Seen
from impasto import schema
from impasto.atlas import building
from impasto.atlas import index as indexes
from impasto.correction.steps import correct

SECTION = "search"
DEMO = Path("runs/demo/index")
NOTHING = ("gibberish", "not in the index", "gene of gibberish", "spared control well")
"""Words in the names of queries about nothing."""
OTHER_FORM = "gibberish against whole prompts"
CASE = "differ from a random query, p <= .05"


def of_simulated(run: int) -> list[Seen]:
    """Wells of three plates, asked by their profiles. Nothing else is like an inert well or a spared control."""
    profiles, _, _ = correct(hits.simulate_plates(seed=8000 + run), hits.CHAINS["standardize"], spare=0.0)
    with tempfile.TemporaryDirectory() as folder:
        building.build(profiles, Path(folder) / "index")
        opened = indexes.open_index(Path(folder) / "index")
        rows = opened.rows
        named, of_wells = rows[schema.PERTURBATION].astype(str), rows["level"] == "well"
        asked = {
            "inert well": np.flatnonzero(of_wells & named.str.startswith(hits.INERT)),
            "spared control well": opened.judges,
        }
        return [_seen(f"simulated: {what}", search_calibration.of_wells(opened, chosen, seed=run)) for what, chosen in asked.items()]


def _seen(what: str, p: list[float]) -> Seen:
    known = np.array(p, dtype=float)[np.isfinite(p)]
    return Seen(what, CASE, "share", float((known <= LEVEL).mean()), of=len(known))


def of_demo(run: int) -> list[Seen]:
    """Every kind of query of the demo's index, up to a hundred of each."""
    figures = []
    for row in search_calibration.search_calibration(DEMO, run):
        what = row.what.removeprefix("search: ").split(" (")[0]
        nothing = any(word in what for word in NOTHING) and what != OTHER_FORM
        asked = int(row.what.rsplit("(", 1)[1].split()[0])
        figures.append(Seen(f"demo: {what}", CASE, "share" if nothing else "shown", row.value, of=asked))
    return figures


def jobs() -> list[Job]:
    """Simulated plates, and the demo's index where it was made."""
    return [
        Job(SECTION, "simulated plates", of_simulated, 0, 10),
        Job(SECTION, "index of the demo", of_demo, 0, 1, (DEMO,), "impasto demo --out runs/demo makes it"),
    ]
