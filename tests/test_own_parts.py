"""A part of your own, made in Python, works like one of the package: one use of each family."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import anndata
import numpy as np
import pandas as pd
import pytest
import torch
from tests.correction.plated import plates
from tests.test_families import FAMILIES
from torch import nn

from impasto import atlas, cli, correction, evaluation, export, losses, methods, profiling, recipe, scale, stages, verbs
from impasto import profiles as tables
from impasto.atlas import building, engines, index
from impasto.cells import segmenters, sources
from impasto.correction.base import Corrector, with_values
from impasto.correction.steps import correct
from impasto.evaluation import several, tidy
from impasto.evaluation.result import OWN, Result
from impasto.export.exporter import Exporter
from impasto.joint.objective import Objective
from impasto.joint.settings import LossSettings
from impasto.nets.pooling import POOLINGS
from impasto.plates import readers
from impasto.plates.reader import Reader
from impasto.profiling.extract import open_encoder
from impasto.profiling.settings import EncoderSettings
from impasto.scale import task
from impasto.scale.plan import Phase, Plan, Shard
from impasto.scale.run import run_shards
from impasto.scale.where import Where
from impasto.schema import InputError
from impasto.settings import Settings
from impasto.stages.base import FOLDER, Verb
from impasto.stages.evaluate import EvaluateSettings
from impasto.stages.export import ExportSettings
from impasto.stages.export import run as run_export
from impasto.stages.train import TrainSettings
from impasto.training.method import Addition, Trainable

Use = Callable[[Path], None]
NAME = "my_own"


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test adds is gone after it."""
    for family in FAMILIES.values():
        monkeypatch.setattr(family, "_added", {})


class HalvingSettings(Settings):
    """No key says the method."""

    share: float = 0.5


@dataclass(frozen=True, kw_only=True)
class Halving(Corrector[HalvingSettings]):
    """Every value by a share."""

    name: ClassVar[str] = "halving"
    settings_class: ClassVar[type[Settings]] = HalvingSettings
    settings: HalvingSettings

    @classmethod
    def learn_table(cls, _: anndata.AnnData, settings: HalvingSettings, /) -> Halving:
        return cls(settings=settings)

    def apply_table(self, profiles: anndata.AnnData, /) -> anndata.AnnData:
        return with_values(profiles, np.asarray(profiles.X) * self.settings.share)


def a_corrector(_: Path) -> None:
    data = plates()
    correction.CORRECTORS.add(NAME, Halving)
    halved = (Halving, {"method": Halving}, HalvingSettings, HalvingSettings(), NAME, {"method": NAME, "share": 0.5})
    for step in (*halved, HalvingSettings(share=0.25), {"method": Halving, "share": 0.25}):
        corrected, fitted, receipt = correct(data, [step])
        np.testing.assert_allclose(corrected.X, data.X * (0.5 if step in halved else 0.25))
        assert isinstance(fitted[0], Halving)
        assert receipt["methods"][0]["method"] == "halving"


def row_count(profiles: anndata.AnnData, /, *, unit: str = "wells") -> Result:
    """How many rows there are."""
    return Result(tidy.frame([tidy.Score("row-count", unit, OWN, "rows", float(profiles.n_obs), None, None, None, profiles.n_obs)]))


def a_task(_: Path) -> None:
    evaluation.TASKS.add(NAME, row_count)
    for mine in (NAME, row_count):
        scores = several.evaluate(mine, [("profiles", plates())], settings={"unit": "sites"}).scores
        assert scores[["protocol", "value"]].to_numpy().tolist() == [["sites", 120.0]]
    settings = EvaluateSettings.read({"task": NAME, "profiles": ["p"], "options": {"unit": "sites"}, "seed": 3}, where="t")
    assert settings.options.model_dump(exclude_unset=True) == {"unit": "sites"}
    with pytest.raises(InputError, match=r"t, options \(my_own\): unknown key 'nuit' \(did you mean 'unit'\?\); allowed: unit, columns"):
        EvaluateSettings.read({"task": NAME, "profiles": ["p"], "options": {"nuit": "sites"}}, where="t")


def a_loss(_: Path) -> None:
    def distance(p: torch.Tensor, q: torch.Tensor, _scale: torch.Tensor) -> torch.Tensor:
        return 1 - (p * q).sum(dim=1).mean()

    losses.LOSSES.add(NAME, distance)
    p, q = torch.eye(2), torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    for objective in (Objective(LossSettings.read({"loss": NAME}, where="t")), Objective(LossSettings(), loss=distance)):
        assert float(objective(p, q, p[:, None])[0].detach()) == pytest.approx(0.5)


