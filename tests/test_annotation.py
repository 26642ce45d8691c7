"""What was done to which well: joined by the keys shared, in any order, and counted."""

from __future__ import annotations

import itertools
from pathlib import Path

import pandas as pd
import pytest

from impasto import annotation, spelling, wells
from impasto.schema import InputError


def data(**columns: object) -> pd.DataFrame:
    base = {"plate": ["P1", "P1", "P2", "P2"], "well": ["A01", "A02", "A01", "A02"]}
    return pd.DataFrame({**base, **columns}).astype("string")


def table(name: str, text: str) -> tuple[str, pd.DataFrame]:
    rows = [line.split(",") for line in text.strip().splitlines()]
    frame = pd.DataFrame(rows[1:], columns=rows[0]).replace("", pd.NA)
    return name, spelling.annotation(frame, where=name)


def kinds(obs: pd.DataFrame) -> list[str]:
    return [str(kind) for kind in wells.kinds(spelling.with_kinds(obs)[0])]


def test_a_platemap_of_every_plate_and_one_of_each() -> None:
    obs, joins = annotation.join(data(), [table("m.csv", "Well,Compound\na1,x\nA02,y\nB01,z")])
    assert obs["perturbation"].tolist() == ["x", "y", "x", "y"]
    assert joins[0].sentence() == "m.csv: by well: 4 of 4 wells found; 1 of its rows have no data"
    obs, joins = annotation.join(data(), [table("m.csv", "Plate ID,Well,Compound\nP1,A1,x\nP2,A1,y")])
    assert obs["perturbation"].fillna("").tolist() == ["x", "", "y", ""]
    assert (joins[0].keys, joins[0].found, joins[0].not_found, joins[0].unused) == (("plate", "well"), 2, 2, 0)


def test_same_named_plates_of_two_batches_stay_two() -> None:
    obs = data(batch=["B1", "B1", "B2", "B2"], plate="1")
    joined, _ = annotation.join(obs, [table("m.csv", "experiment,plate,well,sirna\nB1,1,A01,x\nB2,1,A01,y\nB1,1,A02,z\nB2,1,A02,w")])
    assert joined["perturbation"].tolist() == ["x", "z", "y", "w"]


def test_a_batch_of_another_spelling_is_no_obstacle_where_plates_are_told_apart_without_it() -> None:
    text = "batch,plate,well,compound\n2021_Batch1,P1,A01,x\n2021_Batch1,P2,A01,y"
    joined, joins = annotation.join(data(batch="B1"), [table("m.csv", text)])
    assert joined["perturbation"].fillna("").tolist() == ["x", "", "y", ""]
    assert joins[0].keys == ("plate", "well")
    with pytest.raises(
        InputError, match="no well of the data is in it by batch and plate and well: the data have B1, B2, the table 2021_Batch1"
    ):
        annotation.join(data(batch=["B1", "B1", "B2", "B2"], plate="P1"), [table("m.csv", text)])


CHAIN = (
    table("barcodes.csv", "Assay_Plate_Barcode,Plate_Map_Name\nP1,MA\nP2,MB"),
    table("MA.txt", "plate_map_name,well_position,broad_sample\nMA,A01,b1\nMA,A02,"),
    table("MB.txt", "plate_map_name,well_position,broad_sample\nMB,A01,b2\nMB,A02,b1"),
    table("compounds.tsv", "broad_sample,pert_iname,control_type,pert_type\nb1,one,,trt\nb2,two,poscon_cp,trt\n,DMSO,negcon,control"),
)


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_a_chain_of_four_tables_in_any_order(order: tuple[int, ...]) -> None:
    joined, joins = annotation.join(data(), [CHAIN[i] for i in order])
    assert joined["perturbation"].tolist() == ["b1", "DMSO", "b2", "b1"]
    assert joined["perturbation_name"].tolist() == ["one", "DMSO", "two", "one"]
    assert kinds(joined) == ["trt", "negcon", "poscon", "trt"]
    assert [j.found for j in joins] == [4, 4, 4]


def test_platemaps_named_by_their_files() -> None:
    maps = [("maps/MA.csv", table("x", "well,compound\nA01,x\nA02,y")[1]), ("maps/MB.csv", table("x", "well,compound\nA01,z")[1])]
    joined, _ = annotation.join(data(), [CHAIN[0], *maps])
    assert joined["perturbation"].fillna("").tolist() == ["x", "y", "z", ""]


