"""The model card says what the run was, what it saw, and its best score beside chance."""

from __future__ import annotations

import json
from pathlib import Path

from impasto import __version__
from impasto.training import card
from impasto.training.settings import LoopSettings, OptimSettings

DESCRIBED = {
    "method": {"name": "two_towers", "loss": "cwcl", "details": ["smiles"]},
    "facts": {"split": {"train": ["a", "b", "c"], "test": ["d"]}, "split_digest": "5eed"},
    "profiles": "plates.parquet",
}


LOOP = LoopSettings(epochs=3, optim=OptimSettings(lr=2e-4))


def log(path: Path, *scores: float | None) -> Path:
    lines = [
        {"epoch": n, "step": 4 * (n + 1), **({} if s is None else {"validation_score": s, "validation_chance": 0.1})}
        for n, s in enumerate(scores)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_it_tells_the_data_the_split_the_settings_and_the_best_epoch(tmp_path: Path) -> None:
    told = card.write(DESCRIBED, log=log(tmp_path / "log.jsonl", 0.2, 0.61, 0.4), digest="ab12", loop=LOOP)
    assert told.startswith("# two_towers\n")
    for part in (
        f"impasto {__version__}",
        "`plates.parquet`, sha256 `ab12`",
        "| train | 3 |\n| test | 1 |",
        "Digest of the split: `5eed`.",
        "3 epochs, 12 steps. Best validation score 0.6100 after epoch 1. A model that knows nothing scores 0.1000.",
        '| details | ["smiles"] |\n| loss | "cwcl" |\n| name | "two_towers" |',
    ):
        assert part in told


def test_without_validation_it_says_so(tmp_path: Path) -> None:
    sites = {"method": {"name": "mae"}, "facts": {}, "sites": "images"}
    told = card.write(sites, log=log(tmp_path / "log.jsonl", None, None), digest="ab12", loop=LOOP)
    assert "2 epochs, 8 steps. No validation part; the last weights are kept." in told
    assert "`images`" in told
    assert "Digest of the split" not in told
    assert "two parts" not in told
    assert "No split: nothing was held out. Which perturbations were seen is not recorded" in told
    assert "0 epochs, 0 steps." in card.write(sites, log=log(tmp_path / "empty.jsonl"), digest="ab12", loop=LOOP)


def test_it_says_how_it_was_trained_and_where_it_began(tmp_path: Path) -> None:
    facts = {
        "split": {"train": ["a", "b"]},
        "start": {"name": "dinov2_s14", "sha256": "19" * 32},
        "identity": {"encoder": {"name": "efficientnet_lite0", "sha256": "57" * 32}},
    }
    described = {"method": {"name": "msn"}, "facts": facts, "sites": "images", "start": {"run": "/runs/a", "digest": "cd" * 32}}
    written = card.write(described, log=log(tmp_path / "log.jsonl", None), digest="ab12", loop=LOOP)
    for part in (
        "| optim.lr | 0.0002 |",
        "| epochs | 3 |",
        "No split: nothing was held out. All 2 perturbations of these data were trained on, so no score of them is one of held-out",
        f"Began with the weights of dinov2_s14 (sha256 `{'19' * 32}`).",
        "Began with the run `/runs/a`",
        "Reads profiles of the encoder efficientnet_lite0",
    ):
        assert part in written
    assert {name for name in LOOP.model_dump() if f"| {name}" not in written} <= {"optim"}
