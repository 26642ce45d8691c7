"""One task of a Slurm array: `python -m impasto.scale FOLDER PHASE TASK TASKS`. Users call `impasto ... --shards slurm`."""

import sys
from pathlib import Path

from impasto.scale.slurm import run_task

if __name__ == "__main__":
    folder, *numbers = sys.argv[1:]
    sys.exit(run_task(Path(folder), *map(int, numbers)))
