"""The options of shards change nothing in a result."""

from __future__ import annotations

from impasto.scale.settings import ShardSettings
from impasto.scale.where import Where


def test_all_of_them_change_nothing() -> None:
    assert ShardSettings.change_nothing == set(ShardSettings.model_fields)


def test_they_say_where() -> None:
    assert ShardSettings(shards="local:3", max_bad=0.5, retry_bad=True).where() == Where("local", 3, "", 0.5, True)
