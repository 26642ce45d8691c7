"""What a feature's name says: compartment, group, measure, channel.

CellProfiler writes `<Compartment>_<Group>_<Measure>[_<Channel>[_<Channel>]][_<parameters>]`; JUMP and CytoTable keep that
form. An embedding is written `emb_<channel>_<number>`. A name that follows neither form is kept, with empty parts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from impasto.schema import channel_name

COMPARTMENTS = ("Cells", "Cytoplasm", "Nuclei", "Image")
MODULES = (
    *("AreaShape", "Intensity", "Texture", "Granularity", "Correlation", "Colocalization", "RadialDistribution", "Neighbors"),
    *("AreaOccupied", "ImageQuality", "Children", "Skeleton", "ObjectSkeleton", "Overlap", "Parent", "Location", "Number"),
)
"""CellProfiler's groups of measures; in front of them may stand an object of any name (`FilteredNuclei_AreaShape_Area`)."""
_OF_AN_OBJECT = re.compile(rf"^(?P<object>[A-Za-z]\w*?)_(?P<group>{'|'.join(MODULES)})_(?P<measure>[^_]+)(?:_(?P<rest>.+))?$")
EMBEDDED = "emb_"
"""How the name of a feature of a net begins."""
EMBEDDING_GROUP = "embedding"
# For programs that know features by a compartment's name, an embedding may stand behind one: `Cells_<model>_emb_DNA_0000`.
_EMBEDDING = re.compile(rf"^(?:(?:{'|'.join(COMPARTMENTS)})_(?:.+_)?)?emb_(?:(?P<channel>.+)_)?(?P<number>\d{{3,}})$")
# In these groups a channel's name can also be an object's name (Nuclei_Location_..., Parent_Nuclei), so none is looked for.
_NO_CHANNEL = {"AreaShape", "Neighbors", "Parent", "Children", "Number"}
_NOT_A_CHANNEL = {"nuclei", "nucleus", "nuc", "actingolgiplasmamembrane"}


@dataclass(frozen=True)
class FeatureName:
    """The parts of one feature's name; `""` where a part does not apply.

    Attributes
    ----------
    compartment
        `Cells`, `Nuclei`, or the name of other objects.
    group
        `Intensity`, `Texture`, ..., or `embedding`.
    measure
        `MeanIntensity`.
    channel
        `DNA`; two channels are joined by `|`.

    """

    compartment: str
    group: str
    measure: str
    channel: str

    @property
    def known(self) -> bool:
        """Whether the name follows a form we know."""
        return bool(self.group)


@lru_cache(maxsize=1 << 16)
def parse(name: str) -> FeatureName:
    """Take a name apart.

    Parameters
    ----------
    name
        Of a feature.

    Returns
    -------
    FeatureName
        Its parts; all empty where the form is unknown (`known` is False).

    """
    embedding = _EMBEDDING.match(name)
    if embedding:
        return FeatureName("", EMBEDDING_GROUP, "", embedding["channel"] or "")
    parts = name.split("_")
    if parts[0] in COMPARTMENTS and len(parts) >= 3:
        compartment, group, measure, rest = parts[0], parts[1], parts[2], parts[3:]
    elif of_an_object := _OF_AN_OBJECT.match(name):
        compartment, group, measure = of_an_object["object"], of_an_object["group"], of_an_object["measure"]
        rest = (of_an_object["rest"] or "").split("_")
    else:
        return FeatureName("", "", "", "")
    channels: list[str] = []
    if group not in _NO_CHANNEL:
        for part in rest:
            channel = None if part.lower() in _NOT_A_CHANNEL else channel_name(part)
            if channel and channel not in channels:
                channels.append(channel)
    return FeatureName(compartment, group, measure, "|".join(channels))


def embedding_names(channel: str, width: int) -> list[str]:
    """The feature names of one channel's embedding: `emb_DNA_0000`, `emb_DNA_0001`, ...

    Parameters
    ----------
    channel
        The channel; `""` for an embedding of all channels.
    width
        How many features.

    Returns
    -------
    list[str]
        (width,) names.

    """
    stem = f"{EMBEDDED}{channel}_" if channel else EMBEDDED
    return [f"{stem}{number:04d}" for number in range(width)]
