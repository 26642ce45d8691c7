"""Recipes: strict, relative to their own folder, every shipped one readable; every verb has its command."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from impasto import recipe as recipes
from impasto import recipe_file
from impasto.need import Need
from impasto.schema import InputError
from impasto.simulate import plates
from impasto.simulate.plan import Plan

SHIPPED = sorted((Path(__file__).resolve().parents[1] / "recipes").rglob("*.toml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.stem)
def test_every_shipped_recipe_is_sound(path: Path, tmp_path: Path) -> None:
    recipe = recipes.read(path)
    for stage in recipe.stages:
        given = {"profiles": "given.parquet"} if stage.verb == "train" and "profiles" not in stage.values else None
        recipes.settings_of(recipe, stage, out=tmp_path, changes=given)


def test_every_stage_has_settings() -> None:
    for name in recipes.STAGES:
        assert recipes.STAGES[name].settings.model_fields


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


STAGE = '[[stage]]\nname = "a"\nverb = "ingest"\nsources = ["x.csv", "/abs/y.csv"]\n'


def test_paths_start_at_the_recipe_and_references_at_the_run(tmp_path: Path) -> None:
    text = STAGE + '[[stage]]\nname = "b"\nverb = "correct"\nprofiles = "@a/profiles.parquet"\n[[stage.steps]]\nmethod = "clip"\n'
    recipe = recipes.read(write(tmp_path / "r.toml", "seed = 7\n" + text))
    first, second = (recipes.settings_of(recipe, s, out=tmp_path / "out") for s in recipe.stages)
    assert first.sources == [tmp_path / "x.csv", Path("/abs/y.csv")]  # type: ignore[attr-defined]
    assert second.profiles == tmp_path / "out" / "a" / "profiles.parquet"  # type: ignore[attr-defined]
    assert second.seed == 7  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[[stage]\n", "is not TOML"),
        ("name = 'x'\n", "has no"),
        ("nmae = 'x'\n" + STAGE, r"unknown key 'nmae' \(did you mean 'name'\?\)"),
        (STAGE.replace("ingest", "ingset"), r"stage 1 has verb 'ingset' \(did you mean 'ingest'\?\)"),
        (STAGE + STAGE, "two stages are named 'a'"),
        *(
            (STAGE.replace('"a"', f'"{name}"'), "give it a name of letters, digits")
            for name in ("../keep", "/home/me/x", "a/b", "", ".", "-a")
        ),
        (STAGE.replace('"a"', '"' + "a" * 65 + '"'), "64 at most"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        recipes.read(write(tmp_path / "r.toml", text))


def test_a_reference_to_a_later_stage_is_refused(tmp_path: Path) -> None:
    recipe = recipes.read(write(tmp_path / "r.toml", '[[stage]]\nverb = "index"\nprofiles = "@later"\n' + STAGE))
    with pytest.raises(InputError, match="'@later' names no earlier stage"):
        recipes.settings_of(recipe, recipe.stages[0], out=tmp_path)


@pytest.mark.parametrize("member", ["../../keep", "..", "x/../../../keep", "/etc/passwd"])
def test_a_reference_does_not_lead_out_of_the_result_of_a_stage(member: str, tmp_path: Path) -> None:
    recipe = recipes.read(write(tmp_path / "r.toml", STAGE + f'[[stage]]\nverb = "index"\nprofiles = "@a/{member}"\n'))
    with pytest.raises(InputError, match="leads out of the stage's result; name a file that lies in it"):
        recipes.settings_of(recipe, recipe.stages[1], out=tmp_path)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.stem)
def test_the_rows_of_a_sweep_change_stages_that_there_are(path: Path) -> None:
    for stage in recipes.read(path).stages:
        for row in stage.values.get("row", []) if stage.verb == "sweep" else []:
            recipes.read(path.parent / stage.values["recipe"]).changed({**stage.values.get("given", {}), **row.get("set", {})})


def test_a_stage_writes_only_in_the_folder_of_the_run(tmp_path: Path) -> None:
    text = STAGE + '[[stage]]\nname = "page"\nverb = "report"\nrun = "@"\nfigures = "{}"\n'
    outside = recipes.read(write(tmp_path / "r.toml", text.format("thesis")))
    with pytest.raises(InputError, match=r"stage 'page': .*thesis lies outside of .*out, and a stage writes only there; give '@/thesis'"):
        recipes.run(outside, tmp_path / "out")
    inside = recipes.read(write(tmp_path / "r.toml", text.format("@/figures")))
    settings = recipes.settings_of(inside, inside.stages[1], out=tmp_path / "out")
    assert settings.figures == tmp_path / "out" / "figures"  # type: ignore[attr-defined]
    recipes.refuse_outside(inside, inside.stages[1], settings, out=tmp_path / "out")
    escaping = '[[stage]]\nverb = "export"\nprofiles = "p.parquet"\nto = "copairs"\nfile = "../../keep.parquet"\n'
    exported = recipes.read(write(tmp_path / "e.toml", escaping))
    with pytest.raises(InputError, match=r"'file' is '\.\./\.\./keep\.parquet'|file is '\.\./\.\./keep\.parquet'"):
        recipes.settings_of(exported, exported.stages[0], out=tmp_path / "out")


@pytest.mark.parametrize("label", ["..", "../../keep", "/home/me/x", ".", "", "mean pooling", "α", "a" * 300, "-x", "A + B"])
def test_a_row_of_a_sweep_has_a_folder_of_its_own_in_it(label: str) -> None:
    from impasto.sweep import folder_name

    assert recipes.STAGE_NAME.fullmatch(folder_name(label))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: str(p.relative_to(p.parents[1])))
def test_settings_are_written_as_they_are_read(path: Path, tmp_path: Path) -> None:
    # The key of a run is made of them: nothing may be lost, and the same settings are always written the same way.
    for _, settings in recipes.checked(recipes.read(path), out=tmp_path):
        written = settings.model_dump(mode="json")
        again = type(settings).read(json.loads(json.dumps(written)), where="again")
        assert again == settings
        assert json.dumps(again.model_dump(mode="json")) == json.dumps(written)


def test_paths_of_parts_start_at_the_recipe_too(tmp_path: Path) -> None:
    text = '[[stage]]\nverb = "correct"\nprofiles = "p.parquet"\nsteps = [{ method = "cellpaintr", run = "runs/a" }]\n'
    recipe = recipes.read(write(tmp_path / "r.toml", text))
    settings = recipes.settings_of(recipe, recipe.stages[0], out=tmp_path / "out")
    assert settings.steps[0].settings.run == tmp_path / "runs" / "a"  # type: ignore[attr-defined]
    assert tmp_path / "runs" / "a" / "model.safetensors" in recipes.STAGES["correct"].inputs(settings)


def test_no_module_below_the_verbs_imports_by_name() -> None:
    for module in (recipes, recipe_file):
        assert "importlib" not in Path(str(module.__file__)).read_text()


def test_a_run_says_each_stage_and_shows_its_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = recipes.read(
        write(tmp_path / "r.toml", '[[stage]]\nverb = "simulate"\nimages = false\nplan = { plates = 1, perturbations = 8 }\n')
    )
    shown: list[tuple[str, Path]] = []
    first = recipes.run(recipe, tmp_path / "out", show=lambda verb, result: shown.append((verb, result)))
    again = recipes.run(recipe, tmp_path / "out")
    assert shown == [("simulate", tmp_path / "out" / "simulate")]
    assert again == first  # the seconds of the work, not of looking
    told = capsys.readouterr().out
    assert told.count("1/1 simulate (simulate)") == 2
    assert told.count("already there") == 1


@pytest.mark.parametrize(("seconds", "said"), [(None, ""), (59.0, ""), (240.0, "o.parquet: about 4 minutes of one core of this machine\n")])
def test_work_of_minutes_is_told_before_it_begins_and_only_then(
    seconds: float | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plates.write(Plan(plates=1, perturbations=2, mechanisms=2, controls=4), tmp_path / "sim", seed=0, images=False)
    verb = dataclasses.replace(recipes.STAGES["correct"], need=lambda *_: Need(0, 0, "", seconds=seconds))
    monkeypatch.setattr(recipes, "STAGES", {"correct": verb})
    monkeypatch.chdir(tmp_path)
    settings = verb.settings.read({"profiles": "sim/profiles.parquet", "steps": [{"method": "clip"}]}, where="test")
    assert recipes.execute("correct", settings, out=Path("o.parquet"))
    told = capsys.readouterr().out
    assert told.startswith(said)
    assert told.count("of one core") == bool(said)
    assert not recipes.execute("correct", settings, out=Path("o.parquet"))
    assert "of one core" not in capsys.readouterr().out
