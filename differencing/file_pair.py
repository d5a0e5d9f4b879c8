"""Two files made ready to be subtracted from each other, without a database."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from astrid.core.threads import in_threads
from differencing import doubts, origin
from observations.fits import ReadOptions
from observations.fits_header import UNKNOWN_FILTER
from preprocessing.astrometry.register import Grid
from preprocessing.calibrated import CalibratedFrame
from preprocessing.exposure import Exposure, read_exposure
from preprocessing.parameters import PreprocessParameters
from preprocessing.photometry.bands import band_name, usual_system
from preprocessing.photometry.header_zero_point import from_header
from preprocessing.photometry.magnitudes import System, ZeroPoint, ZeroPointSource, instrumental
from preprocessing.photometry.star_catalog import read_star_catalog
from preprocessing.photometry.zero_point import from_catalog
from preprocessing.prepare import onto_grid
from preprocessing.quality.figures import Examined, examine
from preprocessing.quality.limits import shortcomings, unchecked


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What the user wants of two files, and knows of them besides.

    Attributes
    ----------
    reading : ReadOptions
    exposure_s : float or None
        Exposure time that was stated.
    zero_point : float or None
        Magnitude of 1 ADU in the science exposure.
    star_catalog : Path or None
        Known stars that give the zero point.
    any_filter, accept_quality : bool
        Whether frames of two filters, and poor ones, are subtracted all the same.
    threads : int
    """

    reading: ReadOptions
    exposure_s: float | None
    zero_point: float | None
    star_catalog: Path | None
    any_filter: bool
    accept_quality: bool
    threads: int


@dataclass(frozen=True)
class Prepared:
    """A file as it was read, the frame made of it, why it is too poor, what was not checked."""

    exposure: Exposure
    examined: Examined
    shortcomings: tuple[str, ...]
    unchecked: tuple[str, ...]


@dataclass(frozen=True)
class Pair:
    """Both frames on the grid of the reference, and what is to be said about them."""

    science: CalibratedFrame
    reference: CalibratedFrame
    shortcomings: tuple[str, ...]
    unchecked: tuple[str, ...]
    assumed: tuple[str, ...]
    registration: Mapping[str, Any]
    origin: Mapping[str, Any]


def read_pair(files: tuple[Path, Path], wishes: Wishes) -> Pair:
    """Give both frames, calibrated, the science frame on the grid of the reference.

    Parameters
    ----------
    files : pair of Path
        Science and reference.
    wishes : Wishes

    Raises
    ------
    BadImage, ValueError
        If a file cannot be read, calibrated or registered, or would give a bad difference.
    """
    preparing = PreprocessParameters()
    science, reference = in_threads(
        lambda path: prepared(path, wishes.reading, preparing), files, threads=wishes.threads
    )
    poor = science.shortcomings + reference.shortcomings
    check(science.exposure, reference.exposure, poor, wishes)
    known = replace(science.examined.frame, zero_point=zero_point(science, wishes, preparing))
    theirs = reference.examined
    grid = Grid(theirs.frame.wcs, theirs.frame.shape, theirs.stars)
    moved, registration = onto_grid(known, grid, preparing, stars=science.examined.stars)
    frames = science.exposure, reference.exposure
    assumed = doubts.assumptions(frames, exposure_s=wishes.exposure_s)
    cards = origin.of_frames(*frames, unknown=UNKNOWN_FILTER, exposure_s=wishes.exposure_s)
    return Pair(
        science=moved,
        reference=theirs.frame,
        shortcomings=poor,
        unchecked=science.unchecked + reference.unchecked,
        assumed=tuple(assumed),
        registration=registration.facts(),
        origin=cards,
    )


def check(science: Exposure, reference: Exposure, poor: tuple[str, ...], wishes: Wishes) -> None:
    """Refuse what would give a bad difference, unless it is wanted all the same."""
    if not wishes.any_filter:
        doubts.check_filters(science, reference)
    if not wishes.accept_quality:
        doubts.refuse_quality(poor)


def prepared(path: Path, reading: ReadOptions, parameters: PreprocessParameters) -> Prepared:
    """Read, calibrate and examine one file."""
    try:
        exposure = read_exposure(path, reading, parameters)
        examined = examine(exposure.frame, parameters)
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from error
    figures = examined.quality.figures()
    poor, doubtful = (
        tuple(f"{path.name}: {sentence}" for sentence in sentences)
        for sentences in (
            shortcomings(figures, parameters, is_reference=False),
            unchecked(figures),
        )
    )
    return Prepared(exposure, examined, poor, doubtful)


def zero_point(science: Prepared, wishes: Wishes, parameters: PreprocessParameters) -> ZeroPoint:
    """Give the zero point that is named, that of known stars, the header's or none of these."""
    exposure, found = science.exposure, science.examined
    band = band_name(exposure.filter_band)
    if wishes.zero_point is not None:
        system = System(usual_system(band))
        return ZeroPoint(wishes.zero_point, None, ZeroPointSource.GIVEN, system, band)
    if wishes.star_catalog is not None:
        return from_catalog(
            found.frame,
            found.stars,
            found.growth,
            read_star_catalog(wishes.star_catalog),
            filter_band=exposure.filter_band,
            mjd=exposure.mjd,
            min_stars=parameters.min_zero_point_stars,
        ).zero_point
    if found.frame.zero_point is not None:
        return found.frame.zero_point
    stated = from_header(exposure.header, exposure_s=exposure.exposure_s, band=band)
    return stated or instrumental(exposure.exposure_s, band)
