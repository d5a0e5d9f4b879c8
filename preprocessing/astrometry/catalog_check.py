"""Check where a frame's WCS puts its stars against a catalogue, and better it where it is off."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np
from astropy.wcs import WCS

from preprocessing.astrometry.catalog_pairs import Spots, pair_with_catalog, stars_near
from preprocessing.astrometry.footprint import pixel_scale_arcsec, within
from preprocessing.astrometry.matching import Floats, terms_of
from preprocessing.astrometry.register import positions, stars_of
from preprocessing.astrometry.sip_fit import as_sip, fit_sky, icrs
from preprocessing.astrometry.transform import Shape, sky_to_pixel
from preprocessing.calibrated import CalibratedFrame
from preprocessing.parameters import PreprocessParameters
from preprocessing.photometry.star_catalog import StarCatalog


class WrongPlace(ValueError):
    """The catalogue's stars were found on the frame, and are not where any WCS puts them."""


@dataclass(frozen=True)
class Residuals:
    """Rms of stars about a solution, arcsec, along right ascension (times cos dec) and dec."""

    ra_arcsec: float
    dec_arcsec: float

    @property
    def rms_arcsec(self) -> float:
        """Rms per axis, both axes together."""
        return float(np.hypot(self.ra_arcsec, self.dec_arcsec) / np.sqrt(2))


@dataclass(frozen=True, eq=False)
class Astrometry:
    """What a catalogue says about a WCS.

    Attributes
    ----------
    wcs : astropy.wcs.WCS
        The better solution: the frame's own, or the fit.
    is_refined : bool
        The fit is better, and was taken.
    order : int
        Order of the polynomial that was added; -1 for none.
    n_stars : int
        Stars that both residuals rest on.
    n_known, n_found : int
        Catalogue stars on the frame, and stars that the frame shows.
    before, after : Residuals
        Of the frame's own WCS, and of the solution taken. ``after`` allows for the coefficients
        that were fitted: the sum of squares is divided by the degrees of freedom.
    held_out : Residuals
        Of the solution taken, each star predicted from the others.
    expected : Residuals
        What the stars' own errors (centroid, catalogue, proper motion) explain.
    """

    wcs: WCS = field(repr=False)
    is_refined: bool
    order: int
    n_stars: int
    n_known: int
    n_found: int
    before: Residuals
    after: Residuals
    held_out: Residuals
    expected: Residuals

    def facts(self) -> dict[str, Any]:
        """Give everything but the WCS as plain JSON values."""
        shown = [each.name for each in fields(self) if each.name != "wcs"]
        values = {name: getattr(self, name) for name in shown}
        return {
            name: asdict(value) if isinstance(value, Residuals) else value
            for name, value in values.items()
        }


def spots_of(frame: CalibratedFrame, parameters: PreprocessParameters) -> Spots:
    """Give the stars of a frame."""
    stars = stars_of(frame, parameters)
    return Spots(positions(stars), stars["position_error"])


def check_astrometry(
    spots: Spots,
    wcs: WCS,
    shape: Shape,
    catalog: StarCatalog,
    mjd: float,
    parameters: PreprocessParameters,
) -> Astrometry:
    """Compare a WCS with a catalogue, and fit a better one if the stars ask for it.

    Parameters
    ----------
    spots : Spots
        The stars of the frame.
    wcs : astropy.wcs.WCS
        Celestial, of any projection; off by up to ``parameters.catalog_search_px``.
    shape : (int, int)
        Rows and columns of the frame.
    catalog : StarCatalog
    mjd : float
        Date of the exposure, for proper motions.
    parameters : PreprocessParameters

    Raises
    ------
    ValueError
        If the catalogue does not cover the frame, its stars are not those of the frame, or the
        better solution still leaves more than ``parameters.max_residual_px``.
    """
    start = as_sip(wcs, shape)
    scale = pixel_scale_arcsec(start, shape)
    around, known_error = stars_near(catalog, start, shape, mjd, parameters.catalog_search_px)
    known, found = pair_with_catalog(around, known_error / scale, spots, start, shape, parameters)
    pixels, sky = spots.pixels[found], around[known]
    error = np.hypot(spots.error[found], known_error[known] / scale)
    fit = fit_sky(pixels, sky, error, start, shape)
    before, held_out = rms_of(sky_residuals(wcs, pixels, sky)[fit.kept]), rms_of(fit.held_out)
    is_refined = fit.order >= 0 and held_out.rms_arcsec < before.rms_arcsec
    fitted = rms_of(sky_residuals(fit.wcs, pixels, sky)[fit.kept], terms_of(fit.order))
    result = Astrometry(
        wcs=fit.wcs if is_refined else wcs,
        is_refined=is_refined,
        order=fit.order if is_refined else -1,
        n_stars=int(fit.kept.sum()),
        n_known=int(within(sky_to_pixel(start, shape, around), shape, 0.0).sum()),
        n_found=len(spots.pixels),
        before=before,
        after=fitted if is_refined else before,
        held_out=held_out if is_refined else before,
        expected=rms_of(scale * np.column_stack([error, error])[fit.kept]),
    )
    check_result(result, scale, parameters)
    return result


def sky_residuals(wcs: WCS, pixels: Floats, sky: Floats) -> Floats:
    """Give where a solution puts stars minus where they are, arcsec east and north, (n, 2)."""
    left = icrs(wcs, pixels) - sky
    left[:, 0] = ((left[:, 0] + 180) % 360 - 180) * np.cos(np.radians(sky[:, 1]))
    return np.asarray(left * 3600)


def rms_of(values: Floats, n_coefficients: int = 0) -> Residuals:
    """Give the rms of each column, over the degrees of freedom."""
    east, north = np.sqrt((values**2).sum(axis=0) / max(1, len(values) - n_coefficients))
    return Residuals(float(east), float(north))


def check_result(found: Astrometry, scale: float, parameters: PreprocessParameters) -> None:
    """Refuse a solution that the catalogue contradicts."""
    limit = parameters.max_residual_px * scale
    if found.after.rms_arcsec > limit:
        raise WrongPlace(
            f"the WCS is off the catalogue by {found.before.rms_arcsec:.3g} arcsec rms per axis "
            f"over {found.n_stars} stars, by {found.after.rms_arcsec:.3g} after a fit; at most "
            f"{limit:.3g} ({parameters.max_residual_px:g} px) is allowed: solve the frame again"
        )
