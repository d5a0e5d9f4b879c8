"""Find the stars of a catalogue on a frame whose WCS is more or less right."""

import logging
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from astropy.coordinates import angular_separation
from astropy.wcs import WCS

from preprocessing.astrometry.asterisms import recognise
from preprocessing.astrometry.footprint import circle, pixel_scale_arcsec, within
from preprocessing.astrometry.matching import Floats
from preprocessing.astrometry.sip_fit import HIGHEST_ORDER, STARS_PER_TERM, scaled
from preprocessing.astrometry.transform import Shape, sky_to_pixel
from preprocessing.astrometry.triangles import Indices
from preprocessing.astrometry.voting import vote_shift
from preprocessing.parameters import PreprocessParameters
from preprocessing.photometry.star_catalog import StarCatalog
from preprocessing.raw.pairing import Pairing, StarLists, pair_stars

logger = logging.getLogger(__name__)

# Pixels of the frame per pixel of its WCS, where that is no more than a guess.
LIKELY_SCALES = (0.8, 1.25)
# A narrow search meets fewer strangers, a wide one follows a distortion further: both are tried.
NARROW_PX = 12.0
NO_SHIFT = np.zeros(2)


@dataclass(frozen=True, eq=False)
class Spots:
    """Stars as a frame shows them: (n, 2) pixels x, y, brightest first, and errors px per axis."""

    pixels: Floats
    error: Floats


def stars_near(
    catalog: StarCatalog, wcs: WCS, shape: Shape, mjd: float, margin: float
) -> tuple[Floats, Floats]:
    """Give the catalogue's stars on a frame widened by ``margin`` px, brightest first.

    Degrees (n, 2), and errors in arcsec, zero where the catalogue does not say them.
    """
    ra, dec = catalog.at(mjd)
    centre, reach = circle(wcs, shape)
    places = np.radians([ra, dec])
    apart = np.degrees(angular_separation(*places, *np.radians(centre)))
    reach += margin * pixel_scale_arcsec(wcs, shape) / 3600
    near = np.flatnonzero(apart < reach)
    if near.size == 0:
        raise ValueError(
            f"star catalogue {catalog.name} has no star within {reach:.3g} deg of the frame's "
            f"centre, RA {centre[0]:.4f} Dec {centre[1]:+.4f} (the nearest is {apart.min():.3g} "
            "deg away): give a catalogue of this field"
        )
    places = sky_to_pixel(wcs, shape, np.column_stack([ra[near], dec[near]]))
    near = near[within(places, shape, margin)]
    near = near[np.argsort(brightness(catalog)[near], kind="stable")]
    return np.column_stack([ra[near], dec[near]]), np.nan_to_num(catalog.position_error[near])


def brightness(catalog: StarCatalog) -> Floats:
    """Give magnitudes in the band that most stars have; they only put stars in order."""
    values = [of.value for of in catalog.bands.values()]
    return max(values, key=lambda value: int(np.isfinite(value).sum()), default=catalog.ra * 0)


def pair_with_catalog(
    sky: Floats,
    error: Floats,
    spots: Spots,
    start: WCS,
    shape: Shape,
    parameters: PreprocessParameters,
) -> tuple[Indices, Indices]:
    """Pair the stars of catalogue and frame, from every start; the likeliest pairing counts."""
    expected = sky_to_pixel(start, shape, sky)
    lists = StarLists(
        expected,
        *scaled(expected, shape),
        error,
        spots.pixels,
        spots.error,
        highest=HIGHEST_ORDER,
        stars_per_term=STARS_PER_TERM,
    )
    starts = [replace(lists, expected=rough) for rough in rough_places(expected, spots, parameters)]
    kept = (pairing := likeliest(starts, parameters)).smooth.kept
    return pairing.first[kept], pairing.second[kept]


def likeliest(starts: list[StarLists], parameters: PreprocessParameters) -> Pairing:
    """Pair the stars from every start, narrowly and widely; give what is least due to chance."""
    widest, least = parameters.catalog_search_px, parameters.min_stars
    trials: list[Pairing] = []
    refusals: list[ValueError] = []
    for lists, reach in product(starts, (min(NARROW_PX, widest), widest)):
        try:
            trials.append(pair_stars(lists, shift=NO_SHIFT, widest=reach, least=least))
        except ValueError as error:
            refusals.append(error)
    if not trials:
        raise refusals[0]
    return max(trials, key=lambda trial: trial.gain(widest))


def rough_places(expected: Floats, spots: Spots, parameters: PreprocessParameters) -> list[Floats]:
    """Move expected pixels to where the stars are: by shifts, or by patterns if none will do."""
    least = parameters.min_stars
    try:
        ballots = vote_shift(expected, spots.pixels, parameters.catalog_search_px, least)
    except ValueError as error:
        logger.info("no shift brings catalogue and frame together, trying patterns: %s", error)
    else:
        return [expected + ballot.shift for ballot in ballots]
    same = recognise(expected, spots.pixels, least=least, scales=LIKELY_SCALES)
    return [same.similarity(expected)]
