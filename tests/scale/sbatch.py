"""A stand-in for `sbatch --wait`: runs the tasks of an array one after the other, and kills the one that it is told to, once."""

import os
import re
import subprocess
import sys
from pathlib import Path

script = Path(sys.argv[-1])
options = re.findall(r"^#SBATCH +(\S+)", script.read_text(), re.MULTILINE) + sys.argv[1:-1]
home = Path(os.environ["FAKE_SLURM"])
with (home / "options.txt").open("a") as handle:
    handle.write(" ".join(sys.argv[1:-1]) + "\n")
if "--partition=none" in options:
    sys.exit("sbatch: error: invalid partition specified: none")
first, last = (int(n) for n in next(o for o in options if o.startswith("--array=")).removeprefix("--array=").split("-"))
print(f"Submitted batch job {len(list(home.iterdir()))}")
worst = 0
for place in range(first, last + 1):
    marker = home / f"killed-{script.stem}-{place}"
    kill = place == int(os.environ.get("FAKE_SLURM_KILL", "-1")) and not marker.exists()
    if kill:
        marker.write_text("")
        worst = 1
        continue  # a task whose node died before it did anything
    code = subprocess.run(["bash", str(script)], env={**os.environ, "SLURM_ARRAY_TASK_ID": str(place)}, check=False).returncode
    worst = max(worst, code)
sys.exit(worst)
