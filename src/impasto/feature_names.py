"""What a feature's name says: compartment, group, measure, channel.

CellProfiler writes `<Compartment>_<Group>_<Measure>[_<Channel>[_<Channel>]][_<parameters>]`; JUMP and CytoTable keep that
form. An embedding is written `emb_<channel>_<number>`. A name that follows neither form is kept, with empty parts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from impasto.schema import channel_name

COMPARTMENTS = ("Cells", "Cytoplasm", "Nuclei", "Image")
EMBEDDING_GROUP = "embedding"
# For programs that know features by a compartment's name, an embedding may stand behind one: `Cells_<model>_emb_DNA_0000`.
_EMBEDDING = re.compile(rf"^(?:(?:{'|'.join(COMPARTMENTS)})_(?:.+_)?)?emb_(?:(?P<channel>.+)_)?(?P<number>\d{{3,}})$")
# In these groups a channel's name can also be an object's name (Nuclei_Location_..., Parent_Nuclei), so none is looked for.
_NO_CHANNEL = {"AreaShape", "Neighbors", "Parent", "Children", "Number"}
_NOT_A_CHANNEL = {"nuclei", "nucleus", "nuc", "actingolgiplasmamembrane"}


@dataclass(frozen=True)
class FeatureName:
    """The parts of one feature's name; `""` where a part does not apply, two channels joined by `|`."""

    compartment: str
    group: str
    measure: str
    channel: str

    @property
    def known(self) -> bool:
        """Whether the name follows a form we know."""
        return bool(self.group)


def parse(name: str) -> FeatureName:
    """Parse one name. Never fails: an unknown form gives empty parts (`known` is False)."""
    embedding = _EMBEDDING.match(name)
    if embedding:
        return FeatureName("", EMBEDDING_GROUP, "", embedding["channel"] or "")
    parts = name.split("_")
    if parts[0] not in COMPARTMENTS or len(parts) < 3:
        return FeatureName("", "", "", "")
    compartment, group, measure = parts[:3]
    channels: list[str] = []
    if group not in _NO_CHANNEL:
        for part in parts[3:]:
            channel = None if part.lower() in _NOT_A_CHANNEL else channel_name(part)
            if channel and channel not in channels:
                channels.append(channel)
    return FeatureName(compartment, group, measure, "|".join(channels))


def embedding_names(channel: str, width: int) -> list[str]:
    """The feature names of one channel's embedding: `emb_DNA_0000`, `emb_DNA_0001`, ..."""
    stem = f"emb_{channel}_" if channel else "emb_"
    return [f"{stem}{number:04d}" for number in range(width)]