def test_a_laboratorys_own_name_of_a_well() -> None:
    obs = pd.DataFrame({"well_id": ["e_1_A01", "e_2_A01"]}).astype("string")
    joined, joins = annotation.join(obs, [table("m.csv", "well_id,plate,address,treatment\ne_2_A01,2,A01,y\ne_1_A01,1,A01,x")])
    assert joined[["plate", "well", "perturbation"]].to_numpy().tolist() == [["1", "A01", "x"], ["2", "A01", "y"]]
    assert joins[0].keys == ("well_id",)


def test_jumps_tables() -> None:
    obs = data(source="source_4")
    maps = [
        table("compound.csv", "Metadata_JCP2022,Metadata_InChIKey,Metadata_SMILES\nJ1,K1,CC\nJ2,K2,CO"),
        table("orf.csv", "Metadata_JCP2022,Metadata_broad_sample,Metadata_Symbol\nJ9,ccs,GENE"),
        table(
            "well.csv",
            "Metadata_Source,Metadata_Plate,Metadata_Well,Metadata_JCP2022\nsource_4,P1,A01,J1\nsource_4,P1,A02,J9\n"
            "source_4,P2,A01,J2\nsource_1,P2,A02,J2",
        ),
        table(
            "plate.csv", "Metadata_Source,Metadata_Batch,Metadata_Plate,Metadata_PlateType\nsource_4,B7,P1,TARGET2\nsource_4,B7,P2,COMPOUND"
        ),
    ]
    joined, _ = annotation.join(obs, maps)
    assert joined["perturbation"].fillna("").tolist() == ["J1", "J9", "J2", ""]
    assert joined["batch"].tolist() == ["B7"] * 4
    assert joined["inchikey"].fillna("").tolist() == ["K1", "", "K2", ""]
    assert joined["gene"].fillna("").tolist() == ["", "GENE", "", ""]
    assert joined["PlateType"].tolist() == ["TARGET2", "TARGET2", "COMPOUND", "COMPOUND"]


def test_rows_of_a_well_that_agree_are_one_and_others_are_refused() -> None:
    text = "plate,well,site,site_id,well_type,sirna\nP1,A01,1,a,treatment,s1\nP1,A01,2,b,treatment,s1\nP1,A02,1,c,negative_control,EMPTY"
    joined, joins = annotation.join(data(), [table("m.csv", text)])
    assert joined["perturbation"].fillna("").tolist() == ["s1", "EMPTY", "", ""]
    assert "site" not in joined
    assert joins[0].notes == ("m.csv: site, site_id differ within plate and well and are left out",)
    sentence = (
        r"m\.csv: 4 rows describe 2 wells more than once and differ in perturbation_name \(first: well A01\); "
        r"the column 'Assay plate' tells them apart: --set columns\.plate='Assay plate'; no row was chosen"
    )
    with pytest.raises(InputError, match=sentence):
        annotation.join(data(), [table("m.csv", "Assay plate,well,compound\nX,A01,a\nX,A02,b\nY,A01,c\nY,A02,d")])


def test_no_common_well_and_no_common_key_are_sentences() -> None:
    with pytest.raises(InputError, match=r"m\.csv: no well of the data is in it by plate and well: the data have P1, P2, the table BR9"):
        annotation.join(data(), [table("m.csv", "plate,well,compound\nBR9,A01,x")])
    with pytest.raises(InputError, match=r"m\.csv shares no key with the data: it has perturbation_name, moa, the data have plate, well"):
        annotation.join(data(), [table("m.csv", "compound,moa\nx,y")])


def test_a_table_that_says_treated_makes_those_it_lacks_unknown_and_one_of_controls_does_not() -> None:
    obs = data(perturbation=["a", "b", "c", "d"])
    joined, _ = annotation.join(obs, [table("m.csv", "perturbation,pert_type\na,trt\nb,control\nc,trt")])
    assert kinds(joined) == ["trt", "negcon", "trt", "unknown"]
    joined, _ = annotation.join(obs, [table("m.csv", "perturbation,pert_type\nb,negcon")])
    assert kinds(joined) == ["trt", "negcon", "trt", "trt"]
    listed_elsewhere = [table("m.csv", "perturbation,pert_type\na,trt\nb,control\nc,trt"), table("n.csv", "perturbation,gene\nd,G")]
    assert kinds(annotation.join(obs, listed_elsewhere)[0]) == ["trt", "negcon", "trt", "trt"]


