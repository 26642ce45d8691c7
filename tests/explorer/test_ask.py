"""A question goes to the run of the index, one at a time; the answer is that of search, in rows of the page."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.explorer.test_near import row

from impasto.atlas import search
from impasto.explorer.ask import Asker
from impasto.explorer.contents import Contents
from impasto.schema import InputError


def with_run(contents: Contents, folder: Path, reads: str) -> Contents:
    folder.mkdir()
    (folder / "model.json").write_text(json.dumps({"method": {"name": "two_towers", "perturbation": reads}, "facts": {}}))
    return dataclasses.replace(contents, index=dataclasses.replace(contents.index, run=folder), facts={**contents.facts, "reads": reads})


def test_the_kinds_are_those_that_the_run_reads(contents: Contents, tmp_path: Path) -> None:
    assert Asker(contents).kinds() == []
    assert set(Asker(with_run(contents, tmp_path / "t", "text")).kinds()) >= {"text", "gene"}
    assert set(Asker(with_run(contents, tmp_path / "m", "molecule")).kinds()) <= {"smiles"}
    first = with_run(contents, tmp_path / "one", "text")
    old = dataclasses.replace(first, facts={**{k: v for k, v in first.facts.items() if k != "reads"}, "version": 1})
    assert "text" in Asker(old).kinds()


def test_the_answer_is_that_of_search(contents: Contents, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    a, b = row(contents, "id-1"), row(contents, "id-2", 10.0)
    ranking = pd.DataFrame(
        {"row": contents.of_perturbations[[b, a]], "score": [0.5, 0.25], "p": [0.01, np.nan], "q": [0.04, np.nan], "query_p": 0.3}
    )

    def answered(opened: object, **question: object) -> tuple[pd.DataFrame, str]:
        asked.append(question)
        return ranking, "profiles nearest to the text 'x'; distinguished"

    monkeypatch.setattr(search, "search", answered)
    got = Asker(contents).ask("text", "x", space="profiles", top=7)
    assert asked == [{"kind": "text", "query": "x", "top": 7}]
    assert [(one["row"], one["score"], one["p"], one["q"]) for one in got["rows"]] == [(b, 0.5, 0.01, 0.04), (a, 0.25, None, None)]
    assert got["how"].startswith("profiles nearest")
    assert "p = 0.3" in got["reason"]
    assert got["null"] is None


def test_a_space_that_the_run_does_not_answer_in_is_refused(contents: Contents) -> None:
    with pytest.raises(InputError, match="answers in the space 'profiles', not in 'features'"):
        Asker(contents).ask("text", "x", space="features", top=1)
    with pytest.raises(InputError, match="unknown kind of question 'name'"):
        Asker(contents).ask("name", "x", space="profiles", top=1)
