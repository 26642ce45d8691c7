"""More plates than memory: a folder `NAME.plates` with one file a plate, which every verb reads and writes like a table.

    dataset.json              the one commit point: width, digests of the three tables, what made it, plates that were quarantined
    members.SHA8.parquet      a row a plate: source, batch, plate, file, rows, bytes, sha256, content, missing, fitted, cpu
    features.SHA8.parquet     a row a feature, in the order of X
    obs.SHA8.parquet          the annotation of all rows
    members/SOURCE/BATCH/PLATE.parquet    one plate: `Metadata_` columns, and X as lists of one length
    cache/                    what can be made again

Source, batch and plate together name a plate. Plates are sorted by these, the rows of a plate by well and site.
"""

from impasto.dataset.commit import link, write
from impasto.dataset.folder import Dataset, open_dataset
from impasto.dataset.growth import append, refuse_other_features
from impasto.dataset.member import Facts, content_of, read_member, write_member
from impasto.dataset.order import KEYS, Key, file_of, key_of, plates_of, rows_in_order

__all__ = [
    "KEYS",
    "Dataset",
    "Facts",
    "Key",
    "append",
    "content_of",
    "file_of",
    "key_of",
    "link",
    "open_dataset",
    "plates_of",
    "read_member",
    "refuse_other_features",
    "rows_in_order",
    "write",
    "write_member",
]
