"""Where shards run, as `--shards` says it."""

from __future__ import annotations

import pytest

from impasto.scale import where
from impasto.schema import InputError


def test_words() -> None:
    assert where.read("local") == where.HERE == where.Where("local", 1)
    assert where.read("local:4", max_bad=0.1, retry_bad=True) == where.Where("local", 4, "", 0.1, True)
    assert where.read("slurm", options="--mem=4G").options == "--mem=4G"
    assert where.read("ray").workers >= 1
    assert where.read("ray:3").workers == 3


@pytest.mark.parametrize(
    ("said", "options", "sentence"),
    [
        ("lokal", "", r"unknown place to run shards 'lokal' \(did you mean 'local'\?\)"),
        ("local:", "", "'' is no number of workers"),
        ("local:0", "", "'0' is no number of workers"),
        ("local:-2", "", "'-2' is no number"),
        ("local:9999", "", "from 1 to 512"),
        ("slurm:4", "", "Slurm decides how many"),
        ("local", "--mem=4G", "--slurm is for --shards slurm"),
    ],
)
def test_other_words_are_refused(said: str, options: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        where.read(said, options=options)
