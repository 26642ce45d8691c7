"""Similarities in blocks: a block of queries is compared with all candidates at a time, on the processor or on a device."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from impasto import machine, mapped
from impasto.schema import InputError

Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
BLOCK_BYTES = 64 * 2**20
THREADS = int(os.environ.get("OMP_NUM_THREADS") or machine.cores())


def unit(values: npt.NDArray[np.floating], /) -> Floats:
    """Rows scaled to unit length.

    Parameters
    ----------
    values
        (n, width) rows.

    Returns
    -------
    Floats
        (n, width) of float32. A row of zeros stays zero. Of mapped rows, mapped (`mapped`).

    """
    values = np.asarray(values, dtype=np.float32)
    scaled: Floats = mapped.zeros_beside(values, values.shape)
    for rows in mapped.blocks(values):
        block = values[rows]
        length = np.sqrt(np.einsum("ij,ij->i", block, block))[:, None]
        np.divide(block, length, out=scaled[rows], where=length > 0)
    return scaled


def similarity_blocks(
    queries: Floats, candidates: Floats, /, *, copies: Rows | None = None, block_bytes: int = BLOCK_BYTES, device: str | None = None
) -> Iterator[tuple[slice, Floats]]:
    """Inner products of a block of queries with all candidates.

    Parameters
    ----------
    queries, candidates
        Rows (n, width) and (m, width), float32.
    copies
        The rows of candidates that are offered, one as often as it is named. Equal rows may have products that differ by a rounding;
        copies of one row never do.
    block_bytes
        Largest size of one block of products, in bytes.
    device
        Where they are formed; see the module.

    Yields
    ------
    rows : slice
        The queries of the block.
    products : Floats
        (block, m) of float32, or (block, copies). Their inner products.

    Raises
    ------
    InputError
        The device cannot be used.

    """
    on_device = placed(candidates, device)
    offered = len(candidates) if copies is None else max(len(candidates), len(copies))
    for rows in slices(len(queries), 4 * offered, block_bytes):
        product = placed(queries[rows], device) @ on_device.T
        product = product if device is None else product.cpu().numpy()
        yield rows, product if copies is None else product[:, copies]


def pair_blocks(vectors: Floats, /, *, block_bytes: int = BLOCK_BYTES // 8, device: str | None = None) -> Iterator[Floats]:
    """Inner products of all pairs i < j of rows, each once, a block of them at a time, in no order.

    Parameters
    ----------
    vectors
        Rows (n, width), float32.
    block_bytes
        Largest size of one block of products, in bytes.
    device
        Where they are formed; see the module.

    Yields
    ------
    Floats
        (pairs,) of float32. The inner products of a block.

    Raises
    ------
    InputError
        The device cannot be used.

    """
    for rows in slices(len(vectors), 4 * len(vectors), block_bytes):
        ((_, product),) = similarity_blocks(vectors[rows], vectors[rows.start :], block_bytes=2**62, device=device)
        own = len(product)
        yield np.concatenate([product[:, :own][~np.tri(own, dtype=bool)], product[:, own:].ravel()])


def slices(total: int, row_bytes: int, block_bytes: int) -> Iterator[slice]:
    """The rows of each block.

    Parameters
    ----------
    total
        The number of rows.
    row_bytes
        What one row needs, in bytes.
    block_bytes
        What a block may need, in bytes; one row at least is taken.

    Yields
    ------
    slice
        The rows of a block.

    """
    step = max(1, block_bytes // max(1, row_bytes))
    return (slice(start, min(start + step, total)) for start in range(0, total, step))


def placed(values: npt.NDArray[Any], device: str | None) -> Any:
    """The values where the products are formed.

    Parameters
    ----------
    values
        An array.
    device
        The device of torch, or None for numpy.

    Returns
    -------
    Any
        The array as it is, or a tensor on the device.

    Raises
    ------
    InputError
        The device cannot be used.

    """
    if device is None:
        return values
    import torch

    try:
        return torch.from_numpy(np.ascontiguousarray(values)).to(device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"device {device!r} cannot be used ({str(error).splitlines()[0]}); leave it out to run on the processor") from None
