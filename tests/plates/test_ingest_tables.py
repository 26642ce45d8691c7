"""Tables and platemaps: joined, checked, refused in one sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from impasto.plates import picture
from impasto.plates.ingest import completeness, find
from impasto.plates.profile_tables import Opening
from impasto.schema import InputError
from impasto.spelling import Choices


def csv(path: Path, **changes: object) -> Path:
    frame = pd.DataFrame(
        {
            "Metadata_Plate": "P1",
            "Metadata_Well": ["A01", "A02", "B01"],
            "Cells_AreaShape_Area": [1.0, 2.0, 3.0],
            "Nuclei_AreaShape_Area": [1.0, 5.0, 3.0],
        }
    )
    frame.assign(**changes).to_csv(path, index=False)
    return path


def test_platemap_and_annotation_join_one_after_the_other(tmp_path: Path) -> None:
    wells, compounds = tmp_path / "map.tsv", tmp_path / "compounds.tsv"
    wells.write_text("well_position\tbroad_sample\nA01\tBRD-1\nA02\t\nB01\tBRD-2\nC01\tBRD-9\n")
    compounds.write_text(
        "broad_sample\tpert_iname\tcontrol_type\tsmiles\nBRD-1\taspirin\tNA\tCC\nBRD-2\tbad\tposcon_cp\tC\n\tDMSO\tnegcon\tCS\n"
    )
    found = find([csv(tmp_path / "t.csv")], platemaps=[wells, compounds])
    assert found.profiles is not None
    obs = found.profiles.obs
    assert obs["perturbation_name"].fillna("").tolist() == ["aspirin", "DMSO", "bad"]
    assert obs["control_type"].tolist() == ["trt", "negcon", "poscon"]
    assert any("by well: 3 of 3 wells found; 1 of its rows have no data" in note for note in found.notes)


def test_a_platemap_that_does_not_match_is_a_sentence(tmp_path: Path) -> None:
    wells = tmp_path / "map.csv"
    wells.write_text("well,compound\nG07,x\nH08,y\n")
    with pytest.raises(InputError, match="no well of the data is in it by well: the data have A01, A02, B01, the table G07, H08"):
        find([csv(tmp_path / "t.csv")], platemaps=[wells])
    wells.write_text("well,compound\nA01,x\nA01,y\n")
    with pytest.raises(
        InputError, match=r"2 rows describe 1 wells more than once and differ in perturbation_name \(first: well A01\); no row was chosen"
    ):
        find([csv(tmp_path / "t.csv")], platemaps=[wells])


def test_doubled_wells_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"2 rows share their plate and well \(first: plate P1, well A01\)"):
        find([csv(tmp_path / "t.csv", Metadata_Well=["A01", "a1", "B01"])])


def test_what_will_hurt_later_is_told_now(tmp_path: Path) -> None:
    found = find([csv(tmp_path / "t.csv", Cells_AreaShape_Area=[np.inf, np.nan, 3.0], Nuclei_AreaShape_Area=[1.0, 3e5, 2.0])])
    text = "\n".join(found.notes)
    assert "1 features hold missing or infinite values" in text
    assert "the largest value is 3e+05" in text
    assert any("no negative control is marked" in problem.sentence for problem in found.summary.problems)


def test_a_table_without_known_columns_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("Place,Cells_AreaShape_Area\nA01,1\nA02,2\n")
    found = find([tmp_path / "t.csv"])
    assert any("no column is known by its spelling" in note for note in found.notes)
    sentences = [problem.sentence for problem in found.summary.problems]
    assert any("no column means plate, well, perturbation; where there is one, say so: --set columns.plate=NAME" in s for s in sentences)
    named = find([tmp_path / "t.csv"], opening=Opening(Choices({"well": "Place"})))
    assert any("no column means plate, perturbation;" in problem.sentence for problem in named.summary.problems)


def test_images_and_tables_are_not_mixed(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    with pytest.raises(InputError, match="images or tables of profiles, not both"):
        find([csv(tmp_path / "t.csv"), tmp_path / "images"])


def test_the_picture_of_a_plate(tmp_path: Path) -> None:
    found = find([csv(tmp_path / "t.csv", Metadata_control_type=["negcon", "poscon", "trt"])])
    lines = picture.draw(completeness(found), plate="P1").plain.splitlines()
    assert lines[0] == "P1: 3 of 96 wells"
    assert lines[2].split()[:4] == ["A", "N", "P", "."]
    assert lines[3].split()[:3] == ["B", "o", "."]


def test_same_named_plates_of_two_batches_are_two(tmp_path: Path) -> None:
    paths = [csv(tmp_path / f"{b}.csv", Metadata_Batch=b, Metadata_Plate="007") for b in ("B1", "B2")]
    found = find(paths)
    assert [plate["name"] for plate in found.summary.plates] == ["B1/007", "B2/007"]
    assert [plate["plate"] for plate in found.summary.plates] == ["007", "007"]
    assert len(completeness(found)) == 6


def test_columns_that_the_user_names_may_stand_in_the_platemap(tmp_path: Path) -> None:
    wells = tmp_path / "map.csv"
    wells.write_text("Assay plate,well,compound\nP1,A01,a\nP2,A01,b\nP1,A02,c\n")
    with pytest.raises(InputError, match=r"--set columns\.plate='Assay plate'; no row was chosen"):
        find([csv(tmp_path / "t.csv")], platemaps=[wells])
    found = find([csv(tmp_path / "t.csv")], platemaps=[wells], opening=Opening(Choices({"plate": "Assay plate"})))
    assert found.wells["perturbation"].fillna("").tolist() == ["a", "c", ""]
    with pytest.raises(InputError, match="there is no column 'Assay_plate' for 'plate'"):
        find([csv(tmp_path / "t.csv")], platemaps=[wells], opening=Opening(Choices({"plate": "Assay_plate"})))


def test_images_get_source_and_batch_from_their_platemap(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("path,channel,plate,well\na.tif,DNA,007,A01\nb.tif,DNA,007,A02\n")
    (tmp_path / "a.tif").touch()
    wells = tmp_path / "map.csv"
    wells.write_text("lab,batch,plate,well,compound\nL,B1,007,A01,x\nL,B1,007,A02,y\n")
    found = find([sheet], platemaps=[wells])
    assert found.planes["batch"].tolist() == ["B1", "B1"]
    assert found.planes["source"].tolist() == ["L", "L"]
    assert found.summary.plates[0]["name"] == "L/B1/007"
    assert completeness(found)["complete"].tolist() == [True, True]
