"""The de novo protocol: whole wells, no line seen before, every split from the same weights, variants compared well by well."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest
import torch

from impasto.evaluation import fine_tuning
from impasto.evaluation.fine_tuning import Parts, Protocol
from impasto.plates.ingest import find, write
from impasto.plates.sites import Sites
from impasto.pretrain import few_shot, profile_wsl
from impasto.pretrain.profile_wsl import ProfileWslSettings
from impasto.schema import InputError
from impasto.simulate import plates as painted
from impasto.simulate import profiles as simulated
from impasto.simulate.plan import Plan
from impasto.statistics import jackknife
from impasto.statistics.jackknife import LeftOut, deal
from impasto.training.earlier import Earlier
from impasto.training.loop import fit
from impasto.training.settings import LoopSettings

PLAN = Plan(cell_lines=2, batches=3, plates=2, perturbations=8, mechanisms=4, controls=4, kind="crispr", own=0.5)
LINE = "simulated line 2"
SMALL: dict[str, Any] = {"width": 16, "depth": 1, "heads": 2, "out": 16, "minibatch": 16}
LOOP = LoopSettings(epochs=2)


@pytest.fixture(scope="module")
def profiles() -> anndata.AnnData:
    return simulated.simulate(PLAN, seed=0)[0]


@pytest.fixture(scope="module")
def earlier(profiles: anndata.AnnData, tmp_path_factory: pytest.TempPathFactory) -> Earlier:
    out = tmp_path_factory.mktemp("wsl")
    settings = ProfileWslSettings.read({**SMALL, "only": {"cell_line": ["simulated line 1"]}}, where="test")
    made = profile_wsl.prepare(settings, profiles, seed=0)
    fit(made.method, made.feed, settings=LOOP, out=out)
    from safetensors.torch import load_file

    return Earlier(out, settings.model_dump(mode="json"), made.facts, load_file(out / "model.safetensors"))


def units(sites: int = 2) -> tuple[pd.DataFrame, np.ndarray]:
    """Two lines, three batches of one plate, five perturbations in two wells each, two sites a well."""
    rows = [
        {"batch": f"B{b}", "plate": f"B{b}{line}", "well": f"A{w + 1:02d}", "site": s, "cell_line": line, "perturbation": f"P{w % 5}"}
        for line in ("old", "new")
        for b in range(3)
        for w in range(10)
        for s in range(sites)
    ]
    table = pd.DataFrame(rows)
    return table, table["perturbation"].to_numpy(dtype=object)


@pytest.mark.parametrize("kind", ["within-batch", "over-batches"])
def test_splits_are_of_whole_wells_of_one_line(kind: str) -> None:
    table, names = units()
    drawn = fine_tuning.draw(table, names, Protocol("new", kind, shots=1, splits=4))
    well = fine_tuning.wells_of(table)
    assert len(drawn) == 4
    for parts in drawn:
        sides = [parts.shown, parts.choosing, parts.asked]
        assert set(table.iloc[np.concatenate(sides)]["cell_line"]) == {"new"}
        assert all(np.isin(well, well[side]).sum() == len(side) for side in sides)  # all sites of a well, or none
        shown = table.iloc[parts.shown]
        assert shown.groupby("perturbation")[["plate", "well"]].apply(lambda w: len(w.drop_duplicates())).tolist() == [1] * 5
        asked = table.iloc[np.concatenate(sides[1:])]
        for name, mine in asked.groupby("perturbation"):
            batches = set(shown.loc[shown["perturbation"] == name, "batch"])
            assert set(mine["batch"]) == batches if kind == "within-batch" else not set(mine["batch"]) & batches
    again = fine_tuning.draw(table, names, Protocol("new", kind, shots=1, splits=4))
    assert all(np.array_equal(a.asked, b.asked) for a, b in zip(drawn, again, strict=True))
    assert not np.array_equal(drawn[0].shown, drawn[1].shown)


def test_leaks_and_lines_seen_before_are_refused(tmp_path: Path) -> None:
    table, names = units()
    one, other = np.array([0]), np.array([1])  # two sites of one well
    with pytest.raises(InputError, match="both shown and asked; that is leakage"):
        fine_tuning.refuse_leak(table, Parts(one, np.array([], dtype=int), other))
    with pytest.raises(InputError, match="was trained on new"):
        fine_tuning.refuse_seen("new", ["new", "old"], tmp_path)
    with pytest.raises(InputError, match="lower shots"):
        fine_tuning.draw(table, names, Protocol("new", shots=3))
    with pytest.raises(InputError, match="did you mean 'new'"):
        fine_tuning.draw(table, names, Protocol("neww"))


def test_every_split_begins_with_the_same_weights_and_does_not_know_of_the_others(
    profiles: anndata.AnnData, earlier: Earlier, tmp_path: Path
) -> None:
    material = few_shot.Profiles(profiles, SMALL, earlier, where="test")
    drawn = fine_tuning.draw(material.units, material.names, Protocol(LINE, "over-batches", splits=3))
    begun = []
    for parts in drawn:
        prepared = material.prepared(parts.shown, seed=0)
        material.begin(prepared)
        begun.append({n: v.clone() for n, v in prepared.method.state_dict().items() if not n.startswith("classifier.")})
    for state in begun[1:]:
        assert all(torch.equal(state[n], begun[0][n]) for n in begun[0])
    assert all(torch.equal(begun[0][n], earlier.weights[n]) for n in begun[0])
    run = [fine_tuning.one_split(material, p, add=lambda x: x, loop=LOOP, out=tmp_path / str(i)) for i, p in enumerate(drawn)]
    alone = fine_tuning.one_split(
        few_shot.Profiles(profiles, SMALL, earlier, where="test"), drawn[2], add=lambda x: x, loop=LOOP, out=tmp_path / "alone"
    )
    np.testing.assert_array_equal(run[2]["top-1"], alone["top-1"])
    np.testing.assert_array_equal(run[2]["top-5"], alone["top-5"])


def test_hits_are_of_wells_with_ties_in_the_middle() -> None:
    class Two:
        units = pd.DataFrame({"plate": "P", "well": ["A01", "A01", "A02", "A03"]})
        names = np.array(["a", "a", "b", "c"], dtype=object)

    scores = np.array([[0.0, 1, 0], [3, 0, 0], [0, 0, 1], [1, 1, 1]], dtype=np.float32)
    classes, rows = ["a", "b", "c"], np.arange(4)
    assert fine_tuning.hits(scores, classes, Two(), rows, k=1).tolist() == [1, 0, 0]  # A01: mean of two sites
    assert fine_tuning.hits(scores, classes, Two(), rows, k=2).tolist() == [1, 0, 1]  # all equal: rank 2 of 3


def _asked(scores: np.ndarray, truth: list[str], classes: list[str]) -> dict[str, np.ndarray]:
    """One split, with hits counted by hand; no score ties."""
    place = [classes.index(name) for name in truth]
    ranks = np.array([1 + (row > row[p]).sum() for row, p in zip(scores, place, strict=True)])
    named = {"classes": np.array(classes), "truth": np.array(truth), "scores": scores}
    return {"top-1": (ranks <= 1).astype(float), "top-5": (ranks <= 5).astype(float), **named}


def test_intervals_are_over_perturbations_that_leave_all_splits_and_gains_are_paired() -> None:
    rng = np.random.default_rng(1)
    classes, truth = [f"c{i}" for i in range(8)], [f"c{i // 3}" for i in range(24)]
    right = 1.5 * np.eye(8)[np.arange(24) // 3]
    base, more = ([_asked(strength * right + rng.normal(size=(24, 8)), truth, classes) for _ in range(2)] for strength in (0.5, 1.5))
    # The classes of a split may stand in any order.
    base[1] = {**base[1], "classes": base[1]["classes"][::-1], "scores": base[1]["scores"][:, ::-1]}
    group = deal(8, seed=0)

    def share(split: dict[str, np.ndarray], gone: set[int], k: int) -> float:
        """Named among the classes that stay, of the wells that stay."""
        stays = [c for c, name in enumerate(split["classes"]) if group[int(name[1:])] not in gone]
        hits = []
        for row, name in zip(split["scores"], split["truth"], strict=True):
            if group[int(name[1:])] not in gone:
                own = row[list(split["classes"]).index(name)]
                hits.append(1 + sum(row[c] > own for c in stays) <= k)
        return float(np.mean(hits))

    found = fine_tuning.scored(more, Protocol("new"), group="g")
    assert [(r.metric, r.unit, r.clusters, r.chance) for r in found] == [
        ("top-1", "perturbation", 8, 0.125),
        ("top-5", "perturbation", 8, 0.625),
    ]
    for k, row in zip((1, 5), found, strict=True):
        single = np.array([np.mean([share(split, {g}, k) for split in more]) for g in range(8)])
        np.testing.assert_allclose(row.parts[0].single, single)
        assert row.value == pytest.approx(np.mean([share(split, set(), k) for split in more]))
        each = [fine_tuning.scored([split], Protocol("new"), group="g")[int(k > 1)].p_chance for split in more]
        assert None not in each
        assert row.p_chance == pytest.approx(min(1, 2 * np.mean(each)))  # type: ignore[arg-type]
        assert row.p_chance < 0.05
    gain = fine_tuning.gained(more, base, Protocol("new"), group="g", over="baseline")[0]
    groups: list[set[int]] = [set(), *({g} for g in range(8))]
    less = [np.mean([share(m, gone, 1) - share(b, gone, 1) for m, b in zip(more, base, strict=True)]) for gone in groups]
    expected = jackknife.of_score(LeftOut(less[0], np.array(less[1:]), None, 8), unit="perturbation", share=False)
    assert (gain.value, gain.chance, gain.n) == (pytest.approx(less[0]), 0.0, 48)
    assert (gain.low, gain.high) == (pytest.approx(expected.low), pytest.approx(expected.high))


def test_the_papers_layout() -> None:
    table = pd.DataFrame({"row": ["A", "A", "B"], "column": ["x", "x", "y"], "metric": "top-1", "value": [0.1, 0.3, 0.5]})
    levels, header, rows_ = fine_tuning.layout(table)
    assert (levels, header) == (["x", "y"], ["", "top-1, %", "top-1, %"])
    assert rows_ == [["A", "20.0 ± 14.1", ""], ["B", "", "50.0 ± 0.0"]]


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Sites:
    base = tmp_path_factory.mktemp("lines")
    painted.write(PLAN.model_copy(update={"pixels": 24, "cells": 2, "plates": 1}), base / "sim", seed=0)
    write(find([base / "sim" / "images"], platemaps=[base / "sim" / "platemap.csv"]), base / "sites")
    return Sites.read(base / "sites")


def test_channels_are_matched_by_name_and_a_missing_one_is_its_mean(sites: Sites, tmp_path: Path) -> None:
    from impasto.methods import METHODS

    small = {"minibatch": 8, "encoder": {"patch": 8, "width": 12, "depth": 1, "heads": 2}, "views": {"size": 16}}
    trainable = METHODS["simclr"]
    settings = trainable.settings.read({**small, "hidden": 8, "out": 8, "only": {"cell_line": ["simulated line 1"]}}, where="test")
    made = trainable.prepare(settings, sites, seed=0)
    assert made.facts["lines"] == ["simulated line 1"]
    earlier = Earlier(tmp_path, settings.model_dump(mode="json"), made.facts, dict(made.method.state_dict()))
    rows = [int(r) for r in fine_tuning.rows_of_line(sites.table, LINE)]
    whole = few_shot.Images(sites, {"minibatch": 8}, earlier, among=rows, where="test")
    drawn = fine_tuning.draw(whole.units, whole.names, Protocol(LINE, "over-batches", splits=1, validation=0.0))
    hits = fine_tuning.one_split(whole, drawn[0], add=lambda x: x, loop=LoopSettings(epochs=1), out=tmp_path / "run")
    assert len(hits["top-1"]) == 8

    five = list(sites.channels)
    sites.channels = [c for c in five if c != "Mito"]
    try:
        fewer = few_shot.Images(sites, {"minibatch": 8}, earlier, among=rows, where="test")
    finally:
        sites.channels = five
    assert fewer.known.channels == five
    row, place = rows[0], five.index("Mito")
    light = fewer.filled[row]
    assert torch.allclose(light[place], torch.tensor(255 * made.facts["mean"][place]))
    others = [i for i in range(len(five)) if i != place]
    assert torch.equal(light[others], whole.filled[row][others])


def test_a_run_with_tokens_needs_them_again(profiles: anndata.AnnData, earlier: Earlier) -> None:
    extra = {f"encoder.trunk.lines.{n}": torch.zeros(1) for n in ("project.weight", "project.bias", "unknown")}
    lined = Earlier(earlier.folder, earlier.method, earlier.facts, {**earlier.weights, **extra})
    material = few_shot.Profiles(profiles, SMALL, lined, where="test")
    parts = fine_tuning.draw(material.units, material.names, Protocol(LINE, "over-batches", splits=1))[0]
    with pytest.raises(InputError, match="trained with cell-line tokens"):
        material.begin(material.prepared(parts.shown, seed=0))


def test_profiles_without_a_feature_of_the_run_are_refused(profiles: anndata.AnnData, earlier: Earlier) -> None:
    with pytest.raises(InputError, match=r"1 of the \d+ features this run was trained on"):
        few_shot.Profiles(profiles[:, 1:].copy(), SMALL, earlier, where="test")
