"""Small made-up files in the true layout of each data set, on a server of this machine, and a registry that leads there."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import tifffile
from PIL import Image
from tests.loopback import Server

from impasto import schema
from impasto.datasets import registry

STAINS = ("DNA", "ER", "RNA", "AGP", "Mito")
BUCKET = "cellpainting-gallery"
WELLS = ("A01", "A02", "B03")


def registry_of(server: Server, folder: Path) -> Path:
    """The package's registry, each web server a folder of this one. s3:// leads there by the environment."""
    text = registry.SHIPPED.read_text(encoding="utf-8")
    path = folder / "registry.toml"
    path.write_text(re.sub(r'"https://(?=data[.]|raw[.]|storage[.]|huggingface[.])', f'"{server.url}/', text), encoding="utf-8")
    return path


def served(server: Server, url: str) -> Path:
    path = server.root / re.sub(r"^(s3|https)://", "", url)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def pixels(value: int) -> np.ndarray:
    return np.full((8, 8), value, dtype=np.uint16)


def tiff(value: int) -> bytes:
    written = io.BytesIO()
    tifffile.imwrite(written, pixels(value))
    return written.getvalue()


def gallery(server: Server, project: str, source: str, batch: str, plates: dict[str, str], *, kind: str = "url") -> None:
    """Images, LoadData, platemaps and profiles of some plates: plate -> its map."""
    workspace = f"s3://{BUCKET}/{project}/{source}/workspace"
    for plate in plates:
        images, rows = f"{project}/{source}/images/{batch}/images/{plate}__2021-05-02T16_02_51-Measurement1/Images", []
        for number, well in enumerate(WELLS, start=1):
            row: dict[str, object] = {"Metadata_Plate": plate, "Metadata_Well": well, "Metadata_Site": 1}
            for channel, stain in enumerate(STAINS, start=1):
                name = f"r{ord(well[0]) - 64:02d}c{well[1:]}f01p01-ch{channel}sk1fk1fl1.tiff"
                served(server, f"s3://{BUCKET}/{images}/{name}").write_bytes(tiff(100 * number + channel))
                if kind == "url":
                    row[f"URL_Orig{stain}"] = f"s3://{BUCKET}/{images}/{name}"
                else:
                    row |= {f"PathName_Orig{stain}": f"s3://{BUCKET}/{images}/", f"FileName_Orig{stain}": name}
                    row |= {
                        f"PathName_Illum{stain}": f"s3://{BUCKET}/{project}/illum/",
                        f"FileName_Illum{stain}": f"{plate}_Illum{stain}.npy",
                    }
            rows.append(row)
        table = pd.DataFrame(rows)
        if kind == "url":
            table.to_csv(served(server, f"{workspace}/load_data_csv/{batch}/{plate}/load_data.csv"), index=False)
        else:
            table.to_parquet(served(server, f"{workspace}/load_data_csv/{batch}/{plate}/load_data_with_illum.parquet"))
    barcodes = pd.DataFrame({"Assay_Plate_Barcode": list(plates), "Plate_Map_Name": list(plates.values())})
    barcodes.to_csv(served(server, f"{workspace}/metadata/platemaps/{batch}/barcode_platemap.csv"), index=False)
    for name in set(plates.values()):
        platemap = pd.DataFrame({"plate_map_name": name, "well_position": WELLS, "broad_sample": ["BRD-1", "BRD-2", "DMSO"]})
        platemap.to_csv(served(server, f"{workspace}/metadata/platemaps/{batch}/platemap/{name}.txt"), sep="\t", index=False)


def profiles(plate: str, **columns: object) -> pd.DataFrame:
    place = {"Metadata_Plate": plate, "Metadata_Well": WELLS}
    return pd.DataFrame(
        {**place, **columns, "Cells_AreaShape_Area": [1.0, 2.0, 3.0], "Nuclei_Intensity_MeanIntensity_DNA": [0.5, 0.25, 1.0]}
    )


def cpg0000(server: Server) -> None:
    batch = "2020_11_04_CPJUMP1"
    gallery(
        server, "cpg0000-jump-pilot", "source_4", batch, {"BR1": "JUMP-Target-1_compound_platemap", "BR2": "JUMP-Target-1_crispr_platemap"}
    )
    workspace = f"s3://{BUCKET}/cpg0000-jump-pilot/source_4/workspace"
    compounds = pd.DataFrame({"broad_sample": ["BRD-1", "BRD-2"], "pert_iname": ["aspirin", "caffeine"]})
    compounds.to_csv(served(server, f"{workspace}/metadata/external_metadata/JUMP-Target-1_compound_metadata.tsv"), sep="\t", index=False)
    for plate in ("BR1", "BR2"):
        profiles(plate).to_csv(served(server, f"{workspace}/profiles/{batch}/{plate}/{plate}_normalized_negcon.csv.gz"), index=False)


