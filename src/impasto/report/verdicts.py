"""What an assay came to, in a few sentences: the terminal prints them last, and the report opens with them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import pandas as pd

from impasto import border, doses, schema
from impasto.assay import check, warnings
from impasto.assay.check import Check
from impasto.evaluation.hits import SPARED
from impasto.plates import quarantine
from impasto.report import untested
from impasto.report.collect import Ran, of_verb
from impasto.statistics import interval


@dataclass(frozen=True)
class Share:
    """So many of so many, with the interval of the share.

    Attributes
    ----------
    count, of
        How many of how many.
    low, high
        The 95 % interval of the share.

    """

    count: int
    of: int
    low: float
    high: float

    @classmethod
    def made(cls, count: int, of: int, /, *, unit: str) -> Share:
        """With Wilson's interval.

        Parameters
        ----------
        count, of
            How many of how many.
        unit
            What was sampled.

        Returns
        -------
        Share
            The share.

        """
        around = interval.wilson(count, of, unit=unit)
        low, high = (float("nan") if end is None else end for end in (around.low, around.high))
        return cls(count, of, low, high)

    def percent(self) -> str:
        """The interval in words.

        Returns
        -------
        str
            As `1 to 9 %`.

        """
        return f"{100 * self.low:.0f} to {100 * self.high:.0f} %"


@dataclass(frozen=True)
class Verdicts:
    """What came out; None where the run has no such stage.

    Attributes
    ----------
    sites
        Sites left out, of all.
    hits
        Perturbations called, of those tested.
    cannot
        Why none could be called; empty where one could.
    spared
        Spared control positions that the same test calls.
    replicates
        Replicate score of the profiles, of position only, and chance.
    protocol
        How replicates were ranked.
    curves
        Compounds with a dose curve, of those tested for one.
    benchmarks
        The lowest and the highest benchmark dose.
    dose_unit
        Of all doses.
    rate
        The false discovery rate.
    cells
        Verdict on the cells (whole, part, both, none) -> how many perturbations; empty where cells were not asked.
    untested
        Planned tests of which no well is left.

    """

    sites: Share | None
    hits: Share | None
    cannot: str
    spared: Share | None
    replicates: dict[str, float]
    protocol: str
    curves: Share | None
    benchmarks: tuple[float, float] | None
    dose_unit: str
    rate: float
    cells: dict[str, int] = field(default_factory=dict)
    untested: list[str] = field(default_factory=list)

    def values(self) -> dict[str, Any]:
        """All of it as plain values.

        Returns
        -------
        dict
            As JSON holds them.

        """
        return asdict(self)

    def sentences(self) -> list[str]:
        """The verdicts in words.

        Returns
        -------
        list[str]
            Sites left out, hits, the replicate score, and benchmark doses.

        """
        return [line for line in (self.of_sites(), self.of_hits(), self.of_cells(), self.of_replicates(), self.of_doses()) if line]

    def of_sites(self) -> str:
        """What was left out.

        Returns
        -------
        str
            Empty for tables of profiles.

        """
        if not self.sites:
            return ""
        line = f"{self.sites.count} of {self.sites.of} sites were left out for their quality"
        if not self.untested:
            return line
        tests = "planned test" if len(self.untested) == 1 else "planned tests"
        return f"{line}, and with them {len(self.untested)} {tests} ({schema.listed(self.untested)})"

    def of_hits(self) -> str:
        """How many perturbations differ, or why none could.

        Returns
        -------
        str
            With the calibration beside it.

        """
        if self.hits is None:
            return f"no hit could be called: {self.cannot}" if self.cannot else ""
        line = (
            f"{self.hits.count} of {self.hits.of} tests differ from their plates' controls (false discovery {self.rate:.0%}; share "
            f"{self.hits.percent()})"
        )
        return f"{line}; {self.of_spared()}" if self.spared else line

    def of_cells(self) -> str:
        """Whether all cells respond or a part of them.

        Returns
        -------
        str
            Empty where cells were not asked.

        """
        if not self.cells:
            return ""
        count = {verdict: self.cells.get(verdict, 0) for verdict in ("whole", "part", "both")}
        return (
            f"of {sum(self.cells.values())} tests all cells respond alike in {count['whole']}, a part of them in {count['part']}, the well "
            f"with its cells unequally in {count['both']} (false discovery {self.rate:.0%} over both questions)"
        )

    def of_spared(self) -> str:
        """The calibration: what the same test calls where nothing was done.

        Returns
        -------
        str
            Empty where no position could play.

        """
        if self.spared is None:
            return ""
        return f"{self.spared.count} of {self.spared.of} spared control positions pass p <= .05 ({self.spared.percent()}; 5 % expected)"

    def of_replicates(self) -> str:
        """The replicate score beside what position alone scores.

        Returns
        -------
        str
            Empty where replicates were not scored.

        """
        if not self.replicates:
            return ""
        return "replicate mAP " + ", ".join(f"{group} {value:.3f}" for group, value in self.replicates.items())

    def of_doses(self) -> str:
        """How many compounds have a dose curve.

        Returns
        -------
        str
            Empty where no compound was tested for one.

        """
        if self.curves is None:
            return "no compound has the doses for a curve"
        line = f"{self.curves.count} of {self.curves.of} compounds with several doses have a dose curve"
        return "; ".join(part for part in (line, self.of_benchmarks()) if part)

    def of_benchmarks(self) -> str:
        """The lowest and the highest benchmark dose.

        Returns
        -------
        str
            Empty where there is none.

        """
        if not self.benchmarks:
            return ""
        low, high = (f"{value:.2g}" for value in self.benchmarks)
        return f"benchmark doses {low if low == high else f'{low} to {high}'} {doses.shown(self.dose_unit)}".rstrip()


def of(stages: list[Ran], /) -> Verdicts:
    """The verdicts of a run.

    Parameters
    ----------
    stages
        Its finished stages.

    Returns
    -------
    Verdicts
        What they say.

    """
    evaluated = {str(stage.record["settings"].get("task")): stage for stage in of_verb(stages, "evaluate")}
    design = of_design(stages)
    hits, cannot, spared = _hits(evaluated.get("hits"), design)
    scores, protocol = _replicates(evaluated.get("replicates"))
    curves, ends = _curves(evaluated.get("hits"))
    unit, rate = (design.dose_unit, design.rate) if design else ("", 0.05)
    cells = _cells(evaluated.get("subpopulations"))
    return Verdicts(_sites(stages), hits, cannot, spared, scores, protocol, curves, ends, unit, rate, cells, untested.tests(stages))


def of_design(stages: list[Ran], /) -> Check | None:
    """The design of a run's assay.

    Parameters
    ----------
    stages
        Its finished stages.

    Returns
    -------
    Check | None
        None where the run is no assay.

    """
    looked = of_verb(stages, "design")
    return Check.read(looked[-1].result / check.FILE) if looked else None


def warnings_of(stages: list[Ran], verdicts: Verdicts, /) -> list[str]:
    """What stands at the top of a report: what the design warns of, and what the images add.

    Parameters
    ----------
    stages
        The finished stages.
    verdicts
        What they say.

    Returns
    -------
    list[str]
        Sentences.

    """
    design = of_design(stages)
    said = list(design.warnings) if design else []
    if verdicts.hits is None and verdicts.cannot and not (design and design.cannot):
        said.insert(0, f"No hit was called. {verdicts.cannot[:1].upper()}{verdicts.cannot[1:]}")
    many = warnings.of_sites(verdicts.sites.count, verdicts.sites.of) if verdicts.sites else ""
    return [line for line in (*said, untested.sentence(verdicts.untested), many) if line]


def _sites(stages: list[Ran]) -> Share | None:
    checked = of_verb(stages, "check")
    if not checked:
        return None
    plates = border.parquet(checked[-1].result / "plates.parquet")
    keys = [word for word in (schema.SOURCE, schema.BATCH, schema.PLATE) if word in plates]
    total = int(plates.drop_duplicates(keys)["sites"].sum())
    return Share.made(len(quarantine.read(checked[-1].result / "quarantine.csv")), total, unit="site")


def _hits(stage: Ran | None, design: Check | None) -> tuple[Share | None, str, Share | None]:
    if stage is None:
        return None, "", None
    scores = pd.read_csv(stage.result / "results.csv")
    per = border.parquet(stage.result / "per_group.parquet")
    played = scores[scores["group"] == SPARED]
    spared = None
    if len(played):
        count = int(played["n"].iloc[0])
        spared = Share.made(round(float(played["value"].iloc[0]) * count), count, unit="position")
    if "hit" not in per:
        return None, "the same test calls too many of the spared control positions, where nothing was done (NOT CALIBRATED).", spared
    if design is not None and design.cannot:
        return None, design.warnings[0] if design.warnings else "", spared
    return Share.made(int(per["hit"].sum()), len(per), unit="perturbation"), "", spared


def _cells(stage: Ran | None) -> dict[str, int]:
    if stage is None:
        return {}
    return {str(verdict): int(n) for verdict, n in border.parquet(stage.result / "per_group.parquet")["verdict"].value_counts().items()}


def _replicates(stage: Ran | None) -> tuple[dict[str, float], str]:
    if stage is None:
        return {}, ""
    rows = pd.read_csv(stage.result / "results.csv")
    rows = rows[rows["metric"] == "mAP"]
    shown = rows[rows["group"].isin(["profiles", "position only", "shuffled labels"])]
    scores = {str(group): float(value) for group, value in zip(shown["group"], shown["value"], strict=True)}
    if len(rows) and pd.notna(rows["chance"].iloc[0]):
        scores["chance"] = float(rows["chance"].iloc[0])
    return scores, str(rows["protocol"].iloc[0]) if len(rows) else ""


def _curves(stage: Ran | None) -> tuple[Share | None, tuple[float, float] | None]:
    path = stage.result / "dose_response.parquet" if stage else None
    if path is None or not path.exists():
        return None, None
    table = border.parquet(path)
    tested = table[table["p_value"].notna()]
    if tested.empty:
        return None, None
    reached = tested.loc[tested["curve"], "benchmark_concentration"].dropna()
    ends = (float(reached.min()), float(reached.max())) if len(reached) else None
    return Share.made(int(tested["curve"].sum()), len(tested), unit="compound"), ends
