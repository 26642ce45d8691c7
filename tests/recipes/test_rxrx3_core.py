"""RxRx3-core in its published layout, from one command to the tables of CWA-MSN: planted pairs and targets, and EFAAR's rules by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.conftest import REPOSITORY

from impasto import profiles as tables
from impasto import recipe
from impasto.evaluation import compound_gene
from impasto.schema import InputError

GENES, WIDTH = 40, 12
PAIRS = [(f"G{n:02d}", f"G{n + 1:02d}") for n in range(0, GENES, 2)]


def published(folder: Path) -> None:
    """Embeddings, metadata and truth tables as they are published: genes in pairs look alike, compounds like their target at 10 uM."""
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(GENES // 2, WIDTH))
    rows: list[tuple[object, ...]] = []
    values = []
    place_of = np.arange(90)

    def add(experiment: str, well: int, gene: str | None, treatment: str, dose: float | None, kind: str, value: np.ndarray) -> None:
        well = place_of[well]
        plate, address = well // 90 + 1, f"{'ABCDEFGH'[well % 90 // 12]}{well % 90 % 12 + 1:02d}"
        rows.append((f"{experiment}_{plate}_{address}", experiment, plate, address, gene, treatment, None, dose, kind, "HUVEC"))
        nuisance = np.linspace(-3, 3, WIDTH) * (1 + int(experiment[-1]))
        values.append(value + rng.normal(size=WIDTH) + nuisance)

    for experiment in ("gene-001", "gene-002"):
        place_of = rng.permutation(90)
        for well in range(16):
            add(experiment, well, "EMPTY_control", "EMPTY_control", None, "CRISPR", np.zeros(WIDTH))
        for number in range(GENES):
            add(experiment, 16 + number, f"G{number:02d}", f"G{number:02d}_guide_1", None, "CRISPR", 1.2 * directions[number // 2])
    place_of = rng.permutation(90)
    for well in range(16):
        add("compound-003", well, None, "EMPTY_control", None, "COMPOUND", np.zeros(WIDTH))
    for number in range(12):
        for place, dose in enumerate((0.25, 10.0)):
            effect = -3 * (dose > 1) * directions[number]  # an inhibitor may look opposite to its knock-out
            add("compound-003", 16 + 2 * number + place, None, f"C{number:02d}", dose, "COMPOUND", effect)
    names = [
        "well_id",
        "experiment_name",
        "plate",
        "address",
        "gene",
        "treatment",
        "SMILES",
        "concentration",
        "perturbation_type",
        "cell_type",
    ]
    metadata = pd.DataFrame(rows, columns=names)
    metadata.to_csv(folder / "metadata_rxrx3_core.csv", index=False)
    embeddings = pd.DataFrame(np.array(values, dtype=np.float32), columns=[f"feature_{n}" for n in range(WIDTH)])
    embeddings.insert(0, "well_id", metadata["well_id"])
    embeddings.sample(frac=1, random_state=1).to_parquet(folder / "OpenPhenom_rxrx3_core_embeddings.parquet", index=False)
    for name, pairs in (("CORUM", PAIRS), ("Reactome", [*PAIRS[:12], ("G00", "G05"), ("G03", "G30")])):
        pd.DataFrame(pairs, columns=["entity1", "entity2"]).to_csv(folder / f"{name}.txt", index=False)
    truth = [(f"G{2 * c:02d}", 40.0, "ic50", "ChEMBL", f"C{c:02d}") for c in range(12)]
    truth += [(f"G{2 * c + 1:02d}", 1000.0, "ec50", "ChEMBL", f"C{c:02d}") for c in range(12)]
    truth += [(f"G{(2 * c + 6) % GENES:02d}", 10000.0, "ec50", "PubChem", f"C{c:02d}") for c in range(12)]
    truth += [(f"G{g:02d}", 133000.0, "ic50", "ChEMBL", "C00") for g in range(20, GENES)]
    columns = ["gene_symbol", "nM_value", "measurement_type", "database", "treatment"]
    pd.DataFrame(truth, columns=columns).to_csv(folder / "compound_gene_interactions.csv", index=False)


def aligned_by_hand(folder: Path) -> pd.DataFrame:
    """EFAAR's steps for RxRx3-core, in float64: scale on controls, components of the controls, scale on the controls of each experiment."""
    table = pd.read_csv(folder / "metadata_rxrx3_core.csv").merge(
        pd.read_parquet(folder / "OpenPhenom_rxrx3_core_embeddings.parquet"), on="well_id"
    )
    x = table[[f"feature_{n}" for n in range(WIDTH)]].to_numpy(dtype=np.float64)
    control = (table["treatment"] == "EMPTY_control").to_numpy()
    x = (x - x[control].mean(axis=0)) / x[control].std(axis=0)
    x = x @ np.linalg.svd(x[control] - x[control].mean(axis=0), full_matrices=False)[2].T
    for experiment in table["experiment_name"].unique():
        rows = (table["experiment_name"] == experiment).to_numpy()
        x[rows] = (x[rows] - x[rows & control].mean(axis=0)) / x[rows & control].std(axis=0)
    of = table["treatment"].str.split("_").str[0].where(~control, "control")
    return pd.DataFrame(x).groupby([of, table["concentration"].fillna(-1)]).mean()