def cpg0004(server: Server) -> None:
    gallery(server, "cpg0004-lincs", "broad", "2016_04_01_a549_48hr_batch1", {"SQ1": "C-7161-01-LM6-001"})


def cpg0012(server: Server) -> None:
    gallery(server, "cpg0012-wawer-bioactivecompoundprofiling", "broad", "CDRP", {"24277": "H-BIOA-001-3"})


def cpg0016(server: Server) -> None:
    rows = []
    for source, batch, plate, plate_type in (
        ("source_4", "2021_04_26_Batch1", "BR9", "TARGET2"),
        ("source_4", "2021_04_26_Batch1", "BR8", "ORF"),
        ("source_2", "20210607_Batch_2", "1053601763", "TARGET2"),
    ):
        gallery(server, "cpg0016-jump", source, batch, {plate: "unused"}, kind="parquet")
        rows.append({"Metadata_Source": source, "Metadata_Batch": batch, "Metadata_Plate": plate, "Metadata_PlateType": plate_type})
        place = f"s3://{BUCKET}/cpg0016-jump/{source}/workspace/profiles/{batch}/{plate}/{plate}.parquet"
        profiles(plate, Metadata_Source=source).to_parquet(served(server, place))
    metadata = "https://raw.githubusercontent.com/jump-cellpainting/datasets/main/metadata"
    pd.DataFrame(rows).to_csv(served(server, f"{metadata}/plate.csv.gz"), index=False)
    names = ["JCP2022_000001", "JCP2022_000002", "JCP2022_033924"]
    wells = [
        {
            "Metadata_Source": row["Metadata_Source"],
            "Metadata_Plate": row["Metadata_Plate"],
            "Metadata_Well": well,
            "Metadata_JCP2022": name,
        }
        for row in rows
        for well, name in zip(WELLS, names, strict=True)
    ]
    pd.DataFrame(wells).to_csv(served(server, f"{metadata}/well.csv.gz"), index=False)
    compounds = pd.DataFrame({"Metadata_JCP2022": names, "Metadata_InChIKey": ["A", "B", "C"], "Metadata_SMILES": ["C", "CC", "CS(C)=O"]})
    compounds.to_csv(served(server, f"{metadata}/compound.csv.gz"), index=False)
    controls = pd.DataFrame({"Metadata_JCP2022": ["JCP2022_033924"], "Metadata_pert_type": ["negcon"], "Metadata_Name": ["DMSO"]})
    controls.to_csv(served(server, f"{metadata}/perturbation_control.csv"), index=False)


def bbbc021(server: Server) -> None:
    base = "https://data.broadinstitute.org/bbbc/BBBC021"
    rows = []
    for plate in ("Week1_22123", "Week4_27481"):
        with zipfile.ZipFile(served(server, f"{base}/BBBC021_v1_images_{plate}.zip"), "w") as archive:
            for number, well in enumerate(("B02", "C03"), start=1):
                names = {w: f"{well}_s1_w{w}{0xA0 + number:04X}BCDE-1234-4321-9999-0123456789AB.tif" for w in (1, 2, 4)}
                for channel, name in names.items():
                    archive.writestr(f"{plate}/{name}", tiff(100 * number + channel))
                dna, tubulin, actin = names.values()
                rows.append(
                    {
                        "TableNumber": 1,
                        "ImageNumber": len(rows),
                        "Image_FileName_DAPI": dna,
                        "Image_PathName_DAPI": f"{plate.split('_')[0]}/{plate}",
                    }
                    | {"Image_FileName_Tubulin": tubulin, "Image_PathName_Tubulin": f"{plate.split('_')[0]}/{plate}"}
                    | {"Image_FileName_Actin": actin, "Image_PathName_Actin": f"{plate.split('_')[0]}/{plate}"}
                    | {"Image_Metadata_Plate_DAPI": plate, "Image_Metadata_Well_DAPI": well, "Replicate": 1}
                    | {"Image_Metadata_Compound": ("taxol", "DMSO")[number - 1], "Image_Metadata_Concentration": (0.3, 0.0)[number - 1]}
                )
    pd.DataFrame(rows).to_csv(served(server, f"{base}/BBBC021_v1_image.csv"), index=False)
    moa = pd.DataFrame({"compound": ["taxol"], "concentration": [0.3], "moa": ["Microtubule stabilizers"]})
    moa.to_csv(served(server, f"{base}/BBBC021_v1_moa.csv"), index=False)


