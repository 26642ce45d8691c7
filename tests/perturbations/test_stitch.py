"""Links of STITCH."""

from pathlib import Path

from impasto.perturbations import stitch


def test_stitch_keeps_strong_links(tmp_path: Path) -> None:
    path = tmp_path / "stitch.tsv"
    path.write_text("chemical\tprotein\tcombined_score\nCIDm1\t9606.E1\t800\nCIDm2\t9606.E1\t100\n")
    assert stitch.read_stitch(path)["score"].tolist() == [0.8]
