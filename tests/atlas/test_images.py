"""Images as a question: the run's own encoder, its light and its limits; what cannot be done to a lone image is refused."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pytest
from tests.joint.towers import SMALL

from impasto import identity, methods, runs
from impasto import profiles as tables
from impasto.atlas import building, images, index, search
from impasto.joint.space import Space
from impasto.parts import Part
from impasto.plates.ingest import find, write
from impasto.plates.sites import Sites
from impasto.profiling import deep, intensity
from impasto.schema import InputError
from impasto.simulate import plates as simulated
from impasto.simulate.plan import Plan
from impasto.stages import train
from impasto.training.settings import LoopSettings


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("asked")
    simulated.write(Plan(batches=1, plates=1, perturbations=12, mechanisms=4, controls=8, pixels=48, cells=4), base / "sim", seed=0)
    write(find([base / "sim" / "images"], platemaps=[base / "sim" / "platemap.csv"]), base / "ingested")
    return base / "ingested"


def seen(ingested: Path, folder: Path, **how: str) -> anndata.AnnData:
    return deep.profile(Sites.read(ingested), intensity.Intensity(), shards=folder, how=deep.Extraction(**how))


def trained(profiles: anndata.AnnData, out: Path, *, seed: int = 0) -> Space:
    tables.write(profiles, out.with_suffix(".parquet"))
    given = {"method": {"name": "two_towers", "perturbation": "molecule", **SMALL}, "profiles": str(out.with_suffix(".parquet"))}
    chosen: Part = train.TrainSettings.read(given, where="test").method
    loop = LoopSettings(epochs=1)
    methods.train(chosen, tables.read(out.with_suffix(".parquet")), read_from=out.with_suffix(".parquet"), out=out, loop=loop, seed=seed)
    return Space.load(out)


def test_a_question_goes_through_the_encoder_and_the_light_of_the_run(ingested: Path, tmp_path: Path) -> None:
    profiles = seen(ingested, tmp_path / "s", illumination="estimate")
    space = trained(profiles, tmp_path / "run")
    assert space.facts["identity"]["encoder"]["name"] == "intensity"
    assert space.facts["identity"]["encoder"]["illumination"] == "estimate"
    expected = space.rows(profiles).mean(axis=0)
    np.testing.assert_allclose(images.embedded(space, ingested), expected, atol=1e-5)
    dark = seen(ingested, tmp_path / "t")
    identity.put(dark, identity.of(profiles))  # the light left as it is gives other numbers: the test above can fail
    assert np.abs(space.rows(dark).mean(axis=0) - expected).max() > 1e-3


def test_a_limit_is_applied_and_a_learned_correction_is_refused(ingested: Path, tmp_path: Path) -> None:
    profiles = seen(ingested, tmp_path / "s")
    clipped = anndata.AnnData(np.clip(profiles.X, -0.5, 0.5), obs=profiles.obs, var=profiles.var, uns=dict(profiles.uns))
    identity.record_step(clipped, {"method": "clip", "limit": 0.5})
    space = trained(clipped, tmp_path / "run")
    np.testing.assert_allclose(images.embedded(space, ingested), space.rows(clipped).mean(axis=0), atol=1e-5)
    with pytest.raises(InputError, match="is clip, that of the profiles is none; correct the profiles by the same steps"):
        space.rows(profiles)
    identity.record_step(clipped, {"method": "sphering", "by": "plate"})
    with pytest.raises(InputError, match="was trained on profiles corrected by sphering, which images alone cannot be"):
        images.embedded(trained(clipped, tmp_path / "sphered"), ingested)


def test_a_run_without_a_record_and_one_whose_encoder_is_another_now_are_refused(ingested: Path, tmp_path: Path) -> None:
    profiles = seen(ingested, tmp_path / "s")
    identity.put(profiles, identity.Identity())
    with pytest.raises(InputError, match=r"nothing records which encoder made the profiles that .* was trained on"):
        images.embedded(trained(profiles, tmp_path / "old"), ingested)
    identity.record_encoder(profiles, {"name": "intensity", "preprocessing": "raw pixels over 65535"})
    with pytest.raises(InputError, match="intensity with preprocessing raw pixels over 65535, that of the encoder as it is now"):
        images.embedded(trained(profiles, tmp_path / "run"), ingested)


def test_an_index_knows_its_run_and_a_run_trained_again_is_refused(ingested: Path, tmp_path: Path, plain_maps: None) -> None:
    space = trained(seen(ingested, tmp_path / "s"), tmp_path / "run")
    embedded = space.embed(tables.read(tmp_path / "run.parquet"))
    assert identity.of(embedded).run == {"name": "run", "path": str(tmp_path / "run"), "sha256": space.sha256}
    assert identity.of(embedded).encoder["name"] == "intensity"
    building.build(embedded, tmp_path / "index", run=tmp_path / "run")
    opened = index.open_index(tmp_path / "index")
    assert opened.made == identity.of(embedded)
    found, how = search.search(opened, kind="image", query=str(ingested), top=3)
    assert "images" in how
    assert len(found) == 3
    other = trained(seen(ingested, tmp_path / "s2"), tmp_path / "other", seed=1)
    with pytest.raises(InputError, match=r"embeddings of the run other .*; the indexed profiles: embeddings of the run run"):
        building.build(embedded, tmp_path / "wrong", run=tmp_path / "other")
    (tmp_path / "run" / "model.safetensors").write_bytes((other.folder / "model.safetensors").read_bytes())
    with pytest.raises(InputError, match=r"the index .*: embeddings of the run run .* as it is now: embeddings of the run run"):
        search.search(opened, kind="image", query=str(ingested))
    assert runs.digest(tmp_path / "run" / "model.safetensors") == other.sha256
