from __future__ import annotations

import numpy as np
import pytest

from impasto.cells import quality
from impasto.cells.columns import BIT
from impasto.cells.quality import Measures, judge

AREA, DNA, SOLIDITY = "Nuclei_AreaShape_Area", "Nuclei_Intensity_IntegratedIntensity_DNA", "Nuclei_AreaShape_Solidity"


def healthy(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Area and DNA: half in G1, 30 % in G2, the rest between; one in twenty in mitosis, at .45 of the area."""
    cycle = np.concatenate([np.ones(n // 2), np.full(3 * n // 10, 2.0), rng.uniform(1, 2, n - n // 2 - 3 * n // 10)])
    area = 400 * cycle**0.6 * np.exp(0.2 * rng.normal(size=n))
    area[rng.random(n) < 0.05] *= 0.45
    return area, cycle * np.exp(0.12 * rng.normal(size=n))


@pytest.mark.parametrize(("share", "recall"), [(0.01, 0.85), (0.15, 0.85), (0.45, 0.78)])
def test_planted_debris_goes_and_healthy_cells_stay(share: float, recall: float) -> None:
    rng = np.random.default_rng(1)
    area, dna = healthy(20_000, rng)
    count = int(20_000 * share / (1 - share))
    values = {
        AREA: np.concatenate([area, 400 * np.exp(rng.normal(-2, 0.6, count))]),
        DNA: np.concatenate([dna, np.exp(rng.normal(-2, 0.8, count))]),
    }
    planted = np.arange(len(values[AREA])) >= 20_000
    controls = ~planted | (rng.random(len(planted)) < 0.03)  # the controls are nearly clean, so the rule stays on
    bits = judge(values, Measures(AREA, DNA), controls, np.zeros(len(planted), dtype=np.uint16)).bits
    debris = (bits & BIT["debris"]) > 0
    assert debris[planted].mean() >= recall
    assert debris[~planted].mean() < 2e-4


def test_each_rule_by_hand() -> None:
    area = np.array([100.0, 100, 100, 49, 49, 51, 151, 149, np.nan])
    dna = np.array([3.0, 3, 3, 0.99, 1.01, 0.5, 3, 3, 3])
    solidity = np.array([0.95, 0.96, 0.94, 0.95, 0.95, 0.95, 0.5, 0.5, 0.5])
    controls = np.arange(9) < 3
    values = {AREA: area, DNA: dna, SOLIDITY: solidity}
    judged = judge(values, Measures(AREA, DNA, SOLIDITY), controls, np.array([4, *[0] * 8], dtype=np.uint16))
    assert judged.bits.tolist() == [4, 0, 0, 1, 0, 0, 2, 0, 0]
    assert judged.thresholds["debris"] == {"area below": 50.0, "DNA below": 1.0}
    without_dna = judge({AREA: np.array([100.0, 100, 24, 26])}, Measures(AREA), np.arange(4) < 2, np.zeros(4, dtype=np.uint16))
    assert without_dna.bits.tolist() == [0, 0, 1, 0]
    blurred = {quality.STEEPNESS: np.array([5.0, 5, 2.9, 3.1])}
    assert judge(blurred, Measures(steepness=quality.STEEPNESS), np.arange(4) < 2, np.zeros(4, dtype=np.uint16)).bits.tolist() == [
        0,
        0,
        32,
        0,
    ]


def test_a_rule_that_takes_controls_is_switched_off_and_a_note_never_is() -> None:
    area = np.array([*[100.0] * 90, *[10.0] * 10, 10.0])
    controls = np.arange(101) < 100
    judged = judge({AREA: area}, Measures(AREA), controls, np.zeros(101, dtype=np.uint16))
    assert judged.bits.sum() == 0
    assert judged.switched_off == {"debris": 0.1}
    values = {AREA: np.array([*[100.0] * 80, *[200.0] * 20]), SOLIDITY: np.array([*[0.94, 0.96] * 40, *[0.5] * 20])}
    noted = judge(values, Measures(AREA, None, SOLIDITY), np.ones(100, dtype=bool), np.zeros(100, dtype=np.uint16))
    assert ((noted.bits & 2) > 0).sum() == 20


def test_which_features_are_read() -> None:
    features = ["Cells_AreaShape_Area", AREA, DNA, "Cells_Intensity_IntegratedIntensity_RNA"]
    assert quality.measures_of(features) == Measures(AREA, DNA, None, None)
    assert quality.measures_of([quality.STEEPNESS]).names == [quality.STEEPNESS]