def bbbc022(server: Server) -> None:
    base = "https://data.broadinstitute.org/bbbc/BBBC022"
    lines, rows = [], []
    for plate in ("20585", "20586"):
        for channel in range(1, 6):
            name = f"BBBC022_v1_images_{plate}w{channel}"
            lines.append(f"{base}/{name}.zip\n")
            with zipfile.ZipFile(served(server, lines[-1].strip()), "w") as archive:
                for number, well in enumerate(("A01", "A02"), start=1):
                    archive.writestr(
                        f"{name}/IXMtest_{well}_s1_w{channel}{0x10 + number:02X}A2B3C4-1111-2222-3333-44445555666{channel}.tif",
                        tiff(100 * number + channel),
                    )
        for well, compound, role in (("a01", "BRD-1", "compound"), ("a02", "", "mock")):
            rows.append({"Image_FileName_OrigER": "x.tif", "Image_Metadata_PlateID": plate, "Image_Metadata_CPD_WELL_POSITION": well})
            rows[-1] |= {
                "Image_Metadata_BROAD_ID": compound,
                "Image_Metadata_SOURCE_COMPOUND_NAME": compound,
                "Image_Metadata_ASSAY_WELL_ROLE": role,
            }
    served(server, f"{base}/BBBC022_v1_images_urls.txt").write_text("".join(lines))
    pd.DataFrame(rows).to_csv(served(server, f"{base}/BBBC022_v1_image.csv"), index=False)


def rxrx(server: Server, name: str, prefix: str, cells: tuple[str, ...], stains: int, **columns: object) -> pd.DataFrame:
    """A row a site; the images, and the table in its zip."""
    rows = []
    for cell in cells:
        for plate in (1, 2):
            for number, well in enumerate(("B02", "AA03"), start=1):
                for site in (1, 2):
                    rows.append({"site_id": f"{cell}-1_{plate}_{well}_{site}", "well_id": f"{cell}-1_{plate}_{well}", "cell_type": cell})
                    rows[-1] |= {"experiment": f"{cell}-1", "plate": plate, "well": well, "site": site}
                    rows[-1] |= {key: value[number - 1] for key, value in columns.items()}  # type: ignore[index]
    frame = pd.DataFrame(rows)
    with zipfile.ZipFile(served(server, f"{prefix}/{name}-metadata.zip"), "w") as archive:
        archive.writestr(f"{name}/metadata.csv", frame.to_csv(index=False))
    return frame


def png(value: int) -> bytes:
    written = io.BytesIO()
    Image.fromarray(np.full((8, 8), value, dtype=np.uint8)).save(written, "png")
    return written.getvalue()


def rxrx1(server: Server) -> None:
    prefix = "https://storage.googleapis.com/rxrx/rxrx1"
    frame = rxrx(
        server,
        "rxrx1",
        prefix,
        ("HUVEC", "RPE"),
        6,
        well_type=("negative_control", "treatment"),
        sirna=("EMPTY", "s15652"),
        dataset=("train", "train"),
    )
    frame.loc[frame["cell_type"] == "RPE", "dataset"] = "test"
    with zipfile.ZipFile(served(server, f"{prefix}/rxrx1-metadata.zip"), "w") as archive:
        archive.writestr("rxrx1/metadata.csv", frame.to_csv(index=False))
    with zipfile.ZipFile(served(server, f"{prefix}/rxrx1-images.zip"), "w") as archive:
        for row in frame.itertuples():
            for channel in range(1, 7):
                archive.writestr(
                    f"rxrx1/images/{row.experiment}/Plate{row.plate}/{row.well}_s{row.site}_w{channel}.png", png(10 * channel + row.site)
                )


def rxrx19a(server: Server) -> None:
    prefix = "https://storage.googleapis.com/rxrx/RxRx19a"
    frame = rxrx(
        server,
        "RxRx19a",
        prefix,
        ("HRCE", "VERO"),
        5,
        disease_condition=("Mock", "Active SARS-CoV-2"),
        treatment=("", "Remdesivir"),
        treatment_conc=("", 1.0),
    )
    for row in frame.itertuples():
        for channel in range(1, 6):
            place = f"{prefix}/images/{row.experiment}/Plate{row.plate}/{row.well}_s{row.site}_w{channel}.png"
            served(server, place).write_bytes(png(10 * channel + row.site))


