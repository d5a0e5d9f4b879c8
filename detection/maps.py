"""What the U-Net says of every pixel, as files of its run: confidence, mask and a picture."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from astrid.core import store
from detection.mappicture import RING_PX, draw_map
from detection.models import ModelRun
from detection.product import image_fits
from detection.scoring import Scored
from differencing.drawing.overlay import Overlay
from differencing.models import Candidate, CandidateStatus
from differencing.product import StoredDifference
from preprocessing.calibrated import wcs_header


@dataclass(frozen=True)
class ConfidenceMap:
    """The calibrated confidence of every pixel, and from which a pixel belongs to the mask."""

    confidence: NDArray[np.float32]
    threshold: float

    @property
    def mask(self) -> NDArray[np.uint8]:
        """Give 1 where the threshold is reached."""
        return (self.confidence >= self.threshold).astype(np.uint8)


def store_maps(
    run: ModelRun, found: ConfidenceMap, difference: StoredDifference, scored: Scored
) -> dict[str, str]:
    """Store confidence, mask and a picture of both with the candidates.

    Returns
    -------
    dict of str to str
        Where each is stored, by the column of the run.
    """
    header = wcs_header(difference.wcs)
    mask = found.mask
    picture = draw_map(
        found.confidence,
        _places(scored.candidates, difference),
        threshold=found.threshold,
        title=str(run.observation),
        summary=f"{run.unet}: {int(mask.sum())} px from {found.threshold:.3f}   "
        f"{len(scored.candidates)} candidates, {len(scored.believed)} believed",
    )
    return {
        "confidence_map_path": store.put(image_fits(found.confidence, header)),
        "output_mask_path": store.put(image_fits(mask, header)),
        "picture_path": store.put(picture),
    }


def _places(candidates: list[Candidate], difference: StoredDifference) -> Overlay:
    """Ring the candidates, those with the highest score first."""
    ordered = sorted(candidates, key=lambda one: one.network_score or 0.0, reverse=True)
    return Overlay(
        np.array([one.pixel_x for one in ordered], float),
        np.array([one.pixel_y for one in ordered], float),
        np.array([one.is_negative for one in ordered], bool),
        np.array([one.status != CandidateStatus.DETECTED for one in ordered], bool),
        difference.wcs,
        RING_PX,
    )