def a_pooling(_: Path) -> None:
    from impasto.joint.settings import TwoTowersSettings

    class Sum(nn.Module):
        def __init__(self, *, width: int) -> None:
            super().__init__()

        def forward(self, bags: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            return (bags * mask[:, :, None, None]).sum(dim=1)

    POOLINGS.add(NAME, Sum)
    chosen = TwoTowersSettings.read({"pooling": NAME}, where="t").pooling
    mask = torch.tensor([[True, True, False]])
    assert POOLINGS[chosen](width=2)(torch.ones(1, 3, 1, 2), mask).tolist() == [[[2.0, 2.0]]]


def an_encoder(_: Path) -> None:
    profiling.ENCODERS.add(NAME, lambda settings: ("made of", settings.seed))
    assert open_encoder(EncoderSettings(encoder=NAME, seed=4), None) == ("made of", 4)  # type: ignore[arg-type]


def a_reader(_: Path) -> None:
    reader = Reader("mine", "{well}.tif", lambda _: 0, lambda *_: None)  # type: ignore[arg-type, return-value]
    readers.FURTHER.add(NAME, reader)
    assert readers.known()[-1] is reader


class Backwards(engines.Exact):
    """The farthest first."""

    def nearest(self, query: Any, /, *, top: int, among: Any) -> Any:
        return super().nearest(-query, top=top, among=among)


def an_engine(folder: Path) -> None:
    data = plates(wells=24)
    atlas.ENGINES.add(NAME, Backwards)
    building.build(data, folder / "named", engine=NAME)
    building.build(data, folder / "given", engine=Backwards)
    building.build(data, folder / "exact")
    first = index.open_index(folder / "exact")
    query, every = np.asarray(first.vectors[0]), np.ones(len(first.vectors), dtype=bool)
    order = first.nearest(query, top=len(every), among=every)["row"].tolist()
    for opened in (index.open_index(folder / "named"), index.open_index(folder / "given", engine=Backwards)):
        assert opened.nearest(query, top=1, among=every)["row"].tolist() == order[-1:]
    with pytest.raises(InputError, match="unknown engine 'Backwards'; allowed: exact, faiss, lance, my_own"):
        index.open_index(folder / "given")


def an_exporter(folder: Path) -> None:
    tables.write(plates(), folder / "p.parquet")
    export.EXPORTERS.add(NAME, Exporter(lambda profiles, path, _: str(path.write_text(str(profiles.n_obs))), file="count.txt"))
    run_export(ExportSettings.read({"profiles": str(folder / "p.parquet"), "to": NAME}, where="t"), folder)
    assert (folder / "count.txt").read_text() == "120"


class CountingSettings(Settings):
    """Of a method, an addition or a stage."""

    name: str = NAME
    times: int = 1


def a_method(_: Path) -> None:
    methods.METHODS.add(NAME, Trainable(CountingSettings, lambda *_, seed: seed))  # type: ignore[arg-type, return-value]
    assert TrainSettings.read({"method": {"name": NAME, "times": 2}}, where="t").method.settings.times == 2  # type: ignore[attr-defined]
    with pytest.raises(InputError, match=r"t, method \(my_own\): unknown key 'timse' \(did you mean 'times'\?\)"):
        TrainSettings.read({"method": {"name": NAME, "timse": 2}}, where="t")


def an_addition(_: Path) -> None:
    assert NAME not in methods.settings_of("profile_wsl").model_fields
    methods.ADDITIONS.add(NAME, Addition(CountingSettings, lambda prepared, _settings, *, seed: (prepared, seed)))  # type: ignore[arg-type, return-value]
    chosen = TrainSettings.read({"method": {"name": "profile_wsl", NAME: {"times": 3}}}, where="t").method
    assert methods.additions(chosen) == {NAME: CountingSettings(times=3)}
    with pytest.raises(InputError, match=r"t, method \(profile_wsl\)\.my_own: unknown key 'timse'"):
        TrainSettings.read({"method": {"name": "profile_wsl", NAME: {"timse": 3}}}, where="t")


def a_stage(folder: Path) -> None:
    def count(settings: CountingSettings, out: Path) -> None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "times.txt").write_text(str(settings.times))

    stages.STAGES.add(NAME, Verb(settings=CountingSettings, inputs=lambda _: [], run=count, result="", writes=FOLDER))
    (folder / "r.toml").write_text(f'[[stage]]\nname = "counted"\nverb = "{NAME}"\ntimes = 5\n')
    recipe.run(recipe.read(folder / "r.toml"), folder / "out")
    assert (folder / "out" / "counted" / "times.txt").read_text() == "5"


