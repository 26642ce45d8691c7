"""What a piece of work reads from its device: on a GPU each such read waits until all that was asked of it is done."""

from __future__ import annotations

from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode

WAITING = ("_local_scalar_dense", "unique", "svd", "nonzero", "is_nonzero", "_unique", "linalg_eig", "masked_select", "equal.default")


class Reads(TorchDispatchMode):
    """The names of the operations inside that wait for the device."""

    def __init__(self) -> None:
        super().__init__()
        self.waited: list[str] = []

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = str(operation).removeprefix("aten.")
        if any(name.startswith(word) for word in WAITING):
            self.waited.append(name)
        return operation(*args, **(kwargs or {}))
