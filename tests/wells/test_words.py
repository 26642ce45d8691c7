"""What laboratories write for the kinds of wells."""

from __future__ import annotations

import pandas as pd
import pytest

from impasto import wells
from impasto.schema import InputError


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        *(
            (word, "negcon")
            for word in ("negcon", "ctl_vehicle", "negative_control", "Negative Control", "EMPTY_control", "vehicle", "DMSO")
        ),
        *((word, "negcon") for word in ("non-targeting", "Non Targeting", "control", "DMSO 0.1 %", "untreated", "negcon_orf")),
        *((word, "negcon") for word in ("Neg. Ctrl", "negative controls", "DMSO ctrl", "Solvent control", "Vehicle wells", "neutral ctrl")),
        *((word, "poscon") for word in ("Pos Ctrl", "positive controls", "High control wells")),
        *((word, "poscon") for word in ("poscon", "poscon_cp", "poscon_diverse", "Positive control", "pos")),
        *((word, "trt") for word in ("trt", "trt_cp", "treatment", "Sample", "compound")),
        *((word, "negcon") for word in ("Negativkontrolle", "Lösungsmittel", "unbehandelt", "Témoin négatif", "non traité")),
        *((word, "poscon") for word in ("Positivkontrolle", "Contrôle positif")),
        *((word, "trt") for word in ("Probe", "Échantillon")),
        *((word, "empty") for word in ("leer", "Vide", "empty", "blank", "media only", "Blank wells", "unused")),
        *((word, None) for word in ("ctl_x", "reference", "12", "")),
    ],
)
def test_words_of_kinds(word: str, kind: str | None) -> None:
    assert wells.kind_of_word(word) == kind


def test_controls_by_name() -> None:
    obs = pd.DataFrame({"perturbation_name": ["DMSO", "dmso ", "x", None], "perturbation": ["B1", "B1", "B2", None]})
    assert wells.mark_negative(obs, ["DMSO"], where="t")["control_type"].fillna("").tolist() == ["negcon", "negcon", "", ""]
    assert wells.mark_negative(obs, ["B1", "x"], where="t")["control_type"].fillna("").tolist() == ["negcon", "negcon", "negcon", ""]
    assert wells.likely_negative(obs) == {"DMSO": 1, "dmso ": 1}
    with pytest.raises(InputError, match=r"t: no well is named 'DSMO' \(did you mean 'DMSO'\?\)"):
        wells.mark_negative(obs, ["DSMO"], where="t")
    assert wells.likely_negative(pd.DataFrame({"perturbation": ["a"]})) == {}