def a_verb(_: Path) -> None:
    from typer.testing import CliRunner

    def count(times: int = 1) -> None:
        """Count."""
        print(f"counted {times}")

    verbs.COMMANDS.add("my-own", count)
    assert "my-own" in CliRunner().invoke(cli.app, ["--help"], env={"COLUMNS": "200"}).output
    assert CliRunner().invoke(cli.app, ["my-own", "--times", "3"]).output == "counted 3\n"


def a_reader_of_cells(folder: Path) -> None:
    class Mine:
        example = "cells.mine"

        def fits(self, path: Path, /) -> bool:
            return path.suffix == ".mine"

        def open(self, path: Path, /) -> list[Any]:
            return [SimpleNamespace(objects={"Cells": ("AreaShape_Area",)}, where=path.name)]

    sources.READERS.add(NAME, Mine())
    (folder / "plate.mine").touch()
    assert [run.where for run in sources.open_all([folder / "plate.mine"])] == ["plate.mine"]


def a_segmenter(_: Path) -> None:
    def one_nucleus(planes: Any, /, *, diameter: float, pixel_um: float | None) -> np.ndarray:
        return (planes["DNA"] > diameter).astype(np.int32)

    segmenters.SEGMENTERS.add(NAME, one_nucleus)
    found = segmenters.SEGMENTERS[NAME]({"DNA": np.array([[1.0, 9.0]])}, diameter=5.0, pixel_um=None)
    assert found.tolist() == [[0, 1]]


def a_place_to_run_shards(folder: Path) -> None:
    ran: list[str] = []

    def here(plan: Plan, phase: Phase, _: Where) -> None:
        for shard in phase.shards:
            ran.append(shard.name)
            assert task.attempt(plan, shard) is None

    scale.ENGINES.add(NAME, here)
    shards = tuple(Shard(f"s-{n}", "tests.test_own_parts:write", {"text": str(n)}, f"{n}.txt") for n in range(2))
    run_shards(Plan(folder / "plan", (Phase("plates", shards),)), Where(engine=NAME))
    assert ran == ["s-0", "s-1"]
    assert (folder / "plan" / "1.txt").read_text() == "1"


def write(arguments: Mapping[str, Any], given: task.Task) -> None:
    """A shard."""
    given.output.write_text(arguments["text"])


USES: dict[str, Use] = {
    "additions": an_addition,
    "cell_readers": a_reader_of_cells,
    "correctors": a_corrector,
    "encoders": an_encoder,
    "engines": an_engine,
    "exporters": an_exporter,
    "losses": a_loss,
    "methods": a_method,
    "poolings": a_pooling,
    "readers": a_reader,
    "segmenters": a_segmenter,
    "shard_engines": a_place_to_run_shards,
    "stages": a_stage,
    "tasks": a_task,
    "verbs": a_verb,
}


def test_every_family_has_a_use() -> None:
    assert set(USES) == set(FAMILIES)


@pytest.mark.parametrize("family", USES)
def test_a_part_of_your_own_works(family: str, tmp_path: Path) -> None:
    USES[family](tmp_path)


def test_settings_that_two_correctors_take_do_not_say_which() -> None:
    class SharedSettings(Settings):
        pass

    class First(Halving):
        settings_class: ClassVar[type[Settings]] = SharedSettings

    class Second(Halving):
        settings_class: ClassVar[type[Settings]] = SharedSettings

    with pytest.raises(InputError, match="SharedSettings do not say the method, for several take them: First, Second; give"):
        correct(plates(), [SharedSettings()])
    with pytest.raises(InputError, match="LossSettings do not say the method, for no correction method takes them"):
        correct(plates(), [LossSettings])
    assert {First.settings_class, Second.settings_class} == {SharedSettings}
    with pytest.raises(InputError, match="a step is a method's name, a table with the key 'method', or settings, and not int"):
        correct(plates(), [3])  # type: ignore[list-item]


def test_settings_of_a_correction_method_are_a_step_too() -> None:
    from impasto.correction.clip import ClipSettings

    data = plates()
    by_name, _, _ = correct(data, ["clip"])
    for step in (ClipSettings, ClipSettings()):
        pd.testing.assert_frame_equal(correct(data, [step])[0].to_df(), by_name.to_df())


def test_the_newest_of_two_classes_of_one_name_is_meant() -> None:
    class NotebookSettings(Settings):
        share: float = 0.5

    def cell(share: float) -> type[Halving]:
        class Cell(Halving):
            settings_class: ClassVar[type[Settings]] = NotebookSettings

            def apply_table(self, profiles: anndata.AnnData, /) -> anndata.AnnData:
                return with_values(profiles, np.asarray(profiles.X) * share)

        return Cell

    cells, data = [cell(0.5), cell(0.25)], plates()
    np.testing.assert_allclose(correct(data, [NotebookSettings()])[0].X, data.X * 0.25)
    assert len(cells) == 2
