"""Profiles: the one value that crosses a stage border. Read, write, select, aggregate.

Profiles are an `anndata.AnnData`. `obs` says where and what, in the words of `schema`. `var` says which feature, channel, compartment and
group. `X` is float32.
"""

from impasto.profiles.features import blocks, with_features
from impasto.profiles.files import opened, read, suffix, write
from impasto.profiles.rows import aggregate, join_common
from impasto.profiles.table import dense, describe_features, from_frame, to_frame

__all__ = [
    "aggregate",
    "blocks",
    "dense",
    "describe_features",
    "from_frame",
    "join_common",
    "opened",
    "read",
    "suffix",
    "to_frame",
    "with_features",
    "write",
]