def rxrx3_core(server: Server) -> None:
    prefix = "https://huggingface.co/datasets/recursionpharma/rxrx3-core/resolve/main"
    ids = [f"compound-004_1_{well}" for well in ("A01", "A02", "AA03", "AA04")] + [f"gene-088_9_{well}" for well in ("A01", "Z43")]
    parts = [name.split("_") for name in ids]
    metadata = pd.DataFrame(
        {
            "well_id": ids,
            "experiment_name": [p[0] for p in parts],
            "plate": [int(p[1]) for p in parts],
            "address": [p[2] for p in parts],
            "gene": [None, None, None, None, "RPLP2", "EMPTY_control"],
            "treatment": ["Narlaprevir", "Narlaprevir", "EMPTY_control", "CRISPR_control", "RPLP2_guide_4", "EMPTY_control"],
            "SMILES": ["C", "C", None, None, None, None],
            "concentration": [0.25, 2.5, None, None, None, None],
            "perturbation_type": ["COMPOUND"] * 4 + ["CRISPR"] * 2,
            "cell_type": "HUVEC",
        }
    )
    metadata.to_csv(served(server, f"{prefix}/metadata_rxrx3_core.csv"), index=False)
    values = np.random.default_rng(0).normal(size=(len(ids), 8))
    embeddings = pd.DataFrame(values, columns=[f"feature_{n}" for n in range(8)])
    embeddings.insert(0, "well_id", ids)
    embeddings.to_parquet(served(server, f"{prefix}/OpenPhenom_rxrx3_core_embeddings.parquet"))
    truth = "https://raw.githubusercontent.com/recursionpharma/EFAAR_benchmarking/trunk/efaar_benchmarking/benchmark_annotations"
    for name in ("CORUM.txt", "HuMAP.txt", "Reactome.txt", "SIGNOR.txt", "StringDB.txt", "compound_gene_interactions.csv", "LICENSE"):
        served(server, f"{truth}/{name}").write_text("entity1,entity2\nRPLP2,RPLP1\n")


