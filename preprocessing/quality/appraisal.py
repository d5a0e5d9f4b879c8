"""How good an exposure is and how bright its stars are: what decides whether it is processed."""

from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any

from astrid.core import store
from astrid.core.errors import BadImage
from observations.fits import Frame
from observations.models import Observation, Role
from preprocessing.astrometry.catalog_check import WrongPlace, check_astrometry
from preprocessing.astrometry.catalog_pairs import Spots
from preprocessing.astrometry.register import positions
from preprocessing.calibrated import CalibratedFrame
from preprocessing.models import PreprocessRun
from preprocessing.parameters import PreprocessParameters
from preprocessing.photometry.bands import band_name
from preprocessing.photometry.header_zero_point import from_header
from preprocessing.photometry.magnitudes import (
    System,
    ZeroPoint,
    ZeroPointSource,
    instrumental,
    limiting_magnitude,
)
from preprocessing.photometry.star_catalog import StarCatalog, read_star_catalog
from preprocessing.photometry.zero_point import Calibration, from_catalog
from preprocessing.quality.figures import LIMIT_SIGMA, Examined, examine
from preprocessing.quality.limits import shortcomings, unchecked


@dataclass(frozen=True)
class Appraisal:
    """What is known of a frame before it is laid on a grid.

    Attributes
    ----------
    examined : Examined
        The frame, its trails masked and its zero point in it; its stars; its quality.
    astrometry : dict
        What the survey's star catalogue says about the WCS; empty without one.
    calibration : Calibration or None
        The fit to known stars, where there was one.
    refusals : tuple of str
        Why the zero point does not come from a better source.
    reasons : tuple of str
        What keeps the frame from being processed.
    """

    examined: Examined
    astrometry: dict[str, Any]
    zero_point: ZeroPoint
    calibration: Calibration | None
    refusals: tuple[str, ...]
    reasons: tuple[str, ...]
    limiting_magnitude: float

    @property
    def frame(self) -> CalibratedFrame:
        """The frame, trails masked, with its zero point."""
        return replace(self.examined.frame, zero_point=self.zero_point)

    def columns(self) -> dict[str, Any]:
        """Give what the run keeps in columns of its own."""
        quality, zero_point = self.examined.quality, self.zero_point
        return {
            "seeing_px": quality.seeing_px,
            "limiting_flux": quality.limiting_flux,
            "limiting_magnitude": self.limiting_magnitude,
            "zero_point": zero_point.value,
            "zero_point_error": zero_point.error,
            "zero_point_source": zero_point.source,
            "zero_point_stars": self.calibration.n_stars if self.calibration else None,
            "photometric_system": zero_point.system,
        }

    def figures(self) -> dict[str, Any]:
        """Give the tables of figures."""
        known = self.calibration.figures() if self.calibration else asdict(self.zero_point)
        said = {"instead of": "; ".join(self.refusals)} if self.refusals else {}
        kept = {name: value for name, value in (known | said).items() if value is not None}
        poor = {"set_aside": list(self.reasons)} if self.reasons else {}
        placed = {"astrometry": self.astrometry} if self.astrometry else {}
        quality = self.examined.quality.figures()
        doubts = list(unchecked(quality))
        warned = {"warnings": doubts} if doubts else {}
        return {"quality": quality, "zero_point": kept} | placed | warned | poor


def appraise(
    observation: Observation, frame: CalibratedFrame, raw: Frame, parameters: PreprocessParameters
) -> Appraisal:
    """Measure quality and zero point of a calibrated frame on its own grid.

    Raises
    ------
    BadImage
        If the frame shows nothing to measure.
    """
    try:
        examined = examine(frame, parameters)
    except ValueError as error:
        raise BadImage(f"{observation}: {error}") from error
    examined, astrometry = _placed(observation, examined, parameters)
    calibration, refusals = _from_stars(observation, examined, parameters)
    if calibration is not None:
        zero_point = calibration.zero_point
    else:
        zero_point, said = _from_file(observation, raw)
        refusals = (*refusals, *said)
    depth = float(limiting_magnitude(examined.quality.limiting_flux / LIMIT_SIGMA, zero_point))
    figures = examined.quality.figures()
    if zero_point.is_calibrated:
        figures["limiting_magnitude"] = depth
    is_reference = observation.role == Role.REFERENCE
    reasons = tuple(shortcomings(figures, parameters, is_reference=is_reference))
    return Appraisal(examined, astrometry, zero_point, calibration, refusals, reasons, depth)


def _placed(
    observation: Observation, examined: Examined, parameters: PreprocessParameters
) -> tuple[Examined, dict[str, Any]]:
    """Check the WCS against the survey's star catalogue; take the better one, and say how good.

    Raises
    ------
    BadImage
        If the catalogue contradicts the WCS, and any fit.
    """
    path, frame = observation.survey.star_catalog_path, examined.frame
    if not path or not frame.wcs.has_celestial:
        return examined, {}
    spots = Spots(positions(examined.stars), examined.stars["position_error"])
    place = frame.wcs, frame.shape, catalog_of(path), observation.mjd_utc
    try:
        found = check_astrometry(spots, *place, parameters)
    except WrongPlace as error:
        raise BadImage(f"{observation}: {error}") from error
    except ValueError as error:
        return examined, {"not_checked": str(error)}
    return replace(examined, frame=replace(frame, wcs=found.wcs)), found.facts()


def _from_stars(
    observation: Observation, examined: Examined, parameters: PreprocessParameters
) -> tuple[Calibration | None, tuple[str, ...]]:
    """Give the fit to the survey's star catalogue, or why there is none."""
    path = observation.survey.star_catalog_path
    if not path:
        return None, ()
    if not examined.frame.wcs.has_celestial:
        return None, ("the frame has no WCS of its own to find catalogue stars with",)
    try:
        calibration = from_catalog(
            examined.frame,
            examined.stars,
            examined.growth,
            catalog_of(path),
            filter_band=observation.filter_band,
            mjd=observation.mjd_utc,
            min_stars=parameters.min_zero_point_stars,
        )
    except ValueError as error:
        return None, (str(error),)
    return calibration, ()


@lru_cache(maxsize=4)
def catalog_of(path: str) -> StarCatalog:
    """Read a stored star catalogue; its path is its hash, so it never changes."""
    return read_star_catalog(store.get(path), path.rpartition("/")[2][:12])


def _from_file(observation: Observation, raw: Frame) -> tuple[ZeroPoint, tuple[str, ...]]:
    """Give the header's zero point, else the instrumental one and why."""
    exposure, band = observation.exposure_time, band_name(observation.filter_band)
    try:
        stated = from_header(raw.header, exposure_s=exposure, band=band)
    except ValueError as error:
        return instrumental(exposure, band), (str(error),)
    if stated is None:
        return instrumental(exposure, band), ("the header states no zero point",)
    return stated, ()


def zero_point_of(run: PreprocessRun) -> ZeroPoint | None:
    """Give the zero point that a run has measured; None of one made before they were kept."""
    if run.zero_point is None:
        return None
    return ZeroPoint(
        run.zero_point,
        run.zero_point_error,
        ZeroPointSource(run.zero_point_source),
        System(run.photometric_system),
        band_name(run.observation.filter_band),
    )
