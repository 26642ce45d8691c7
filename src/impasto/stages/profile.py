"""Images into profiles."""

from __future__ import annotations

from impasto.profiling import extract
from impasto.stages.base import PROFILES, Verb, digest_of_images

VERB = Verb(
    settings=extract.ProfileSettings,
    inputs=extract.inputs,
    run=extract.profile,
    result="profiles.parquet",
    writes=PROFILES,
    digest=digest_of_images,
    beside=lambda s, out: [extract.fields_path(out)] if s.illumination == "estimate" else [],
)
