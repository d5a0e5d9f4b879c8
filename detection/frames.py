"""The images that a score rests on, read from the store, on one grid."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from astrid.core import store
from detection import normalise
from differencing import product
from differencing.models import DifferenceRun
from differencing.product import StoredDifference
from preprocessing.calibrated import CalibratedFrame, from_fits


@dataclass(frozen=True)
class Images:
    """Science, reference and what is between them."""

    science: CalibratedFrame
    reference: CalibratedFrame
    difference: StoredDifference

    def stack(self) -> NDArray[np.float32]:
        """Give what networks see of the frame; see :func:`detection.normalise.channels`."""
        return normalise.channels(
            science=self.science.pixels,
            reference=self.reference.pixels,
            difference=self.difference.difference,
            significance=self.difference.significance,
            mask=self.difference.mask,
        )


def images_of(difference: DifferenceRun) -> Images:
    """Read the images of a completed difference.

    Raises
    ------
    MissingFile, CorruptFile
        If one of them is not what was stored.
    """
    stored = product.from_fits(store.get(difference.difference_image_path or ""))
    inputs = difference.provenance["inputs"]
    return Images(
        from_fits(store.get(inputs["science"])), from_fits(store.get(inputs["reference"])), stored
    )
