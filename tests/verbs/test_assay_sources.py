"""Which of three kinds the sources of an assay are, and which options do not fit them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from tests.cells import made_tables
from tests.report import assays

from impasto.schema import InputError
from impasto.verbs import assay, assay_sources
from impasto.verbs.assay_sources import AssaySettings


def settings(*sources: Path, **more: object) -> AssaySettings:
    return AssaySettings.read({"sources": [str(source) for source in sources], **more}, where="test")


def test_the_kind_is_seen(tmp_path: Path) -> None:
    made_tables.write_csv(tmp_path / "run", *made_tables.made())
    assert assay_sources.kind_of(assay_sources.survey(settings(tmp_path / "run"))) == "cells"
    table = assays.table(tmp_path, plates=2, compounds=4, controls=24)
    assert assay_sources.kind_of(assay_sources.survey(settings(table))) == "profiles"


def test_options_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    made_tables.write_csv(tmp_path / "run", *made_tables.made())
    with pytest.raises(InputError, match=r"--plate-size does not fit .*run, which holds a row a cell"):
        assay_sources.survey(settings(tmp_path / "run", plate_size=96))
    rows = [(w, "DMSO") for w in made_tables.WELLS]
    pd.DataFrame(rows, columns=["well", "perturbation"]).to_csv(tmp_path / "map.csv", index=False)
    cells = settings(tmp_path / "run", platemap=[str(tmp_path / "map.csv")], negcon=["DMSO"], encoder="intensity")
    with pytest.raises(InputError, match=r"--encoder is for images, and .*run holds tables of cells; leave it out"):
        assay.look(assay_sources.survey(cells), cells)
    table = settings(assays.table(tmp_path, plates=2, compounds=4, controls=24), cells=True)
    with pytest.raises(InputError, match=r"--cells is for images, and .* holds tables of profiles"):
        assay.look(assay_sources.survey(table), table)
