"""A LoadData table, cut to wells, names its images by folders relative to itself."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pandas as pd
import pytest

from impasto.datasets import load_data
from impasto.schema import InputError

BESIDE = PurePosixPath("source_4/workspace/load_data_csv/B1/BR1")


def place(url: str) -> PurePosixPath:
    return PurePosixPath(url.removeprefix("s3://gallery/"))


def written(folder: Path, **columns: list[str]) -> Path:
    path = folder / "load_data.csv"
    pd.DataFrame({"Metadata_Plate": ["BR1", "BR1"], "Metadata_Well": ["A01", "b3"], **columns}).to_csv(path, index=False)
    return path


def test_urls_become_folders_relative_to_the_table(tmp_path: Path) -> None:
    path = written(tmp_path, URL_OrigDNA=["s3://gallery/source_4/images/B1/1.tiff", "s3://gallery/source_4/images/B1/2.tiff"])
    frame, urls = load_data.cut(path, BESIDE, wells=["B03"], place=place)
    assert urls == ["s3://gallery/source_4/images/B1/2.tiff"]
    assert frame.to_dict("records") == [
        {"Metadata_Plate": "BR1", "Metadata_Well": "b3", "FileName_OrigDNA": "2.tiff", "PathName_OrigDNA": "../../../../images/B1"}
    ]


def test_path_and_file_names_are_read_and_illumination_is_left_out(tmp_path: Path) -> None:
    folders = ["s3://gallery/source_4/images/B1/"] * 2
    path = written(
        tmp_path,
        PathName_OrigDNA=folders,
        FileName_OrigDNA=["1.tiff", "2.tiff"],
        PathName_IllumDNA=folders,
        FileName_IllumDNA=["i.npy", "i.npy"],
    )
    frame, urls = load_data.cut(path, BESIDE, wells=[], place=place)
    assert urls == ["s3://gallery/source_4/images/B1/1.tiff", "s3://gallery/source_4/images/B1/2.tiff"]
    assert not [column for column in frame if "Illum" in column]


def test_a_well_that_is_not_on_the_plate_is_one_sentence(tmp_path: Path) -> None:
    path = written(tmp_path, URL_OrigDNA=["s3://gallery/1.tiff", "s3://gallery/2.tiff"])
    with pytest.raises(InputError, match="has no well C04; it has A01, B03"):
        load_data.cut(path, BESIDE, wells=["B03", "C04"], place=place)


def test_paths_of_another_machine_cannot_be_fetched(tmp_path: Path) -> None:
    path = written(tmp_path, PathName_OrigDNA=["/home/ubuntu/bucket"] * 2, FileName_OrigDNA=["1.tiff", "2.tiff"])
    with pytest.raises(InputError, match=r"names the image /home/ubuntu/bucket/1.tiff, which is at no address"):
        load_data.cut(path, BESIDE, wells=[], place=place)


def test_another_table_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no LoadData table"):
        load_data.cut(written(tmp_path), BESIDE, wells=[], place=place)
