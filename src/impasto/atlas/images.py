"""Images as a question: sites through the encoder and the corrections that the profiles of a run were made by, then into its space.

A correction that was learned (a whitening, a batch shift) belongs to the plates it was fitted on; a lone image has none, so it is refused.
`select` chooses features by name, which the run does too, and `clip` learns nothing: these two are applied.
"""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import numpy.typing as npt

from impasto import identity, runs
from impasto.correction.clip import Clip, ClipSettings
from impasto.devices import DEFAULT, DeviceSettings
from impasto.identity import Identity
from impasto.joint.space import Space
from impasto.plates.sites import Sites
from impasto.profiling import extract
from impasto.profiling.deep import Extraction, profile
from impasto.profiling.encoders import of_sites
from impasto.profiling.settings import of_identity
from impasto.schema import InputError

_WITHOUT_LEARNING = ("clip", "select")


def embedded(space: Space, ingested: Path, /, *, on: DeviceSettings = DEFAULT) -> npt.NDArray[np.float32]:
    """The mean embedding of the sites of an ingested folder.

    Parameters
    ----------
    space
        A trained run with a joint space.
    ingested
        A folder that `impasto ingest` wrote.
    on
        The device of the encoder; its precision is that of the run's training data.

    Returns
    -------
    npt.NDArray[np.float32]
        (width,) of float32. The mean over sites, each embedded by the encoder that made the run's training data.

    Raises
    ------
    InputError
        Nothing records that encoder, its weights have changed, or a learned correction lies between it and the run.

    """
    made = space.reads_profiles_of
    if made.encoder is None:
        raise InputError(
            f"nothing records which encoder made the profiles that {space.folder} was trained on, so images cannot be made into their "
            "like; profile the images as those were, and give the profiles to impasto embed"
        )
    learned = [str(step["method"]) for step in made.steps if step["method"] not in _WITHOUT_LEARNING]
    if learned:
        raise InputError(
            f"{space.folder} was trained on profiles corrected by {', '.join(learned)}, which images alone cannot be; "
            "profile and correct them with their plate, then use impasto embed"
        )
    sites = Sites.read(ingested)
    encoder = extract.open_encoder(of_identity(made.encoder).model_copy(update={"device": on.device}), sites)
    now = Identity({**of_sites(encoder).describe(), "illumination": made.encoder.get("illumination")})
    identity.check(Identity(made.encoder), now, of_expected=f"the run {space.folder}", of_given="the encoder as it is now")
    with runs.scratch() as folder:
        settings = Extraction(illumination=str(made.encoder.get("illumination", "none")))
        profiles = _corrected(profile(sites, encoder, shards=folder, how=settings), made)
    return np.asarray(space.rows(profiles).mean(axis=0), dtype=np.float32)


def _corrected(profiles: anndata.AnnData, made: Identity) -> anndata.AnnData:
    """The steps that learn nothing, applied as the run's training data had them, and written down."""
    for step in made.steps:
        if step["method"] == Clip.name:
            settings = {key: value for key, value in step.items() if key in ClipSettings.model_fields and key != "method"}
            chosen = ClipSettings.read(settings, where="the correction of the run")
            profiles = Clip.fit(profiles, chosen).transform(profiles)
    identity.put(profiles, Identity(identity.of(profiles).encoder, made.steps))
    return profiles