def rxrx3_core_screen(server: Server) -> None:
    """The same files with 40 knock-outs, two guides each, on two plates of two experiments; genes of one complex (of four) look alike."""
    prefix = "https://huggingface.co/datasets/recursionpharma/rxrx3-core/resolve/main"
    rng = np.random.default_rng(1)
    genes = [f"GENE{number:02d}" for number in range(40)]
    centres = rng.normal(size=(10, 16))
    rows, values = [], []
    for experiment in (88, 89):
        treatments = [(gene, f"{gene}_guide_{guide}") for gene in genes for guide in (1, 2)]
        treatments += [("EMPTY_control", "EMPTY_control")] * 16
        for number, (gene, treatment) in enumerate(treatments):
            address = schema.format_well(number // 24, number % 24)
            rows.append({"well_id": f"gene-{experiment:03d}_1_{address}", "experiment_name": f"gene-{experiment:03d}", "plate": 1})
            rows[-1] |= {"address": address, "gene": gene, "treatment": treatment, "SMILES": None, "concentration": None}
            rows[-1] |= {"perturbation_type": "CRISPR", "cell_type": "HUVEC"}
            own = centres[int(gene[4:]) // 4] if gene.startswith("GENE") else np.zeros(16)
            values.append(2 * own + 0.5 * rng.normal(size=16) + experiment - 88)
    pd.DataFrame(rows).to_csv(served(server, f"{prefix}/metadata_rxrx3_core.csv"), index=False)
    embeddings = pd.DataFrame(np.array(values), columns=[f"feature_{n}" for n in range(16)])
    embeddings.insert(0, "well_id", [row["well_id"] for row in rows])
    embeddings.to_parquet(served(server, f"{prefix}/OpenPhenom_rxrx3_core_embeddings.parquet"))
    pairs = [(a, b) for i, a in enumerate(genes) for b in genes[i + 1 :] if int(a[4:]) // 4 == int(b[4:]) // 4]
    truth = "https://raw.githubusercontent.com/recursionpharma/EFAAR_benchmarking/trunk/efaar_benchmarking/benchmark_annotations"
    for name in ("CORUM.txt", "HuMAP.txt", "Reactome.txt", "SIGNOR.txt", "StringDB.txt"):
        lines = "".join(f"{a},{b}\n" for a, b in pairs)
        served(server, f"{truth}/{name}").write_text("entity1,entity2\n" + lines)
    for name in ("compound_gene_interactions.csv", "LICENSE"):
        served(server, f"{truth}/{name}").write_text("entity1,entity2\nC,GENE01\n")


ALL = {
    "cpg0000": cpg0000,
    "cpg0004": cpg0004,
    "cpg0012": cpg0012,
    "cpg0016": cpg0016,
    "bbbc021": bbbc021,
    "bbbc022": bbbc022,
    "rxrx1": rxrx1,
    "rxrx19a": rxrx19a,
    "rxrx3-core": rxrx3_core,
}


SOURCES = tuple(f"source_{number}" for number in (*range(1, 12), 13, 15))
"""The laboratories of JUMP's production data."""


def cpg0016_sources(server: Server, *, features: int = 24, compounds: int = 18, repeats: int = 1) -> None:
    """Profiles of a TARGET2 plate in each of the thirteen sources: raw, each source with an offset and a scale of its own.

    A compound lies in other wells in each source, as DMSO does. One feature is missing in places, one is infinite, one is constant.
    """
    rng = np.random.default_rng(0)
    names = [
        f"{part}_{group}_{measure}_{stain}"
        for part in ("Cells", "Cytoplasm", "Nuclei")
        for group, measure in (("Intensity", "MeanIntensity"), ("Texture", "Contrast"))
        for stain in STAINS
    ][:features]
    effects = rng.normal(size=(compounds, len(names)))
    codes = [f"JCP2022_{number + 1:06d}" for number in range(compounds)]
    treatments = [*codes, *["JCP2022_033924"] * 8]
    plates, wells = [], []
    for number, source in enumerate(SOURCES):
        offset, scale, batch = rng.normal(size=len(names)), np.exp(0.3 * rng.normal(size=len(names))), f"Batch{number + 1}"
        order = rng.permutation(len(treatments))
        for repeat in range(1, repeats + 1):
            plate = f"{1000 * (number + 1) + repeat}"
            values = rng.normal(size=(len(treatments), len(names)))
            values[: len(codes)] += 1.5 * effects
            values = (values * scale + offset)[order].astype(np.float64)
            values[0, 0], values[1, 1] = np.nan, np.inf
            positions = [schema.format_well(place // 12, place % 12) for place in range(len(order))]
            frame = pd.DataFrame({"Metadata_Source": source, "Metadata_Plate": plate, "Metadata_Well": positions})
            frame = pd.concat([frame, pd.DataFrame(values, columns=names).assign(Cells_Neighbors_NumberOfNeighbors_5=3.0)], axis=1)
            frame.to_parquet(
                served(server, f"s3://{BUCKET}/cpg0016-jump/{source}/workspace/profiles/{batch}/{plate}/{plate}.parquet"), index=False
            )
            plates.append({"Metadata_Source": source, "Metadata_Batch": batch, "Metadata_Plate": plate, "Metadata_PlateType": "TARGET2"})
            wells += [
                {"Metadata_Source": source, "Metadata_Plate": plate, "Metadata_Well": well, "Metadata_JCP2022": treatments[place]}
                for well, place in zip(positions, order, strict=True)
            ]
    # A plate of another type, which nobody asks for.
    plates.append({"Metadata_Source": "source_4", "Metadata_Batch": "Batch4", "Metadata_Plate": "9000", "Metadata_PlateType": "ORF"})
    metadata = "https://raw.githubusercontent.com/jump-cellpainting/datasets/main/metadata"
    pd.DataFrame(plates).to_csv(served(server, f"{metadata}/plate.csv.gz"), index=False)
    pd.DataFrame(wells).to_csv(served(server, f"{metadata}/well.csv.gz"), index=False)
    known = pd.DataFrame({"Metadata_JCP2022": [*codes, "JCP2022_033924"]})
    known["Metadata_InChIKey"] = [f"{'ABCDEFGHIJKLMNOPQRSTUVWXYZ'[n] * 14}-UHFFFAOYSA-N" for n in range(len(known))]
    known["Metadata_SMILES"] = ["C" * (n + 1) for n in range(len(known))]
    known.to_csv(served(server, f"{metadata}/compound.csv.gz"), index=False)
    controls = pd.DataFrame({"Metadata_JCP2022": ["JCP2022_033924"], "Metadata_pert_type": ["negcon"], "Metadata_Name": ["DMSO"]})
    controls.to_csv(served(server, f"{metadata}/perturbation_control.csv"), index=False)