def cosines(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    unit = [m / np.linalg.norm(m, axis=1, keepdims=True) for m in (first, second)]
    return np.asarray(unit[0] @ unit[1].T)


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("rxrx3")
    published(place)
    whole = recipe.read(REPOSITORY / "recipes" / "rxrx3_core.toml")
    truth = str(place / "compound_gene_interactions.csv")
    changed = whole.changed(
        {
            "wells.sources": [str(place / "OpenPhenom_rxrx3_core_embeddings.parquet")],
            "wells.platemap": [str(place / "metadata_rxrx3_core.csv")],
            "relations.pairs": [str(place / "CORUM.txt"), str(place / "Reactome.txt")],
            "matching.options.truth": truth,
            "by_compound.options.truth": truth,
        }
    )
    recipe.run(changed, place / "run")
    return place


def test_relations_are_counted_as_efaar_counts_them(run_folder: Path) -> None:
    scores = pd.read_csv(run_folder / "run" / "relations" / "results.csv")
    genes = aligned_by_hand(run_folder).xs(-1.0, level=1).filter(like="G", axis=0)
    similarity = cosines(genes.to_numpy(), genes.to_numpy())
    null = np.sort(similarity[np.triu_indices(GENES, 1)])
    place = {name: row for row, name in enumerate(genes.index)}
    for name in ("CORUM", "Reactome"):
        pairs = pd.read_csv(run_folder / f"{name}.txt").to_numpy()
        values = np.array([similarity[place[a], place[b]] for a, b in pairs])
        low = np.searchsorted(null, values, side="right") / len(null) <= 0.05
        high = np.searchsorted(null, values, side="left") / len(null) >= 0.95
        own = scores[(scores["group"] == "profiles") & scores["protocol"].str.contains(name.lower())]
        assert own["value"].tolist() == [pytest.approx((low | high).mean())], name
        assert 0.4 < own["value"].iloc[0] < 1, "neither all nor none: the rule is seen to matter"


def test_compounds_are_matched_by_the_published_truth_in_nanomolar(run_folder: Path) -> None:
    detail = pd.read_parquet(run_folder / "run" / "matching" / "per_group.parquet")
    own = detail[detail["profiles"] == "profiles"].set_index(["compound", "concentration"])
    assert (own["targets"] == 2).all(), "1000 nM is active, 10000 nM is not"
    means = aligned_by_hand(run_folder)
    genes = means.xs(-1.0, level=1).filter(like="G", axis=0)
    known = sorted(set(pd.read_csv(run_folder / "compound_gene_interactions.csv")["gene_symbol"]))
    for number in range(12):
        name = f"C{number:02d}"
        score = np.abs(cosines(means.loc[(name, 10.0)].to_numpy()[None], genes.loc[known].to_numpy())[0])
        place = {gene: score[row] for row, gene in enumerate(known)}
        targets = [f"G{2 * number:02d}", f"G{2 * number + 1:02d}"]
        between = f"G{(2 * number + 6) % GENES:02d}"
        others = [gene for gene in known if gene not in targets and gene != between]
        # Twenty of the others are drawn 100 times: the mean AUC is near that of all of them.
        every = np.mean([[place[t] > place[o] for o in others] for t in targets])
        assert own.loc[(name, 10.0), "AUC"] == pytest.approx(every, abs=0.04), name
        assert own.loc[(name, 10.0), "negatives"] == 20
    scores = pd.read_csv(run_folder / "run" / "matching" / "results.csv")
    high = scores[(scores["group"] == "profiles") & (scores["metric"] == "AUC") & scores["protocol"].str.endswith("=10")]
    assert high["value"].iloc[0] > 0.9


def test_the_tables_of_the_paper_are_printed(run_folder: Path) -> None:
    genes = (run_folder / "run" / "genes" / "table.md").read_text()
    assert all(word in genes for word in ("corum", "reactome", "position only", "shuffled labels"))
    compounds = (run_folder / "run" / "compounds" / "table.md").read_text()
    assert all(word in compounds for word in ("AP: mean", "AP: sd", "AP: z", "AUC: mean", "AUC: z"))
    assert "concentration=0.25" in (run_folder / "run" / "over_concentrations" / "table.md").read_text()


def test_a_truth_table_of_other_columns_says_what_is_missing(run_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("gene_symbol,treatment\nG00,C00\n")
    aligned = tables.read(run_folder / "run" / "aligned" / "profiles.parquet")
    with pytest.raises(InputError, match="has no column 'compound'; a truth table has compound, gene and, where known, activity"):
        compound_gene.evaluate(aligned, truth=str(tmp_path / "t.csv"))
