"""A split that somebody else made: joined by the surest name, and refused where it does not say of a compound where it goes."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from impasto.sampling import split_file
from impasto.sampling.settings import SplitSettings
from impasto.sampling.splits import split, with_controls
from impasto.schema import InputError

OBS = pd.DataFrame({"perturbation": ["a", "b", "a", "c"], "inchikey": ["KA", "KB", "KA", "KC"], "smiles": ["C", "CC", "C", "CCC"]})


def written(folder: Path, text: str) -> Path:
    (folder / "split.csv").write_text(text)
    return folder / "split.csv"


@pytest.mark.parametrize(
    "text", ["inchikey,split\nKA,train\nKB,test\nKC,Validation\n", "Metadata_SMILES,split\nC,train\nCC,test\nCCC,validation\n"]
)
def test_parts_are_those_of_the_table(text: str, tmp_path: Path) -> None:
    assert split_file.parts(OBS, written(tmp_path, text)).tolist() == ["train", "test", "train", "validation"]


def test_the_surest_name_counts(tmp_path: Path) -> None:
    path = written(tmp_path, "perturbation,inchikey,split\nb,KA,train\na,KB,test\nc,KC,test\n")
    assert split_file.parts(OBS, path).tolist() == ["train", "test", "train", "test"]
    assert split(OBS, SplitSettings(file=path), seed=0).tolist() == ["train", "test", "train", "test"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("inchikey,part\nKA,train\n", "a split has a column 'split'"),
        ("inchikey,split\nKA,training\n", "holds 'training'; allowed: train, validation, test"),
        ("name,split\nx,train\n", "names compounds by none of inchikey, perturbation"),
        ("inchikey,split\nKA,train\nKA,test\nKB,test\nKC,test\n", "puts 'KA' into test and train"),
        ("inchikey,split\nKA,train\nKB,test\n", "does not name 1 of the 3 values of 'inchikey' .first: 'KC'"),
    ],
)
def test_a_table_that_does_not_say_it_is_a_sentence(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said):
        split_file.parts(OBS, written(tmp_path, text))


def test_a_table_that_leaves_nothing_to_train_on_and_one_that_leaks_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="leaves none of these 4 rows to train on"):
        split(OBS, SplitSettings(file=written(tmp_path, "inchikey,split\nKA,test\nKB,test\nKC,test\n")), seed=0)
    leaking = OBS.assign(perturbation=["a", "b", "a", "a2"], inchikey=["KA", "KB", "KA", "KA"])
    with pytest.raises(InputError, match="stand in train and in a held-out part"):
        split(leaking, SplitSettings(file=written(tmp_path, "perturbation,split\na,train\nb,test\na2,test\n")), seed=0)


def test_controls_train_whatever_the_table_says_of_compounds(tmp_path: Path) -> None:
    import anndata
    import numpy as np

    obs = OBS.assign(control_type=["trt", "trt", "trt", "negcon"])
    table = anndata.AnnData(X=np.zeros((4, 1), np.float32), obs=obs.set_axis(["0", "1", "2", "3"]))
    path = written(tmp_path, "inchikey,split\nKA,train\nKB,test\n")
    assert with_controls(table, SplitSettings(file=path, validation=0.0, test=0.0), seed=0).tolist() == ["train", "test", "train", "train"]
