"""What encoders of crops share: a site is kept as 8-bit pixels until it is embedded, and is embedded crop by crop."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from impasto.plates.crops import Array, Crops, Floats
from impasto.plates.eight_bit import to_8_bit


class OfCrops(ABC):
    """An encoder of sites that are cropped; how crops are embedded is its own.

    Attributes
    ----------
    crops
        How sites are cropped.

    """

    crops: Crops

    @abstractmethod
    def _embed(self, images: Array) -> Floats:
        """The features (n, F) of crops (n, C, h, w)."""

    def prepare(self, site: Array, /) -> Array:
        """The pixels of one site in 8 bit.

        Parameters
        ----------
        site
            (C, H, W), as the microscope wrote it.

        Returns
        -------
        Array
            (C, H, W) uint8.

        Raises
        ------
        BadImage
            Where the site is smaller than a crop of native pixels.

        """
        self.crops.boxes(*site.shape[-2:])
        return np.stack([to_8_bit(plane) for plane in site])

    def rows_of(self, site: Array, /) -> int:
        """How many rows a site has.

        Parameters
        ----------
        site
            Prepared, (C, H, W).

        Returns
        -------
        int
            One, or the number of its crops.

        """
        return self.crops.rows_of(site)

    def __call__(self, sites: Sequence[Array], /) -> Floats:
        """The features of some sites.

        Parameters
        ----------
        sites
            Prepared sites, (C, H, W) uint8 each.

        Returns
        -------
        Floats
            (rows, F), a row a site, or a row a crop.

        """
        return self.crops.embedded(sites, self._embed)
