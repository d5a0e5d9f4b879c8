"""The fluxes of known objects on one difference, and on its science frame, as rows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from detection.models import ForcedMeasurement, ForcedPhotometryRun, SkyObject
from detection.parameters import DetectionParameters
from differencing import services as differencing
from differencing.extraction.forced import Forced, force_difference, force_frame, is_inside
from differencing.models import DifferenceRun
from differencing.subtraction.noise import FloatArray
from differencing.subtraction.subtract import Difference
from preprocessing.masks import MaskBit
from preprocessing.photometry.magnitudes import AB_LESS_VEGA, System, ZeroPoint, microjansky
from preprocessing.services import load_file

# Raise it when fluxes come out otherwise: all is then measured anew, beside what there is.
VERSION = "1"
_BRIGHTNESS = ("flux", "flux_error", "magnitude", "magnitude_error", "upper_limit")


@dataclass(frozen=True)
class Frame:
    """What the rows of one difference have in common."""

    run: ForcedPhotometryRun
    zero_point: ZeroPoint | None

    @property
    def scale(self) -> float | None:
        """Microjansky of one ADU, where the zero point tells."""
        known = self.zero_point
        if known is None or not known.is_calibrated:
            return None
        if known.system == System.VEGA and known.band not in AB_LESS_VEGA:
            return None
        return float(microjansky(1.0, known))


def rows_of(run: ForcedPhotometryRun, things: Sequence[SkyObject]) -> list[ForcedMeasurement]:
    """Measure ``things`` on the difference of a run; those outside the image get no row.

    Raises
    ------
    MissingFile, CorruptFile
        If the difference or its science frame is not what was stored.
    """
    made = differencing.stored_difference(run.difference_run)
    places = np.array([(one.ra, one.dec) for one in things])
    x, y = made.wcs.all_world2pix(places[:, 0], places[:, 1], 0, quiet=True)
    inside = np.flatnonzero(is_inside(x, y, made.mask.shape))
    x, y = x[inside], y[inside]
    changes = force_difference(made, x, y)
    totals = _totals(run, made, x, y)
    frame = Frame(run, made.zero_point)
    return [
        _row(frame, things[one], changes[n], {} if totals is None else _total(frame, totals[n]))
        for n, one in enumerate(inside.tolist())
    ]


def _totals(
    run: ForcedPhotometryRun, made: Difference, x: FloatArray, y: FloatArray
) -> Forced | None:
    """Measure on the science frame, where its PSF is known and the total flux is wanted."""
    wanted = DetectionParameters(**run.parameters).forced_total
    if not wanted or made.science_psf is None:
        return None
    frame = load_file(_science(run.difference_run), run.difference_run.observation)
    # Hits are found only when frames are compared; which of the two was hit is not kept.
    hits = made.mask & np.uint16(int(MaskBit.COSMIC_RAY))
    return force_frame(replace(frame, mask=frame.mask | hits), made.science_psf, x, y)


def _science(run: DifferenceRun) -> str:
    path: str = run.provenance["inputs"]["science"]
    return path


def _row(
    frame: Frame, thing: SkyObject, found: np.void, total: dict[str, Any]
) -> ForcedMeasurement:
    run = frame.run
    brightness = {name: _number(found[name]) for name in _BRIGHTNESS}
    return ForcedMeasurement(
        run=run,
        sky_object=thing,
        difference_run=run.difference_run,
        observation=run.difference_run.observation,
        method_version=run.method_version,
        **brightness,
        photometric_system=frame.zero_point.system if frame.zero_point else "",
        flux_ujy=_times(brightness["flux"], frame.scale),
        flux_error_ujy=_times(brightness["flux_error"], frame.scale),
        hidden_share=float(np.clip(found["hidden_share"], 0, 1)),
        mask_bits=int(found["mask_bits"]),
        **total,
    )


def _total(frame: Frame, found: np.void) -> dict[str, Any]:
    flux, error = _number(found["flux"]), _number(found["flux_error"])
    return {
        "total_flux": flux,
        "total_flux_error": error,
        "total_flux_ujy": _times(flux, frame.scale),
        "total_flux_error_ujy": _times(error, frame.scale),
        "total_mask_bits": int(found["mask_bits"]),
    }


def _number(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def _times(flux: float | None, scale: float | None) -> float | None:
    return None if flux is None or scale is None else flux * scale
