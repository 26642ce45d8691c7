"""Options of ingest become what the readers are asked; stains by name or in order, and options of the other kind refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from impasto.schema import InputError
from impasto.stages import ingest
from impasto.stages.ingest import IngestSettings


def settings(**values: object) -> IngestSettings:
    return IngestSettings.read({"sources": ["x"], **values}, where="test")


def test_stains_by_name_and_in_order() -> None:
    assert ingest._stains(settings(channels=["ch1=DNA", "Alexa=488=ER"], channel=["w2=own:LIPIDS"])) == (
        (),
        {"ch1": "DNA", "Alexa=488": "ER", "w2": "own:LIPIDS"},
    )
    assert ingest._stains(settings(channels=["DNA", "ER"])) == (("DNA", "ER"), {})
    for values, sentence in (
        ({"channels": ["ch1=DNA", "ER"]}, "mixes NAME=STAIN with bare stains"),
        ({"channel": ["ER"]}, "is not NAME=STAIN"),
        ({"channel": ["a=ER", "a=DNA"]}, "--channel says that 'a' is ER and DNA; say one"),
    ):
        with pytest.raises(InputError, match=sentence):
            ingest._stains(settings(**values))


def test_an_option_of_images_given_with_tables_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("Metadata_Plate,Metadata_Well,Cells_AreaShape_Area\nP1,A01,1.5\n")
    result = ingest.survey(settings(sources=[tmp_path / "t.csv"]))
    assert result.profiles is not None
    assert result.profiles.X.tolist() == [[1.5]]
    for option in ({"depth": 2}, {"pattern": "{well}.tif"}, {"skip_channel": ["DNA"]}):
        with pytest.raises(InputError, match=f"--{next(iter(option)).replace('_', '-')}"):
            ingest.survey(settings(sources=[tmp_path / "t.csv"], **option))
    ingest.run(settings(sources=[tmp_path / "t.csv"]), tmp_path / "out")
    assert (tmp_path / "out" / "profiles.parquet").exists()
