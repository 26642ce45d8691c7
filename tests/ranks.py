"""One command as so many ranks of torch.distributed over gloo, as torchrun starts them."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Sequence


def run(command: Sequence[str], /, *, ranks: int = 2, patience: float = 200) -> None:
    """Start the ranks and wait for all; a rank that fails shows the end of what it wrote."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = int(found.getsockname()[1])
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(ranks), "OMP_NUM_THREADS": "1"}
    environments = ({**os.environ, **place, "RANK": str(r), "LOCAL_RANK": str(r)} for r in range(ranks))
    started = [subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) for environment in environments]
    written = [process.communicate(timeout=patience)[1] for process in started]
    for process, errors in zip(started, written, strict=True):
        assert process.returncode == 0, errors.decode()[-2000:]
