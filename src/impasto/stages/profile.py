"""Images into profiles."""

from __future__ import annotations

from impasto.profiling import extract
from impasto.stages.base import Verb

VERB = Verb(settings=extract.ProfileSettings, inputs=extract.inputs, run=extract.profile, result="profiles.parquet")
