"""What made a table of profiles: the encoder and the correction steps, and a comparison that refuses a mismatch.

An identity travels in `profiles.uns["impasto"]`, a plain nested dict that survives Parquet, `.h5ad` and `.zarr`, and in the key
`identity` of a run's `model.json`:

    {"encoder": {"name": "dinov2_s14", "sha256": "1986...", "layer": 6, "readout": "mean", "size": 224,
                 "preprocessing": "8 bit by ...", "illumination": "none", ...},
     "steps": [{"method": "standardize", "by": "plate", ...}, ...],
     "run": {"name": "cellclip", "path": "/data/runs/cellclip", "sha256": "ab12..."}}

`run` is there after `impasto embed` only: the trained run whose space the rows lie in. The names of the features are `var_names` of the
profiles and `facts["features"]` of a run, and are matched by name (`profiles.with_features`); they are not written a second time.
A table or a run without an identity (CellProfiler's, a CSV, one of 0.1.0) cannot be compared: `compare` returns a sentence to print.

    identity.record_encoder(profiles, {"name": "efficientnet_lite0", "sha256": "..."})        whoever makes profiles of images
    identity.record_step(corrected, {"method": "tvn", "by": "batch"})                         whoever corrects: once a step, in order
    note = identity.compare(made, identity.of(profiles), of_expected="the run runs/a", of_given="the profiles p.parquet")

A fitted correction keeps `identity.of(profiles).record()` of what it was fitted on; `Identity.read(record)` is `made` of the last line.
"""

from impasto.identity.comparison import check, common, compare
from impasto.identity.record import KEY, Identity, of, of_facts, put, read_from, record_encoder, record_run, record_step, write_to

__all__ = [
    "KEY",
    "Identity",
    "check",
    "common",
    "compare",
    "of",
    "of_facts",
    "put",
    "read_from",
    "record_encoder",
    "record_run",
    "record_step",
    "write_to",
]
