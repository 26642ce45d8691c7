"""A question in words, as a structure or as a gene, answered by the run of an index: a prediction, and said to be one.

The model is read at the first question, and one question is answered at a time. Score, p and q are those of `impasto search`.
"""

from __future__ import annotations

import importlib.util
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from impasto.atlas import pairs
from impasto.explorer import near
from impasto.explorer.contents import Contents
from impasto.explorer.values import number
from impasto.schema import InputError, one_of
from impasto.training import model_json

if TYPE_CHECKING:
    import pandas as pd

KINDS = ("text", "smiles", "gene")


class Asker:
    """Answers questions about one index.

    Parameters
    ----------
    contents
        Of the index.

    """

    def __init__(self, contents: Contents, /) -> None:
        self.contents = contents
        self._lock = threading.Lock()

    def kinds(self) -> list[str]:
        """The kinds of question that the index can answer.

        Returns
        -------
        list[str]
            Of `text`, `smiles` and `gene`; none without a run. What a run reads is known from its settings, without its weights.

        """
        chemistry = ["smiles"] if importlib.util.find_spec("rdkit") is not None else []
        return {"text": ["text", *chemistry, "gene"], "molecule": chemistry}.get(self._reads(), [])

    def _reads(self) -> str:
        """What the run of the index reads, `""` without one; the first version of the folder leaves it to the run's own settings."""
        facts, run = self.contents.facts, self.contents.index.run
        if run is None or not model_json.is_run(run):
            return ""
        if facts["version"] > 1:
            return str(facts["reads"])
        return str(model_json.read(run)["method"].get("perturbation", ""))

    def ask(self, kind: str, query: str, /, *, space: str, top: int) -> dict[str, Any]:
        """Answer a question.

        Parameters
        ----------
        kind
            `text`, `smiles` or `gene`.
        query
            The question.
        space
            The space of the index that its run embeds in.
        top
            How many perturbations.

        Returns
        -------
        dict[str, Any]
            As `near.near` gives it, and `how` the question was understood.

        Raises
        ------
        InputError
            The index cannot answer this kind of question, or the question cannot be read.

        """
        one_of(kind, KINDS, what="kind of question")
        first = next(iter(self.contents.spaces))
        if space != first:
            raise InputError(f"the run of this index answers in the space {first!r}, not in {space!r}")
        from impasto.atlas import search

        with self._lock:
            ranking, sentence = search.search(self.contents.index, kind=kind, query=query, top=top)
        return {
            "query": query,
            "space": space,
            "null": None,
            "reason": _reason(ranking, sentence),
            "rows": self._rows(ranking, space),
            "how": sentence,
        }

    def _rows(self, ranking: pd.DataFrame, space: str) -> list[dict[str, Any]]:
        of = {int(row): place for place, row in enumerate(self.contents.of_perturbations)}
        beyond = pairs.share_beyond(near.contents_pairs(self.contents, space), ranking["score"].to_numpy(dtype=float))
        return [
            {
                "row": of[int(row["row"])],
                "score": float(row["score"]),
                "p": number(row.get("p")),
                "q": number(row.get("q")),
                "beyond": number(share),
            }
            for row, share in zip(ranking.to_dict(orient="records"), np.asarray(beyond), strict=True)
        ]


def _reason(ranking: pd.DataFrame, sentence: str) -> str:
    """Why there is no single null: every row has its own, of other questions; or there is none at all."""
    if "query_p" in ranking:
        return f"p and q are against questions about nothing; of the whole question p = {float(ranking['query_p'].iloc[0]):.2g}"
    return sentence.rpartition("; ")[2]
