"""`impasto` for the pages: one process has the libraries at hand and UMAP compiled, and each command runs in a fork of it.

`python at_hand.py SOCKET` serves until its standard input ends. `programs()` starts it, and gives the folder of two small programs that
ask it: `impasto`, which is the command line, and `page`, which runs the blocks of a page. Either ends with the exit code of its fork, has
its folder, its environment and its three streams, and takes the fork with it where it is killed. Where a fork is not to be had after
libraries were loaded (all but Linux), `page` runs in a process of its own, and `impasto` is the one that is installed.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import importlib
import io
import json
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {"PYTHONPATH": str(ROOT / "src"), "MPLBACKEND": "Agg", "COLUMNS": "140", "PYTHONWARNINGS": "ignore"}
_LIBRARIES = (
    "anndata",
    "matplotlib.pyplot",
    "pyarrow.parquet",
    "scipy.stats",
    "sklearn.pipeline",
    "torch",
    "impasto.recipe",
    "impasto.methods",
)
_ASKS = """#!{python} -IS
import json, os, socket, struct, sys
with socket.socket(socket.AF_UNIX) as asked:
    asked.connect({address!r})
    said = json.dumps([os.path.basename(sys.argv[0]), os.getcwd(), dict(os.environ), sys.argv[1:]]).encode()
    socket.send_fds(asked, [struct.pack("Q", len(said))], [0, 1, 2])
    asked.sendall(said)
    code = asked.recv(1)
sys.exit(code[0] if code else 1)
"""
_ALONE = "import runpy\nrunpy.run_path({file!r})['page']()\n"


@functools.cache
def programs() -> Path:
    """The folder of the programs; the process that answers them ends with this one."""
    folder = Path(tempfile.mkdtemp(prefix="impasto-at-hand-"))
    if not sys.platform.startswith("linux"):
        (folder / "page").write_text(_ALONE.format(file=__file__), encoding="utf-8")
        return folder
    for name in ("impasto", "page"):
        (folder / name).write_text(_ASKS.format(python=sys.executable, address=str(folder / "socket")), encoding="utf-8")
        (folder / name).chmod(0o755)
    command = [sys.executable, __file__, str(folder / "socket")]
    server = subprocess.Popen(command, env={**os.environ, **ENVIRONMENT}, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    atexit.register(_end, server, folder)
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n"
    return folder


def _end(server: subprocess.Popen[bytes], folder: Path) -> None:
    server.communicate()
    shutil.rmtree(folder, ignore_errors=True)


def serve(address: str) -> None:
    """Answer each request by a fork, until standard input ends."""
    _prepare()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listens:
        listens.bind(address)
        listens.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            ready, _, _ = select.select([listens, sys.stdin], [], [])
            if sys.stdin in ready:
                return
            asked, _ = listens.accept()
            if os.fork() == 0:
                listens.close()
                _answer(asked)
            asked.close()


def _prepare() -> None:
    """What each command would import and compile again."""
    for name in _LIBRARIES:
        importlib.import_module(name)
    import numpy as np

    from impasto.atlas import layout
    from impasto.verbs import COMMANDS

    for name in COMMANDS:
        COMMANDS[name]
    if layout.has_umap():
        layout.by_umap(np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32), seed=0)


def _answer(asked: socket.socket) -> NoReturn:
    """Run what was asked for in a fork that is killed where the one who asked is; its exit code is the answer."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    size, streams, _, _ = socket.recv_fds(asked, 8, 3)
    said = b""
    while len(said) < struct.unpack("Q", size)[0]:
        said += asked.recv(1 << 16)
    worker = os.fork()
    if worker == 0:
        asked.close()
        _work(json.loads(said), streams)
    ended = os.pidfd_open(worker)
    ready, _, _ = select.select([asked, ended], [], [])
    if ended not in ready:
        os.kill(worker, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1])
    with contextlib.suppress(OSError):
        asked.sendall(bytes([code if code >= 0 else 128 - code]))
    os._exit(0)


def _work(said: list[Any], streams: list[int]) -> NoReturn:
    program, folder, environment, words = said
    for number, (stream, name, mode) in enumerate(zip(streams, ("stdin", "stdout", "stderr"), "rww", strict=True)):
        os.dup2(stream, number)
        os.close(stream)
        setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 - it stays open to the end
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [program, *words]
    code = 1
    try:
        code = _code_of(_command_line if program == "impasto" else page)
    finally:
        os._exit(code)


def _code_of(main: Callable[[], None]) -> int:
    code = 0
    try:
        main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        if isinstance(ended.code, str):
            sys.stderr.write(ended.code)
    except BaseException:  # noqa: BLE001 - as the interpreter would
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def _command_line() -> None:
    from impasto.__main__ import main

    main()


def page() -> None:
    """Run blocks of (kind, text) from standard input: those of Python share their names, those of the shell the folder."""
    names: dict[str, Any] = {"__name__": "page"}
    printed = []
    for kind, text in json.load(sys.stdin):
        heard = io.StringIO()
        if kind == "python":
            with contextlib.redirect_stdout(heard):
                exec(compile(text, "<page>", "exec"), names)
            printed.append(heard.getvalue())
        else:
            shell = ["bash", "-euo", "pipefail", "-c", text]
            done = subprocess.run(shell, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
            if done.returncode:
                sys.exit(f"{text}\n{done.stdout}")
            printed.append(done.stdout)
    json.dump(printed, sys.stdout)


if __name__ == "__main__":
    serve(sys.argv[1])
