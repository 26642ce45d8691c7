"""Small files of relations, in the forms that their databases have."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def sources(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "string_pairs.csv").write_text("gene1,gene2,combined_score\nTP53,MDM2,900\nTP53,IQCB1,400\nEGFR,TP53,100\n")
    (tmp_path / "edges.csv").write_text("source,metaedge,target\nGene::1,GiG,Gene::2\nGene::2,GiG,Gene::3\nGene::3,GcG,Gene::4\n")
    (tmp_path / "nodes.csv").write_text("id,name,kind\nGene::1,TP53,Gene\nGene::2,ZZZ,Gene\nGene::3,EGFR,Gene\nGene::4,MDM2,Gene\n")
    return {
        "string": str(tmp_path / "string_pairs.csv"),
        "hetionet": str(tmp_path / "edges.csv"),
        "hetionet_nodes": str(tmp_path / "nodes.csv"),
    }
