"""One exposure from a file, ready for science: calibrated here, or a product that is already."""

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from astropy.io import fits

from observations.advice import advising
from observations.fits import ReadOptions, cards_of, contents, merged, read_frame
from observations.fits_blocks import Hdu, card, decompressed, split
from observations.fits_header import filter_band
from observations.fits_time import mjd_of, observed_at
from preprocessing.calibrated import PLANES, CalibratedFrame, from_fits
from preprocessing.parameters import PreprocessParameters
from preprocessing.prepare import calibrate


@dataclass(frozen=True, eq=False)
class Exposure:
    """A calibrated frame and what its file says besides.

    Attributes
    ----------
    name : str
        File name, for messages.
    frame : CalibratedFrame
    header : Header
        Cards of the image, those of the primary header behind them.
    exposure_s : float
    filter_band : str
    observed_at : datetime
        Start, UTC.
    """

    name: str
    frame: CalibratedFrame
    header: fits.Header
    exposure_s: float
    filter_band: str
    observed_at: datetime

    @property
    def mjd(self) -> float:
        """Start as a modified Julian date, UTC."""
        return mjd_of(self.observed_at)


def read_exposure(path: Path, reading: ReadOptions, parameters: PreprocessParameters) -> Exposure:
    """Read a file and calibrate it, unless it is a product whose noise and mask are known.

    A product has the extensions that :func:`preprocessing.calibrated.to_fits` writes; gain and
    saturation may be overridden, its read noise is in its noise map. ``reading.hdu`` asks for one
    image alone.

    Raises
    ------
    BadImage, ValueError
        If it cannot be read or calibrated, in one sentence.
    OSError
        When the file itself cannot be opened.
    """
    data, name = contents(path, None)
    with advising(reading.advice):
        units = split(data := decompressed(data, name), name)
        science = None if reading.hdu is not None else science_plane(units)
        if science is not None:
            return product_of(data, units[0], science, reading)
    raw = read_frame(data, options=reading, name=name)
    frame = calibrate(
        raw.pixels,
        wcs=raw.wcs,
        gain=raw.gain,
        read_noise=raw.read_noise,
        saturation=raw.saturation,
        parameters=parameters,
    )
    return Exposure(name, frame, raw.header, raw.exposure_s, raw.filter_band, raw.observed_at)


def science_plane(units: list[Hdu]) -> Hdu | None:
    """Give the unit with the pixels of a calibrated product; None where the file is none."""
    named = {str(card(unit.header, "EXTNAME")).strip().upper(): unit for unit in units}
    is_product = PLANES.keys() <= named.keys() and "SKYLEVEL" in named["SCI"].header
    return named["SCI"] if is_product else None


def product_of(data: bytes, primary: Hdu, science: Hdu, reading: ReadOptions) -> Exposure:
    """Take the planes of a product as they are, and what is stated of it."""
    frame = from_fits(data, verify_checksums=reading.verify_checksums)
    if reading.needs_wcs and not frame.wcs.has_celestial:
        raise science.refuse("CTYPE1", "names no axis of the sky", "solve its astrometry first")
    gain, saturation = reading.overrides.gain, reading.overrides.saturation
    if gain is not None:
        frame = replace(frame, gain=gain)
    if saturation is not None:
        frame = replace(frame, saturation=saturation - frame.sky_level)
    header = merged(science.header, primary.header)
    cards = cards_of(science, header, reading)
    return Exposure(
        name=science.file,
        frame=frame,
        header=header,
        exposure_s=cards.positive("exposure_s", reading.defaults.exposure_s),
        filter_band=filter_band(cards, reading.defaults.filter_band),
        observed_at=observed_at(cards, reading.observed_at),
    )
