#!/usr/bin/env bash
# The whole path on simulated plates: every verb once. About two minutes on 2 cores. Nothing here is real data.
#   bash examples/whole_path.sh [FOLDER]
set -euo pipefail
out=${1:-runs/whole_path}
mkdir -p "$out"
here=$(cd "$(dirname "$0")/.." && pwd)

impasto simulate --out "$out/simulated" --seed 1 --set batches=2 --set plates=2 --set perturbations=48 --set controls=48 --set corrupt=2 --set missing=1
impasto ingest "$out/simulated/images" --platemap "$out/simulated/platemap.csv" --out "$out/ingested" --dry-run
impasto ingest "$out/simulated/images" --platemap "$out/simulated/platemap.csv" --out "$out/ingested" > /dev/null
impasto check "$out/ingested" --out "$out/checked"
impasto profile "$out/ingested" --quarantine "$out/checked/quarantine.csv" --level well --out "$out/deep.parquet"
impasto correct "$out/deep.parquet" --method clip --set limit=1000 --spare 0.5 --out "$out/raw.parquet" > /dev/null
impasto correct "$out/deep.parquet" --method combat --spare 0.5 --out "$out/corrected.parquet"
impasto evaluate replicates "$out/raw.parquet" "$out/corrected.parquet" --out "$out/replicates"
impasto train "$here/recipes/cellclip.toml" --profiles "$out/corrected.parquet" --out "$out/model"
impasto embed "$out/model" "$out/corrected.parquet" --out "$out/embedded.parquet"
impasto evaluate cross-modal "$out/embedded.parquet" --out "$out/retrieval"
impasto index "$out/embedded.parquet" --out "$out/index"
impasto search "$out/index" --text "simulated mechanism 3" --top 5
impasto report "$out" --out "$out/page.html"
