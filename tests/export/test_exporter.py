"""An exporter's contract: what is written where nothing else is said."""

from __future__ import annotations

from impasto.export import EXPORTERS
from impasto.export.exporter import Exporter


def test_a_file_of_profiles_and_no_options_unless_the_program_has_others() -> None:
    assert (Exporter(lambda profiles, path, options: "").file, Exporter(lambda profiles, path, options: "").options) == (
        "profiles.parquet",
        (),
    )
    files = {name: EXPORTERS[name].file for name in ("pycytominer", "copairs", "mantispy", "cellprofiler")}
    assert files == {"pycytominer": "profiles.parquet", "copairs": "profiles.parquet", "mantispy": "profiles.h5ad", "cellprofiler": ""}
    assert EXPORTERS["pycytominer"].options == ("feature_prefix",)
    assert EXPORTERS["mantispy"].options == ("concentration_unit",)
