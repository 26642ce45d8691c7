"""Settings from the signature of a function: what is a setting, what is required, and each class made once."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from impasto.schema import InputError
from impasto.signatures import of_function


def task(profiles: object, /, *, pairs: str | Sequence[str], ks: tuple[int, ...] = (1, 5), rate: float = 0.05, group: str = "all") -> None:
    """A task as evaluations are."""


def test_a_signature_is_read_as_settings() -> None:
    kind = of_function(task, without=frozenset({"group"}))
    assert list(kind.model_fields) == ["pairs", "ks", "rate"]
    chosen = kind.read({"pairs": ["a", "b"], "ks": [1, 2]}, where="task")
    assert (chosen.pairs, chosen.ks, chosen.rate) == (["a", "b"], (1, 2), 0.05)  # type: ignore[attr-defined]
    assert of_function(task, without=frozenset({"group"})) is kind
    for values, sentence in (({}, "the key 'pairs' is missing"), ({"pairs": "a", "rates": 1}, "unknown key 'rates' .did you mean 'rate'")):
        with pytest.raises(InputError, match=sentence):
            kind.read(values, where="task")


def test_only_parameters_by_keyword_are_settings_and_the_class_is_named_after_the_function() -> None:
    def scored(profiles: object, seed: int = 3, *others: int, draws: int, **more: int) -> None: ...

    kind = of_function(scored)
    assert list(kind.model_fields) == ["draws"]
    assert kind.model_fields["draws"].is_required()
    assert kind.__name__ == f"{__name__}.{scored.__qualname__}"
    assert list(of_function(task).model_fields) == ["pairs", "ks", "rate", "group"]
