"""Spelling: a lab's columns are told apart as it meant them, and what is not understood is said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from impasto import schema, spelling, tables
from impasto.schema import InputError
from impasto.spelling import Choices


def table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Metadata_Plate": ["P1", "P1", "P2"],
            "Metadata_Well": ["a1", "A2", "B03"],
            "Metadata_broad_sample": ["BRD-1", "BRD-2", "DMSO"],
            "Metadata_control_type": [np.nan, "poscon_cp", "negcon"],
            "Nuclei_AreaShape_Area": [1.0, 2.0, 3.0],
            "Cells_Texture_Contrast_Mito_3_00_256": [0.0, -1.0, 4.0],
        }
    )


def test_words_are_found_by_spelling() -> None:
    found = spelling.sort(table(), where="t")
    assert set(found.obs) == {schema.PLATE, schema.WELL, schema.PERTURBATION, schema.CONTROL_TYPE}
    assert found.obs[schema.WELL].tolist() == ["A01", "A02", "B03"]
    obs, unknown_words = spelling.with_kinds(found.obs)
    assert obs[schema.CONTROL_TYPE].tolist() == ["trt", "poscon", "negcon"]
    assert obs["control_type_original"].tolist()[1] == "poscon_cp"
    assert unknown_words == {}
    assert found.taken[schema.PERTURBATION] == "Metadata_broad_sample"
    assert found.features == ["Nuclei_AreaShape_Area", "Cells_Texture_Contrast_Mito_3_00_256"]


def test_a_column_can_be_named_by_hand() -> None:
    frame = table().rename(columns={"Metadata_Well": "Metadata_Position"})
    assert spelling.sort(frame, where="t", choices=Choices({"well": "Position"})).obs[schema.WELL].iloc[0] == "A01"
    with pytest.raises(InputError, match=r"no column 'Positoin' for 'well' \(did you mean"):
        spelling.sort(frame.rename(columns={"Metadata_Position": "Position"}), where="t", choices=Choices({"well": "Positoin"}))


def test_bookkeeping_columns_are_neither_features_nor_annotation() -> None:
    frame = table().assign(Cells_Location_Center_X=1.0, Cells_Number_Object_Number=2.0, Nuclei_Parent_Cells=1.0)
    found = spelling.sort(frame, where="t")
    assert len(found.features) == 2
    assert found.left_out == ["Cells_Location_Center_X", "Cells_Number_Object_Number", "Nuclei_Parent_Cells"]
    assert not set(found.left_out) & set(found.obs)


def test_features_can_be_named_by_an_expression() -> None:
    assert spelling.sort(table(), where="t", choices=Choices(features="^Nuclei_")).features == ["Nuclei_AreaShape_Area"]
    with pytest.raises(InputError, match=r"feature 'Metadata_Plate' holds text \(first: 'P1', row 2\)"):
        spelling.sort(table(), where="t", choices=Choices(features="Plate"))


def test_a_measurement_that_came_as_text_is_refused_with_its_row() -> None:
    frame = table().astype({"Nuclei_AreaShape_Area": object})
    frame.loc[1, "Nuclei_AreaShape_Area"] = "oops"
    with pytest.raises(InputError, match=r"t\.csv: feature 'Nuclei_AreaShape_Area' holds text \(first: 'oops', row 3\)"):
        spelling.sort(frame, where="t.csv")


def test_no_features_is_a_sentence() -> None:
    with pytest.raises(InputError, match="no feature columns"):
        spelling.sort(table()[["Metadata_Plate", "Metadata_Well"]], where="t")


def test_two_columns_of_one_meaning_are_refused_with_a_way_out() -> None:
    sentence = r"two columns mean 'plate' and differ \('Metadata_Plate', 'plate'\); say which one with --set columns\.plate=Metadata_Plate"
    with pytest.raises(InputError, match=sentence):
        spelling.sort(table().assign(plate="P1"), where="t")
    chosen = spelling.sort(table().assign(Plate="P1"), where="t", choices=Choices({"plate": "Metadata_Plate"}))
    assert chosen.obs["plate"].tolist() == ["P1", "P1", "P2"]
    with pytest.raises(InputError, match=r"two columns mean .plate.; say which one"):
        spelling.sort(table().assign(plate="P1"), where="t", choices=Choices({"plate": "Metadata_Plate"}))


def test_a_table_of_annotation_alone_comes_in_our_words() -> None:
    found = spelling.annotation(pd.DataFrame({"Metadata_Well": ["a1"], "broad_sample": ["BRD-1"], "note": ["x"]}), where="map.csv")
    assert found.to_dict("list") == {schema.WELL: ["A01"], schema.PERTURBATION: ["BRD-1"], "note": ["x"]}
    with pytest.raises(InputError, match=r"map\.csv: "):
        spelling.annotation(pd.DataFrame({"well": ["nowhere"]}), where="map.csv")


@pytest.mark.parametrize(
    ("column", "word"),
    [
        ("Plate ID", schema.PLATE),
        ("Metadata_Assay_Plate_Barcode", schema.PLATE),
        ("WELL", schema.WELL),
        ("Image_Metadata_Well", schema.WELL),
        ("Well Position", schema.WELL),
        ("Compound", schema.PERTURBATION_NAME),
        ("Conc (µM)", schema.CONCENTRATION),
        ("Metadata_mmoles_per_liter", schema.CONCENTRATION),
        ("InChIKey", schema.INCHIKEY),
        ("experiment_name", schema.BATCH),
        ("Plate_Map_Name", schema.PLATE_MAP),
        ("cell type", schema.CELL_LINE),
        *((column, schema.PLATE) for column in ("Platte", "Platten-ID", "Plate No.", "Plaque", "N° de plaque", "Code-barres")),
        *((column, schema.WELL) for column in ("Vertiefung", "Näpfchen", "Puits", "Well Coordinate", "Coordonnées")),
        *((column, schema.PERTURBATION_NAME) for column in ("Verbindung", "Wirkstoff", "Composé", "Cpd ID", "Molécule")),
        *((column, schema.PERTURBATION) for column in ("Behandlung", "Traitement")),
        *(
            (column, schema.CONCENTRATION)
            for column in ("Konzentration", "Konz. [µM]", "Dosis (nM)", "Endkonzentration µmol/L", "Final conc. in µM", "Dose, nmol/l")
        ),
        ("Zelllinie", schema.CELL_LINE),
        ("Lignée cellulaire", schema.CELL_LINE),
    ],
)
def test_spellings_of_one_word(column: str, word: str) -> None:
    values = {schema.WELL: "b7", schema.CONCENTRATION: "1.5"}
    assert tables.is_name(column) == (word != schema.CONCENTRATION)
    assert list(spelling.annotation(pd.DataFrame({column: [values.get(word, "x")]}), where="t").columns) == [word]


def test_a_spelling_of_two_meanings_is_told_by_its_values() -> None:
    def words(**columns: object) -> list[str]:
        return list(spelling.annotation(pd.DataFrame(columns), where="t").columns)

    assert words(well_id=["A01", "B02"]) == [schema.WELL]
    assert words(well_id=["e_1_A01"], address=["A01"]) == [schema.WELL_ID, schema.WELL]
    assert words(Position=["A01", "B02"]) == [schema.WELL]
    assert words(Position=["left"], address=["12 High Street"]) == ["Position", "address"]
    assert words(Type=["vehicle", "sample", None]) == [schema.CONTROL_TYPE]
    assert words(Type=["U2OS", "HeLa"]) == ["Type"]
    assert words(Type=["Vehicle", "reference", "NA"]) == [schema.CONTROL_TYPE], "a word beside those of controls is unknown, never treated"
    assert words(Type=["Sample", "NA"]) == [schema.CONTROL_TYPE]
    assert words(Type=["sample", "kinase"]) == ["Type"], "no word names a control"
    assert words(Typ=["Probe", "Negativkontrolle"]) == [schema.CONTROL_TYPE]
    assert words(Art=["Mensch", "Maus"]) == ["Art"]
    assert words(Lage=["A1", "h12"]) == [schema.WELL]
    assert words(Lage=["oben", "unten"]) == ["Lage"]
    assert words(cell_id=[1, 2], Cell_ID=[3, 4]) == ["cell_id", "Cell_ID"]


def test_names_stay_as_they_are_written() -> None:
    obs = pd.DataFrame({"plate": [" 000412", "000412 "], "site": ["001", "010"], "compound": [12.0, 13.0], "batch": [1.0, np.nan]})
    found = spelling.annotation(obs, where="t")
    assert found["plate"].tolist() == ["000412", "000412"]
    assert found["site"].tolist() == ["1", "10"]
    assert found["perturbation_name"].tolist() == ["12", "13"]
    assert found["batch"].fillna("").tolist() == ["1", ""]
    mixed = spelling.annotation(pd.DataFrame({"compound": ["1.0", "1.5"]}), where="t")
    assert mixed["perturbation_name"].tolist() == ["1.0", "1.5"], "`.0` goes only where every value has it"


def test_rows_and_columns_that_stand_apart_are_a_well() -> None:
    for rows in ([1, 2], ["A", "B"], ["a", "b"]):
        found = spelling.annotation(pd.DataFrame({"WellRow": rows, "WellCol": [3, 12]}), where="t")
        assert found["well"].tolist() == ["A03", "B12"]
    said = pd.DataFrame({"well": ["C05", "C06"], "WellRow": ["A", "B"], "WellCol": [3, 12]})
    assert spelling.annotation(said, where="t")["well"].tolist() == ["C05", "C06"]
    untouched = spelling.annotation(pd.DataFrame({"row": ["left", "right"], "col": [3, 12]}), where="t")
    assert list(untouched.columns) == ["row", "col"]


def test_the_users_columns_come_first_and_annotation_may_be_named() -> None:
    frame = table().assign(Metadata_dose_name="d1", speed=1.0)
    choices = Choices({"perturbation": "dose_name"}, annotation=("speed",))
    found = spelling.sort(frame, where="t", choices=choices)
    assert found.obs["perturbation"].tolist() == ["d1"] * 3
    assert "speed" in found.obs
    assert found.how == "CellProfiler's names"


def test_columns_of_yes_and_no_are_annotation_of_a_platemap_and_of_profiles() -> None:
    found = spelling.annotation(pd.DataFrame({"Well": ["A1", "A2"], "Vehicle": ["yes", "no"], "Control": [1, 2]}), where="t")
    assert found.to_dict("list") == {"well": ["A01", "A02"], "is_negcon": ["yes", "no"], "Control": [1, 2]}
    profiles = table().assign(Control=[1, 0, 0], Metadata_Pos_ctrl=[False, True, False])
    told = spelling.sort(profiles, where="t")
    assert (told.taken["is_control"], told.taken["is_poscon"]) == ("Control", "Metadata_Pos_ctrl")
    assert "Control" not in told.features
    with pytest.raises(InputError, match=r"two columns mean 'is_negcon' and differ .'Vehicle', 'DMSO'.; .*--set columns.is_negcon=Vehicle"):
        spelling.annotation(pd.DataFrame({"Vehicle": ["yes", "no"], "DMSO": ["no", "yes"]}), where="t")
    chosen = spelling.annotation(pd.DataFrame({"mark": ["yes", "no"]}), where="t", columns={"is_negcon": "mark"})
    assert chosen["is_negcon"].tolist() == ["yes", "no"]
    # A column of yes and no under a name that kinds have is none of kinds.
    for flags in (np.array([True, False]), pd.array([True, None], dtype="boolean"), ["True", "False"]):
        assert "control_type" not in spelling.annotation(pd.DataFrame({"Well": ["A1", "A2"], "role": flags}), where="t")


def test_cells_of_doses_that_hold_no_number_are_kept_and_told() -> None:
    found = spelling.annotation(pd.DataFrame({"Dose": ["1 nM", "<LOD", None, "10 µM"]}), where="t")
    assert found["concentration"].fillna(-1).tolist() == [0.001, -1, -1, 10]
    assert spelling.not_doses(found).tolist() == ["<LOD"]
    assert spelling.not_doses(pd.DataFrame({"concentration": ["high", None]})).tolist() == ["high"]
    assert spelling.not_doses(pd.DataFrame({"well": ["A01"]})).empty
    with pytest.raises(InputError, match=r"map.csv: the dose '1,000 nM' may mean thousands"):
        spelling.annotation(pd.DataFrame({"Dose": ["1,000 nM", "500 nM"]}), where="map.csv")


@pytest.mark.parametrize(
    "written", [[-6.0, 0.0, np.inf, 1.5], ["-6", "0", "inf", "1.5"], ["-6 M", "0 M", "inf", "1.5 uM"], ["-1E-6", "0", "∞", "1,5"]]
)
def test_logarithms_and_infinity_are_no_doses(written: list[object]) -> None:
    found = spelling.annotation(pd.DataFrame({"Dose": written}), where="t")
    assert found["concentration"].fillna(-1).tolist() == [-1, 0, -1, 1.5]
    assert spelling.not_doses(found).tolist() == [str(written[0]), str(written[2])]
    logarithms = spelling.annotation(pd.DataFrame({"Dose": [-6.0, -7.5]}), where="t")
    assert logarithms["concentration"].isna().all()
    assert spelling.not_doses(logarithms).tolist() == ["-6.0", "-7.5"]


def test_doses_with_their_units_in_another_column() -> None:
    found = spelling.annotation(pd.DataFrame({"Conc": [10.0, 1.0, 2.0], "Unit": ["nM", "µM", None]}), where="t")
    assert found["concentration"].tolist() == [0.01, 1.0, 2.0]
    alone = spelling.annotation(pd.DataFrame({"Conc": [10.0], "Unit": ["ug/mL"]}), where="t")
    assert alone["concentration"].tolist() == [10.0]
    with pytest.raises(InputError, match=r"map.csv: doses have several units, and 'ug/mL' is none that is known"):
        spelling.annotation(pd.DataFrame({"Conc": [10.0, 1.0], "Dose unit": ["ug/mL", "nM"]}), where="map.csv")


def test_names_that_a_spreadsheet_made_dates_of() -> None:
    obs = pd.DataFrame({"gene": ["1-Mar", "TP53", None, "2-Sep"], "perturbation": ["2024-03-01", "MARCH1", "SEPT2", "x-Mar"]})
    assert spelling.names_made_dates(obs) == ["1-Mar", "2-Sep", "2024-03-01"]


def test_the_gene_of_a_compound_is_its_target_where_no_list_says_more() -> None:
    kinds = ["compound", "crispr", "compound"]
    obs = pd.DataFrame({"perturbation_type": kinds, "gene": ["AKT1", "TP53", None], "perturbation": list("abc")})
    read, _ = spelling.with_kinds(obs)
    assert read["targets"].fillna("").tolist() == ["AKT1", "", ""]
    listed, _ = spelling.with_kinds(obs.assign(targets=["AKT1|AKT2", None, None]))
    assert listed["targets"].fillna("").tolist() == ["AKT1|AKT2", "", ""]
    assert "targets" not in spelling.with_kinds(obs.assign(perturbation_type="crispr"))[0]
    assert "targets" not in spelling.with_kinds(obs[["gene", "perturbation"]])[0]


def test_what_tells_profiles_from_perturbations_is_no_type_of_perturbation() -> None:
    said = {"Metadata_plate": ["P", "P"], "Metadata_well": ["A01", "A02"]}
    own = spelling.annotation(pd.DataFrame({**said, "Metadata_modality": ["profile", "perturbation"]}), where="t")
    other = spelling.annotation(pd.DataFrame({**said, "Metadata_modality": ["compound", "crispr"]}), where="t")
    assert own["modality"].tolist() == ["profile", "perturbation"]
    assert "perturbation_type" in other