def test_what_a_table_replaces_is_counted_and_blanks_replace_nothing() -> None:
    obs = data(perturbation_name=["a", "b", "c", "d"], perturbation=["a", "b", "c", "d"])
    joined, joins = annotation.join(obs, [table("m.csv", "plate,well,perturbation_name\nP1,A01,z\nP1,A02,\nP2,A01,c")])
    assert joined["perturbation_name"].tolist() == ["z", "b", "c", "d"]
    assert joins[0].notes == ("m.csv: perturbation_name of 1 rows is replaced by what this table says",)


def test_two_tables_with_doses_of_two_units_are_in_micromolar() -> None:
    one = table("a.csv", "plate,well,Dose (nM)\nP1,A01,500\nP1,A02,20")
    other = table("b.csv", "plate,well,Dose (µM)\nP2,A01,0.5\nP2,A02,2")
    joined, _ = annotation.join(data(), [one, other])
    assert joined["concentration"].astype(float).tolist() == [0.5, 0.02, 0.5, 2.0]


def test_a_lone_row_without_a_key_says_nothing_of_wells_off_the_platemap() -> None:
    maps = [table("m.csv", "plate,well,broad_sample\nP1,A01,b1\nP1,A02,"), CHAIN[3]]
    joined, _ = annotation.join(data(), maps)
    assert kinds(joined) == ["trt", "negcon", "unknown", "unknown"]


def test_well_names_of_many_hands(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text('well,compound\nA1,a\na-02,b\n"1,3",c\nr01c04,d\nA - 5,e\n')
    read = annotation.read(path)
    assert read["well"].tolist() == ["A01", "A02", "A03", "A04", "A05"]
    path.write_text("well,compound\nA49,a\n")
    with pytest.raises(InputError, match=r"m\.csv: 'A49' is not a well"):
        annotation.read(path)


def test_real_jump_target_files_keep_their_dmso(shared_data: Path) -> None:
    folder = shared_data / "compounds"
    maps = [annotation.read(folder / f"JUMP-Target-1_compound_{name}.tsv") for name in ("platemap", "metadata")]
    obs = maps[0][["well"]].assign(plate="BR1").astype("string")
    joined, joins = annotation.join(obs, list(zip(("platemap.tsv", "metadata.tsv"), maps, strict=True)))
    found = pd.Series(kinds(joined)).value_counts().to_dict()
    blank = int(maps[0]["perturbation"].isna().sum())
    assert found["negcon"] == blank == 64
    assert joined.loc[maps[0]["perturbation"].isna(), "perturbation"].unique().tolist() == ["DMSO"]
    assert sum(found.values()) == 384
    assert "unknown" not in found
    assert joins[1].not_found == 0


def test_a_platemap_without_rows_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("well,compound\n")
    with pytest.raises(InputError, match=r"m\.csv holds no rows; it has the columns well, compound"):
        annotation.read(tmp_path / "m.csv")


def test_a_well_that_was_unknown_for_want_of_a_name_is_what_the_table_makes_it() -> None:
    obs = data(perturbation=["a", pd.NA, pd.NA, pd.NA], control_type=["unknown", "unknown", "unknown", "negcon"])
    joined, _ = annotation.join(obs, [table("m.csv", "plate,well,perturbation\nP1,A01,a\nP1,A02,b\nP2,A02,d")])
    # Named before: nobody knew what it was for another reason. Named now: free. Not named: as before. A control: stays one.
    assert joined["control_type"].fillna("").tolist() == ["unknown", "", "unknown", "negcon"]
    assert kinds(joined) == ["unknown", "trt", "unknown", "negcon"]
    without_kinds, _ = annotation.join(data(), [table("m.csv", "plate,well,perturbation\nP1,A01,a")])
    assert "control_type" not in without_kinds


def test_rows_that_leave_the_key_blank_are_counted() -> None:
    _, (found,) = annotation.join(data(), [table("m.csv", "Well,Compound\nA01,x\n,y\n,z\n,")])
    assert found.notes == ("m.csv: 2 rows leave well blank and are not used",)
