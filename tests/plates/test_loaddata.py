"""LoadData tables in all their forms give the same planes; what they leave out or get wrong is said."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests.loopback import Server

from impasto.plates import files, loaddata
from impasto.plates.planes import paths
from impasto.plates.reader import Asked, Found
from impasto.schema import InputError


def found(path: Path | str, **asked: Any) -> Found:
    listing = files.listing(path)
    assert loaddata.fits(listing) > 0
    return loaddata.planes(listing, Asked(**asked))


def rows(result: Found, *words: str) -> list[list[Any]]:
    """Those words of the planes; what is text as plain strings."""
    planes = result.planes.assign(path=paths(result.planes).to_pylist())
    return [[value if isinstance(value, int) else str(value) for value in row] for row in planes[list(words)].to_numpy().tolist()]


def csv(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


PLATE = "Metadata_Plate,Metadata_Well,Metadata_Site"


def test_file_names_with_folders_relative_to_the_table(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    table = csv(tmp_path / "a.csv", f"FileName_OrigDNA,PathName_OrigDNA,{PLATE}\na.tif,images,P1,A01,1\nb.tif,{tmp_path}/images,P1,A02,1\n")
    assert rows(found(table), "path", "channel", "plate", "well", "site", "page") == [
        [f"{tmp_path}/images/a.tif", "DNA", "P1", "A01", "1", 0],
        [f"{tmp_path}/images/b.tif", "DNA", "P1", "A02", "1", 0],
    ]


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "parquet"])
def test_urls_with_illumination_as_the_gallery_keeps_them(tmp_path: Path, kind: str) -> None:
    frame = pd.DataFrame(
        {
            "URL_OrigDNA": ["s3://gallery/a#1.tif"],
            "URL_OrigER": ["https://host/e%20r.tif"],
            "URL_IllumDNA": ["s3://gallery/illum/DNA.npy"],
            "Metadata_Plate": ["000412"],
            "Metadata_Well": ["A01"],
            "Metadata_Site": [1],
            "Metadata_Batch": ["B1"],
            "Metadata_Source": ["source_4"],
        }
    )
    path = tmp_path / f"load_data.{kind}"
    frame.to_parquet(path) if kind == "parquet" else frame.to_csv(path, index=False)
    result = found(path)
    assert rows(result, "source", "batch", "plate", "site", "channel", "path", "illumination") == [
        ["source_4", "B1", "000412", "1", "DNA", "s3://gallery/a#1.tif", "s3://gallery/illum/DNA.npy"],
        ["source_4", "B1", "000412", "1", "ER", "https://host/e%20r.tif", ""],
    ]
    assert any("illumination functions of DNA" in note for note in result.notes)


def test_the_image_table_of_bbbc021(tmp_path: Path) -> None:
    table = csv(
        tmp_path / "image.csv",
        "ImageNumber,Image_FileName_DAPI,Image_PathName_DAPI,Image_FileName_Actin,Image_PathName_Actin,"
        "Image_Metadata_Plate_DAPI,Image_Metadata_Well_DAPI,Replicate,Image_Metadata_Compound,Image_Metadata_Concentration\n"
        "11,a.tif,Week4/P,b.tif,Week4/P,Week4_27481,B02,1,DMSO,0.0\n12,c.tif,Week4/P,d.tif,Week4/P,Week4_27481,B02,1,DMSO,0.0\n",
    )
    result = found(table)
    assert rows(result, "plate", "well", "site", "channel", "path") == [
        ["Week4_27481", "B02", "1", "DAPI", f"{tmp_path}/Week4/P/a.tif"],
        ["Week4_27481", "B02", "1", "Actin", f"{tmp_path}/Week4/P/b.tif"],
        ["Week4_27481", "B02", "2", "DAPI", f"{tmp_path}/Week4/P/c.tif"],
        ["Week4_27481", "B02", "2", "Actin", f"{tmp_path}/Week4/P/d.tif"],
    ]
    assert any("no column says the site" in note for note in result.notes)
    assert result.annotation.to_dict("records") == [{"plate": "Week4_27481", "well": "B02", "Compound": "DMSO", "Concentration": "0"}]


def test_pages_of_one_file_by_frame(tmp_path: Path) -> None:
    head = f"FileName_OrigDNA,Frame_OrigDNA,FileName_OrigER,Frame_ER,{PLATE}"
    table = csv(tmp_path / "a.csv", f"{head}\na.tif,0,a.tif,1,P1,A01,1\nb.tif,,b.tif,1.0,P1,A02,1\n")
    assert rows(found(table), "channel", "page") == [["DNA", 0], ["ER", 1], ["DNA", 0], ["ER", 1]]
    csv(table, f"{head}\na.tif,0,a.tif,1,P1,A01,1\nb.tif,x,b.tif,1,P1,A02,1\n")
    with pytest.raises(InputError, match="row 3 has Frame_OrigDNA 'x'; pages are numbers from 0"):
        found(table)


@pytest.mark.parametrize(
    ("name", "folder", "expected"),
    [
        ("a.tif", "s3://bucket/x/images", "s3://bucket/x/images/a.tif"),
        ("a.tif", "s3://bucket/x/images/", "s3://bucket/x/images/a.tif"),
        ("a.tif", r"D:\screen\P1", "D:/screen/P1/a.tif"),
        (r"P1\a.tif", "", "{here}/P1/a.tif"),
        ("a.tif", "../images", "{parent}/images/a.tif"),
        ("/cluster/a.tif", "images", "/cluster/a.tif"),
        ("file:///cluster/a%20b.tif", "", "/cluster/a b.tif"),
        ("file:/D:/x/a.tif", "", "D:/x/a.tif"),
        ("https://host/a.tif", "/local", "https://host/a.tif"),
        (r"\\server\share\a.tif", "", "//server/share/a.tif"),
    ],
)
def test_a_path_as_it_is_written(tmp_path: Path, name: str, folder: str, expected: str) -> None:
    here = tmp_path / "tables"
    assert files.written(name, folder=folder, beside=f"{here}/a.csv") == expected.format(here=here, parent=tmp_path)


def test_a_table_in_a_bucket_speaks_of_the_files_beside_it(server: Server) -> None:
    (server.root / "gallery" / "P1").mkdir()
    (server.root / "gallery" / "P1" / "load_data.csv").write_text(f"FileName_OrigDNA,{PLATE}\n100%.tif,P1,A01,1\n")
    assert rows(found("s3://gallery/P1/load_data.csv"), "path") == [["s3://gallery/P1/100%.tif"]]
    assert rows(found(Path("s3://gallery/P1/load_data.csv")), "path") == [["s3://gallery/P1/100%.tif"]]


def test_files_of_another_machine_lie_below_root(tmp_path: Path) -> None:
    (tmp_path / "mirror" / "B1" / "P1").mkdir(parents=True)
    head = f"FileName_OrigDNA,PathName_OrigDNA,{PLATE}"
    table = csv(
        tmp_path / "a.csv",
        f"{head}\na.tif,/cluster/proj/B1/P1,P1,A01,1\nb.tif,D:\\proj\\B1\\P1,P1,A02,1\n"
        "c.tif,s3://bucket/proj/B1/P1,P1,A03,1\nd.tif,/elsewhere,P1,A04,1\n",
    )
    mirror = tmp_path / "mirror"
    assert [path for (path,) in rows(found(table, root=mirror), "path")] == [
        f"{mirror}/B1/P1/a.tif",
        f"{mirror}/B1/P1/b.tif",
        f"{mirror}/B1/P1/c.tif",
        f"{mirror}/d.tif",
    ]


def test_files_here_before_urls_and_urls_before_files_of_another_machine(tmp_path: Path) -> None:
    head = f"FileName_DNA,PathName_DNA,URL_DNA,{PLATE}"
    table = csv(
        tmp_path / "a.csv",
        f"{head}\na.tif,{tmp_path},s3://b/a.tif,P1,A01,1\nb.tif,/cluster/x,s3://b/b.tif,P1,A02,1\n,,s3://b/c.tif,P1,A03,1\n",
    )
    assert [path for (path,) in rows(found(table), "path")] == [f"{tmp_path}/a.tif", "s3://b/b.tif", "s3://b/c.tif"]


def test_images_that_are_not_named_are_counted(tmp_path: Path) -> None:
    table = csv(tmp_path / "a.csv", f"URL_OrigDNA,URL_OrigER,{PLATE}\ns3://b/a.tif,,P1,A01,1\ns3://b/b.tif,s3://b/c.tif,P1,A02,1\n")
    result = found(table)
    assert rows(result, "well", "channel") == [["A01", "DNA"], ["A02", "DNA"], ["A02", "ER"]]
    assert any("1 images are not named" in note for note in result.notes)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("URL_OrigDNA,Metadata_Well\ns3://b/a.tif,A01\n", "no column says the plate; add Metadata_Plate"),
        (
            "URL_OrigDNA,Metadata_Plate,Metadata_Well\ns3://b/a.tif,P1,A01\ns3://b/b.tif,P1,\n",
            r"row 3 leaves its well blank \(Metadata_Well\)",
        ),
        (
            f"URL_OrigDNA,URL_IllumER,{PLATE}\ns3://b/a.tif,s3://b/b.npy,P1,A01,1\n",
            "illumination functions of ER belong to no channel; it has DNA",
        ),
    ],
)
def test_what_is_missing_is_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        found(csv(tmp_path / "a.csv", text))


def gallery(folder: Path) -> Path:
    """Two batches with a plate of one name, as the Cell Painting Gallery keeps their tables; the CSV of one has no batch."""
    for batch in ("B1", "B2"):
        place = folder / "source_4" / "workspace" / "load_data_csv" / batch / "BR1"
        text = f"URL_OrigDNA,{PLATE}\ns3://gallery/x/source_4/images/{batch}/images/BR1__2021-Measurement1/Images/r01c01f01p01-ch1sk1fk1fl1.tiff,BR1,A01,1\n"
        csv(place / "load_data.csv", text)
        (place / "load_data_with_illum.csv.gz").write_bytes(
            gzip.compress(text.replace("URL_OrigDNA", "URL_OrigDNA,URL_IllumDNA").replace(".tiff,", ".tiff,s3://i.npy,").encode())
        )
    return folder


def test_the_tables_of_the_gallery_are_read_as_one(tmp_path: Path) -> None:
    result = found(gallery(tmp_path))
    assert rows(result, "source", "batch", "plate", "well", "illumination") == [
        ["source_4", "B1", "BR1", "A01", "s3://i.npy"],
        ["source_4", "B2", "BR1", "A01", "s3://i.npy"],
    ]


def test_a_mirror_of_the_gallery_is_read_where_it_lies(tmp_path: Path) -> None:
    gallery(tmp_path)
    for batch in ("B1", "B2"):
        images = tmp_path / "source_4" / "images" / batch / "images" / "BR1__2021-Measurement1" / "Images"
        images.mkdir(parents=True)
        (images / "r01c01f01p01-ch1sk1fk1fl1.tiff").touch()
    result = found(tmp_path, root=tmp_path)
    assert all(Path(path).exists() for (path,) in rows(result, "path"))
    assert len(result.folders or ()) == 4  # its images are not read a second time by their names


def test_the_gallery_in_a_bucket(server: Server) -> None:
    gallery(server.root / "gallery")
    assert rows(found("s3://gallery/source_4/workspace/load_data_csv/B2/"), "batch", "plate") == [["B2", "BR1"]]
