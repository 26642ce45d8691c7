from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from impasto.cells import store
from impasto.cells.columns import PLACE
from impasto.cells.store import Group, Span


def test_values_keep_14_bits_and_what_is_no_number_stays() -> None:
    values = (
        np.random.default_rng(0).normal(size=1000).astype(np.float32) * np.float32(10) ** np.arange(-30, 30, 0.06, dtype=np.float32)[:1000]
    )
    near = store.rounded(values)
    assert (np.abs(near - values) <= np.abs(values) * 2.0**-15 * 1.0001).all()
    assert (near.view(np.uint32) & 0x1FF == 0).all()
    assert len(np.unique(near)) > 900
    odd = np.array([np.nan, np.inf, -np.inf, 0, -0.0, 3.4e38], dtype=np.float32)
    np.testing.assert_array_equal(store.rounded(odd)[:5], odd[:5])


def test_a_group_holds_16_whole_wells_or_fewer_of_many_values() -> None:
    assert store.groups_of([5] * 40, 10) == [range(16), range(16, 32), range(32, 40)]
    assert store.groups_of([5, 0, 5], store.VALUES_OF_GROUP // 5) == [range(2), range(2, 3)]
    assert store.groups_of([9], store.VALUES_OF_GROUP) == [range(1)]  # a well is never cut
    assert store.groups_of([], 3) == []
    assert store.spans_of(["A01", "A02", "B01"], [2, 0, 3], [range(2), range(2, 3)]) == [
        Span("A01", 0, 0, 2),
        Span("A02", 0, 2, 2),
        Span("B01", 1, 2, 5),
    ]


def group(wells: list[str], first: int) -> Group:
    n = len(wells)
    return Group(
        np.array(wells),
        np.array(["1"] * n),
        np.arange(1, n + 1),
        {"Metadata_Object_Nuclei": np.array([-1, *range(2, n + 1)])},
        np.zeros((n, 2), dtype=np.float32),
        np.array([[np.nan] * 4, *[[1, 2, 3, 4]] * (n - 1)], dtype=np.float32),
        np.arange(n, dtype=np.uint16),
        np.arange(first, first + 2 * n, dtype=np.float32).reshape(2, n),
    )


def test_a_file_is_read_back_with_its_wells_and_missing_numbers(tmp_path: Path) -> None:
    spans = [Span("A01", 0, 0, 2), Span("B01", 1, 2, 5)]
    place = dict(zip(PLACE[:3], ("", "b", "P1"), strict=True))
    store.write(
        tmp_path / "p.parquet",
        [group(["A01"] * 2, 0), group(["B01"] * 3, 10)],
        place=place,
        features=["Cells_AreaShape_Area", "Nuclei_AreaShape_Area"],
        partners=["Metadata_Object_Nuclei"],
        spans=spans,
    )
    file = pq.ParquetFile(tmp_path / "p.parquet")
    assert store.read_spans(file) == spans
    assert file.metadata.num_row_groups == 2
    frame = file.read().to_pandas()
    assert frame["Nuclei_AreaShape_Area"].tolist() == [2, 3, 13, 14, 15]
    assert frame["Metadata_Object_Nuclei"].isna().tolist() == [True, False, True, False, False]
    assert frame["Metadata_Box_X0"].isna().tolist() == [True, False, True, False, False]
    assert frame["Metadata_QC"].tolist() == [0, 1, 0, 1, 2]
    assert set(frame["Metadata_Batch"]) == {"b"}
    assert file.schema_arrow.field("Metadata_Object").type == "int32"
    assert file.schema_arrow.field("Metadata_QC").type == "uint16"
    assert file.schema_arrow.field("Metadata_Box_X0").type == "int16"
