"""A calibration: what is red, what is wide, and that runs of another source are not counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from benchmarks.calibration_rows import Job, Row, Seen, carry_on, kept, summed, take_over

from benchmarks import calibrate, calibration_correctors, calibration_page, calibration_rows, calibration_shuffles, calibration_tasks, hits
from impasto.evaluation import tidy
from impasto.evaluation.result import Result
from impasto.statistics import interval


def mean_of(many: int, *, narrower: float = 1.0):
    """The mean of `many` numbers with its t interval, made narrower by a factor."""

    def of_run(run: int) -> list[Seen]:
        values = np.random.default_rng(run).normal(size=many)
        made = interval.around(
            values.mean(), values.var(ddof=1) / many * narrower**2, df=many - 1, unit="u", clusters=many, method="t", share=False
        )
        return [Seen("mean", "no effect", "coverage", values.mean(), made.low, made.high, 0.0)]

    return of_run


def row_of(seen: list[list[Seen]]) -> Row:
    table = pd.DataFrame([figure for run in seen for figure in run], columns=list(Seen._fields))
    (row,) = summed("tasks", table)
    return row


@pytest.mark.parametrize(("narrower", "verdict"), [(1.0, "holds"), (0.5, "red"), (3.0, "wide")])
def test_a_narrow_interval_is_red_and_a_wide_one_is_named(narrower: float, verdict: str) -> None:
    row = row_of([mean_of(12, narrower=narrower)(run) for run in range(150)])
    assert (row.verdict, row.runs) == (verdict, 150)


def test_coverage_by_hand() -> None:
    # Three errors of .93 over 100 runs are 3 sqrt(.93 x .07 / 100) = .0765: red below .8535.
    assert calibration_rows.coverage("s", "w", "c", 85, 100).verdict == "red"
    row = calibration_rows.coverage("s", "w", "c", 86, 100)
    assert (row.verdict, row.value) == ("open", 0.86)
    assert calibration_rows.coverage("s", "w", "c", 93, 100).verdict == "holds"
    assert row.error == pytest.approx(np.sqrt(87 / 102 * 15 / 102 / 100))
    assert calibration_rows.coverage("s", "w", "c", 97, 100).verdict == "holds"
    assert calibration_rows.coverage("s", "w", "c", 98, 100).verdict == "wide"


def test_without_a_truth_the_interval_should_hold_the_mean_over_runs() -> None:
    seen = [[Seen("w", "c", "coverage", value, value - 1, value + 1)] for value in (0.0, 1.0, 5.0)]
    # The mean is 2: only 1 +- 1 reaches it.
    assert row_of(seen).value == pytest.approx(1 / 3)


def test_runs_without_an_interval_are_not_counted() -> None:
    nan = float("nan")
    row = row_of([[Seen("w", "c", "coverage", 0.5, 0.4, 0.6, 0.5)], [Seen("w", "c", "coverage", 0.5, nan, nan, 0.5)]])
    assert (row.value, row.runs) == (1.0, 1)


def test_shares_by_hand() -> None:
    many = np.full(100, 10)
    assert calibration_rows.share("s", "w", "c", np.full(100, 0.05), many, "share").verdict == "holds"
    # 1,000 p-values, .10 of them small: the error is .0095, and .10 - 3 x .0095 is above .06.
    assert calibration_rows.share("s", "w", "c", np.full(100, 0.10), many, "share").verdict == "red"
    # The same share in runs that differ: between 0 and 1 the error is .03, so it could be .06.
    differ = calibration_rows.share("s", "w", "c", np.repeat([0.0, 1.0], [90, 10]), many, "share")
    assert differ.error == pytest.approx(np.std(np.repeat([0.0, 1.0], [90, 10]), ddof=1) / 10)
    assert differ.verdict == "open"
    assert calibration_rows.share("s", "w", "c", np.array([0.10, 0.11]), np.array([20, 20]), "inert").verdict == "red"
    assert calibration_rows.share("s", "w", "c", np.array([0.10, 0.10]), np.array([20, 20]), "inert").verdict == "holds"
    assert calibration_rows.share("s", "w", "c", np.array([1.0, 0.0]), np.array([1, 1]), "always").verdict == "red"
    assert calibration_rows.share("s", "w", "c", np.full(50, 0.8), np.full(50, 10), "inside").verdict == "red"
    assert calibration_rows.share("s", "w", "c", np.full(50, 0.4), np.full(50, 10), "shown").verdict == "shown"
    assert calibration_rows.share("s", "w", "c", np.array([np.nan])[:0], many[:0], "share").runs == 0


def test_runs_are_kept_carried_on_and_dropped_with_their_source(tmp_path: Path) -> None:
    made: list[int] = []

    def of_run(run: int) -> list[Seen]:
        made.append(run)
        return [Seen("w", "none", "share", 0.25, of=4)]

    job = Job("a section", "a: job", of_run, 2, 4)
    assert list(carry_on(tmp_path, job, "old", many=2)) == [0, 1]
    assert list(carry_on(tmp_path, job, "old", many=4)) == [2, 3]
    assert made == [0, 1, 2, 3]
    table = kept(tmp_path, job, "old")
    assert table["run"].tolist() == [0, 1, 2, 3]
    assert table["case"].tolist() == ["none"] * 4
    assert table["of"].tolist() == [4] * 4
    assert kept(tmp_path, job, "new").empty
    assert list(carry_on(tmp_path, job, "new", many=1)) == [0]
    assert kept(tmp_path, job, "old").empty
    assert list(carry_on(tmp_path, job, "new", many=9, until=0.0)) == []


def test_runs_of_another_source_count_where_the_first_and_the_last_come_out_the_same(tmp_path: Path) -> None:
    moved: dict[int, float] = {}
    made: list[int] = []

    def of_run(run: int) -> list[Seen]:
        made.append(run)
        return [Seen("w", "none", "share", 0.1 * run + moved.get(run, 0.0), of=4), Seen("w", "c", "coverage", 0.5, 0.4, float("nan"))]

    job = Job("a section", "a: job", of_run, 2, 4)
    assert not take_over(tmp_path, job, "old")
    list(carry_on(tmp_path, job, "old", many=4))
    made.clear()
    assert take_over(tmp_path, job, "new")
    assert made == [0, 3]
    assert kept(tmp_path, job, "old").empty
    assert sorted(kept(tmp_path, job, "new")["run"].unique()) == [0, 1, 2, 3]
    assert not take_over(tmp_path, job, "new")
    assert list(carry_on(tmp_path, job, "new", many=4)) == []
    # A last run that comes out otherwise: nothing is taken over, and the job begins anew.
    moved[3] = 1e-3
    assert not take_over(tmp_path, job, "newer")
    assert kept(tmp_path, job, "newer").empty
    assert list(carry_on(tmp_path, job, "newer", many=2)) == [0, 1]
    # Another name of a figure, or one figure more, is no equal run either.
    other = Job("a section", "a: job", lambda run: [figure._replace(case="other") for figure in of_run(run)], 2, 4)
    assert not take_over(tmp_path, other, "newest")
    assert not take_over(tmp_path, Job("a section", "a: job", lambda run: of_run(run)[:1], 2, 4), "newest")


def test_the_plan_says_what_is_left_and_how_long_it_takes(tmp_path: Path) -> None:
    job = Job("a section", "a: job", mean_of(12), 2, 30)
    missing = Job("a section", "on data", mean_of(12), 2, 30, (tmp_path / "nowhere",))
    jobs = [(job, "source"), (missing, "source")]
    assert calibrate.plan(jobs, tmp_path, size="full", runs=None)[0] == "a section, a: job: 0 of 30 runs, not timed yet"
    assert calibrate.plan(jobs, tmp_path, size="full", runs=None)[-1] == "0 CPU minutes left, and 1 jobs that were not timed yet"
    list(carry_on(tmp_path, job, "source", many=10))
    table = pd.read_csv(tmp_path / job.file)
    table.assign(seconds=6.0).to_csv(tmp_path / job.file, index=False)
    first, second, last = calibrate.plan(jobs, tmp_path, size="full", runs=None)
    assert first == "a section, a: job: 10 of 30 runs, 6.00 s a run, 2.0 min left"
    assert second.endswith("nowhere is missing")
    assert last == "2 CPU minutes left"


def test_the_digest_counts_what_a_module_takes_its_designs_from() -> None:
    assert calibration_rows._with_imports("benchmarks.calibration_pvalues") == {"calibration_pvalues", "hits"}
    assert calibration_rows._with_imports("benchmarks.calibration_tasks") == {"calibration_tasks", "calibration_designs"}
    first, second = (calibration_rows.digest_of_source(f"benchmarks.{name}") for name in ("calibration_tasks", "calibration_pvalues"))
    assert first != second


def test_a_task_gives_its_interval_its_chance_and_its_p() -> None:
    def run(seed: int, strength: float, shuffles: int) -> Result:
        made = interval.around(0.5, 0.01, df=9, unit="compound", clusters=10, method="jackknife", share=True)
        p = 0.04 if shuffles else None
        return Result.of([tidy.score("t", "p", "profiles", "mAP", 0.5, made, chance=0.4, n=10, p_chance=p)])

    figures = calibration_tasks.of_run("a task", calibration_tasks.Task(run, ("mAP",)), 0)
    assert [(f.what, f.case, f.judged) for f in figures] == [
        ("a task: mAP (compound)", "no effect", "coverage"),
        ("a task: mAP (compound)", calibration_tasks.P_CHANCE, "share"),
        ("a task: mAP (compound)", "an effect", "coverage"),
    ]
    assert figures[0].truth == 0.4
    assert np.isnan(figures[2].truth)
    assert figures[1].value == 1.0
    assert np.isnan(calibration_tasks.of_run("a task", calibration_tasks.Task(run, ("mAP",), exact=False), 0)[0].truth)


def test_every_task_has_a_score_on_its_design() -> None:
    quick = ("relations", "replicates, controls", "cross-modal")
    for name in quick:
        figures = calibration_tasks.of_run(name, calibration_tasks.TASKS[name], 0)
        effect = {f.what: f.value for f in figures if f.case == "an effect"}
        without = {f.what: f.value for f in figures if f.case == "no effect"}
        assert set(effect) == set(without)
        assert all(effect[what] > without[what] for what in effect)


def test_fitted_controls_are_said_not_to_be_calibrated() -> None:
    figures = {f.case: f for f in calibration_correctors.of_simulated("standardize", 0)}
    assert figures["fitted controls: not calibrated"].value == 1.0
    assert figures["hits, p <= .05"].of == 72
    (replicates,) = calibration_correctors.of_replicates("standardize", 0)
    assert (replicates.what, replicates.of) == (figures["hits, p <= .05"].what, 72)
    assert 0 <= figures["hits, p <= .05"].value < 0.3


def test_labels_go_to_other_compounds_with_all_their_wells() -> None:
    profiles = hits.simulate_plates(seed=0, perturbations=30, active=0, plates=2)
    profiles.obs["moa"] = profiles.obs["perturbation"].map(lambda name: None if name == "DMSO" else f"m{int(name.split()[1]) % 5}")
    shuffled = calibration_shuffles._shuffled(profiles, "moa", "perturbation", run=1).obs
    assert shuffled.groupby("perturbation")["moa"].nunique(dropna=False).max() == 1
    first = shuffled.drop_duplicates("perturbation")
    assert sorted(first["moa"].dropna()) == sorted(profiles.obs.drop_duplicates("perturbation")["moa"].dropna())
    assert (shuffled["moa"] != profiles.obs["moa"]).any()


def test_the_page_names_red_and_wide_figures_and_what_was_not_run() -> None:
    rows = [
        Row("tasks", "sisters", "no effect", 0.8, 0.02, 150, "red"),
        Row("tasks", "sisters", "an effect", 0.99, 0.01, 140, "wide"),
        Row("dose", "3 plates", "flat, p <= .05", 0.048, 0.004, 40, "holds"),
        Row("dose", "2 plates", "flat, p <= .05", float("nan"), float("nan"), 0, "shown"),
    ]
    page = calibration_page.text(rows, ["search, index of the demo: skipped"])
    assert "| sisters | .800 ± .020, red | .990 ± .010, wide | 140 to 150 |" in page
    assert "| 3 plates | .048 ± .004 | 40 |" in page
    assert "| 2 plates | - | - |" in page
    assert "Of 3 judged figures: 1 red, 0 open, 1 wide." in page
    assert "Open:" not in page
    assert "- sisters, no effect: .800 ± .020" in page
    assert "- search, index of the demo: skipped." in page
    assert "Wide:" not in page


def test_the_page_shows_the_first_score_of_each_job_and_the_table_beside_it_all() -> None:
    seen = [Seen(what, case, "share", 0.04, of=100) for what in ("first", "second") for case in ("hits, p <= .05", "inert, p1 alone")]
    rows = summed("correctors", pd.DataFrame(seen, columns=list(Seen._fields)).assign(run=0))
    assert [row.leads for row in rows] == [True, True, False, False]
    assert [(row.what, row.case) for row in calibration_page.leading(rows)] == [("first", "hits, p <= .05")]
    asked = [row._replace(section="search", case="differ", verdict=verdict) for row in rows[::2] for verdict in ("holds", "shown")]
    assert [(row.what, row.verdict) for row in calibration_page.leading(asked)] == [("first", "holds"), ("second", "holds")]
    assert calibration_page.table(rows)["what"].tolist() == ["first", "first", "second", "second"]
    assert "leads" not in calibration_page.table(rows)


def test_the_command_ends_with_1_where_a_figure_is_red(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Section:
        SECTION = "tasks"
        __name__ = "benchmarks.calibration_tasks"
        narrower = 1.0

        def jobs(self) -> list[Job]:
            missing = Job("tasks", "on data", mean_of(12), 1, 1, (tmp_path, tmp_path / "nowhere"), "fetch it")
            return [Job("tasks", "means", mean_of(12, narrower=self.narrower), 40, 40), missing, Job("tasks", "large", mean_of(12), 0, 1)]

    section = Section()
    monkeypatch.setattr(calibrate, "SECTIONS", {"tasks": section})
    page = tmp_path / "page.md"
    assert calibrate.main(["--kept", str(tmp_path / "held"), "--write", str(page)]) == 0
    section.narrower = 0.3
    assert calibrate.main(["--kept", str(tmp_path / "narrow")]) == 1
    said = capsys.readouterr().out
    assert f"tasks, on data: skipped, {tmp_path / 'nowhere'} is missing (fetch it)" in said
    assert "tasks, large: only in the full size" in said
    assert "- tasks, on data: skipped" in page.read_text()
    assert pd.read_csv(page.with_suffix(".csv"))["what"].tolist() == ["mean"]
    wrongs = (["--runs", "0"], ["--job", "nothing has this name"], ["--section", "hit"], ["--write", str(tmp_path / "no" / "page.md")])
    for wrong in (*wrongs, ["--kept", str(page)]):
        with pytest.raises(SystemExit) as left:
            calibrate.main(wrong)
        assert left.value.code == 2


def test_all_jobs_advance_together_and_the_page_can_be_written_after_each_round(tmp_path: Path) -> None:
    made: list[tuple[str, int]] = []

    def job_of(name: str, full: int) -> Job:
        def of_run(run: int) -> list[Seen]:
            made.append((name, run))
            return [Seen(name, "none", "share", 0.25, of=4)]

        return Job("a section", name, of_run, 1, full)

    jobs = [(job_of("long", 12), "source"), (job_of("short", 3), "source"), (job_of("never", 0), "source")]
    rounds = calibrate.calibrate(jobs, tmp_path, size="full", runs=None, minutes=float("inf"))
    never = "a section, never: only in the full size"
    assert next(rounds) == ["a section, long: 5 of 12 runs", never]
    assert made == [("long", run) for run in range(5)] + [("short", run) for run in range(3)]
    assert next(rounds) == ["a section, long: 10 of 12 runs", never]
    assert next(rounds) == [never]
    assert next(rounds, None) is None
    assert len(made) == 15
    # Stopped after the first round, it goes on where it was.
    made.clear()
    again = tmp_path / "again"
    assert len(list(calibrate.calibrate(jobs, again, size="full", runs=None, minutes=0.0))) == 1
    assert made == []
    next(calibrate.calibrate(jobs, again, size="full", runs=None, minutes=float("inf")))
    *_, last = calibrate.calibrate(jobs, again, size="full", runs=None, minutes=float("inf"))
    assert last == [never]
    assert sorted(made) == sorted([("long", run) for run in range(12)] + [("short", run) for run in range(3)])
