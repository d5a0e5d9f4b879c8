"""Read a raw exposure as the camera wrote it: every amplifier, with its sections and its detector.

Other than :func:`observations.fits.read_frame` it needs no WCS, gain or saturation: bias, dark
and flat frames have none, and of lights they may have to be measured first.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from astropy.io import fits
from astropy.wcs import WCS

from astrid.core.errors import BadImage
from observations.advice import advising
from observations.fits import NOTHING_ASSUMED, ReadOptions, Source, contents, merged
from observations.fits_blocks import Hdu, card, decompressed, split, verify_checksums
from observations.fits_header import KEYWORDS, Cards, filter_band, number_of
from observations.fits_image import (
    FloatImage,
    check_pixels,
    is_companion,
    is_flat,
    named_image,
    no_image,
    read_pixels,
)
from observations.fits_site import text_of
from observations.fits_time import observed_at
from observations.fits_wcs import celestial_wcs
from observations.frame_kind import FrameKind, kind_of
from observations.sections import Section

TEMPERATURE_KEYWORDS = ("CCD-TEMP", "CCDTEMP", "DET-TEMP", "DETTEMP", "SET-TEMP")
BINNING_KEYWORDS = (("XBINNING", "YBINNING"), ("CCDXBIN", "CCDYBIN"), ("BINX", "BINY"))
# Two to four amplifiers whose pixels lie side by side in one image: DATASECA, BIASSECB, ...
AMPLIFIERS = "ABCD"
SECTIONS = ("DATASEC", "TRIMSEC", "BIASSEC", "DETSEC", "CCDSEC")


@dataclass(frozen=True, eq=False)
class Amplifier:
    """What one amplifier read out.

    Attributes
    ----------
    name : str
        HDU and letter, for messages.
    pixels : (ny, nx) float32 array
        ADU, overscan and all; amplifiers of one image share it.
    data : Section
        The pixels that saw light.
    overscan : Section or None
        The pixels that saw none.
    place : Section or None
        Where ``data`` lie on the detector, in unbinned pixels.
    gain, read_noise : float or None
        e-/ADU and e-, where the header states them.
    """

    name: str
    pixels: FloatImage
    data: Section
    overscan: Section | None = None
    place: Section | None = None
    gain: float | None = None
    read_noise: float | None = None


@dataclass(frozen=True, eq=False)
class RawFrame:
    """A raw exposure.

    ``filter_band``, ``temperature_c``, ``gain``, ``read_noise`` and ``saturation`` (ADU) are None
    where neither header nor rule file states them. ``temperature_c`` is as the header has it.
    ``wcs`` is that of a light's first image, overscan and all; None where it has no CTYPE.
    """

    name: str
    kind: FrameKind
    instrument: str
    filter_band: str | None
    exposure_s: float
    temperature_c: float | None
    binning: tuple[int, int]
    observed_at: datetime
    gain: float | None
    read_noise: float | None
    saturation: float | None
    amplifiers: tuple[Amplifier, ...]
    header: fits.Header
    wcs: WCS | None


def read_raw(
    source: Source,
    *,
    options: ReadOptions | None = None,
    name: str | None = None,
    kind: FrameKind | None = None,
) -> RawFrame:
    """Read all images of a raw FITS file that are not masks or weights.

    Parameters
    ----------
    source, options, name
        As for :func:`observations.fits.read_frame`; ``options.hdu`` chooses one image of several.
    kind : FrameKind, optional
        What the frame shows, where it is known better than from its header.

    Raises
    ------
    BadImage
        In one sentence with file, HDU and keyword.
    OSError
        When the file itself cannot be opened.
    """
    options = options or ReadOptions(NOTHING_ASSUMED)
    with advising(options.advice):
        return raw_frame_of(*contents(source, name), options, kind)


def raw_frame_of(data: bytes, file: str, options: ReadOptions, kind: FrameKind | None) -> RawFrame:
    """Read every image among the bytes of a raw file."""
    data = decompressed(data, file)
    hdus = split(data, file)
    primary = hdus[0].header
    found: list[tuple[Cards, list[Amplifier]]] = []
    for hdu in raw_images(hdus, options.hdu):
        if options.verify_checksums:
            verify_checksums(hdu, data)
        values, header = read_pixels(hdu, data)
        cards = Cards(hdu, merged(header, primary), options.keywords)
        found.append((cards, list(amplifiers_of(cards, check_pixels(hdu, values)))))
    amplifiers = tuple(each for _, several in found for each in several)
    first = found[0][0]
    return describe_raw(first, amplifiers, options, kind or kind_of(first.header))


def raw_images(hdus: list[Hdu], wanted: int | None) -> list[Hdu]:
    """Choose the units that hold raw pixels."""
    if wanted is not None:
        return [named_image(hdus, wanted)]
    images = [hdu for hdu in hdus if hdu.is_image and is_flat(hdu.image_shape)]
    frames = [hdu for hdu in images if not is_companion(hdu)] or images
    if not frames:
        raise no_image(hdus)
    return frames


def amplifiers_of(cards: Cards, pixels: FloatImage) -> Iterator[Amplifier]:
    """Give the amplifiers that one image was read through."""
    letters = [a for a in AMPLIFIERS if card(cards.header, f"DATASEC{a}") is not None]
    for letter in letters or [""]:
        sections = {name: section_of(cards, f"{name}{letter}", pixels) for name in SECTIONS}
        yield Amplifier(
            name=f"HDU {cards.hdu.index}{f' amplifier {letter}' if letter else ''}",
            pixels=pixels,
            data=sections["TRIMSEC"] or sections["DATASEC"] or Section.whole(pixels.shape),
            overscan=sections["BIASSEC"],
            place=sections["DETSEC"] or sections["CCDSEC"],
            gain=stated(cards, "gain", letter),
            read_noise=stated(cards, "read_noise", letter),
        )


def section_of(cards: Cards, keyword: str, pixels: FloatImage) -> Section | None:
    """Read a section of the image or the detector; None where the header has none.

    Raises
    ------
    BadImage
        If it is no section, or leaves the image.
    """
    text = str(card(cards.header, keyword) or "").strip()
    if not text:
        return None
    try:
        section = Section.parse(text)
    except ValueError as error:
        raise cards.hdu.refuse(keyword, f"cannot be used: {error}", "repair the header") from error
    on_detector = keyword.startswith(("DETSEC", "CCDSEC"))
    if not on_detector and not section.within(pixels.shape):
        ny, nx = pixels.shape
        raise cards.hdu.refuse(
            keyword, f"is {text} but the image is [1:{nx},1:{ny}]", "repair the header"
        )
    return section


def stated(cards: Cards, quantity: str, letter: str = "") -> float | None:
    """Give a positive figure that the header states, of one amplifier where it has several."""
    names = cards.keywords(quantity)
    return cards.optional([f"{name}{letter}" for name in names])


def describe_raw(
    cards: Cards, amplifiers: tuple[Amplifier, ...], options: ReadOptions, kind: FrameKind
) -> RawFrame:
    """Put a raw frame together."""
    defaults = options.defaults
    return RawFrame(
        name=cards.hdu.file,
        kind=kind,
        instrument=text_of(cards, cards.keywords("instrument")) or defaults.instrument or "",
        filter_band=band_of(cards, kind, defaults.filter_band),
        exposure_s=exposure_of(cards, kind, defaults.exposure_s),
        temperature_c=temperature_of(cards),
        binning=binning_of(cards),
        observed_at=observed_at(cards, options.observed_at),
        gain=stated(cards, "gain") or defaults.gain,
        read_noise=stated(cards, "read_noise") or defaults.read_noise,
        saturation=stated(cards, "saturation") or defaults.saturation,
        amplifiers=amplifiers,
        header=cards.header,
        wcs=sky_of(cards, amplifiers[0].pixels.shape) if kind is FrameKind.LIGHT else None,
    )


def sky_of(cards: Cards, shape: tuple[int, ...]) -> WCS | None:
    """Give the WCS of a light; None where its header has none.

    Raises
    ------
    BadImage
        If it has one that cannot be used.
    """
    if not str(card(cards.header, "CTYPE1") or "").strip():
        return None
    return celestial_wcs(cards.hdu, cards.header, shape)


def band_of(cards: Cards, kind: FrameKind, default: str | None) -> str | None:
    """Name of the filter that a flat or a light was taken through."""
    if kind in (FrameKind.BIAS, FrameKind.DARK):
        return None
    if cards.first(cards.keywords("filter")) is None:
        return default
    return filter_band(cards, default)


def exposure_of(cards: Cards, kind: FrameKind, default: float | None) -> float:
    """Seconds; a bias has none, whatever its header says."""
    if kind is FrameKind.BIAS:
        return 0.0
    found = cards.first(KEYWORDS["exposure_s"])
    if found is not None and number_of(found[1]) == 0 and kind is FrameKind.DARK:
        return 0.0
    return cards.positive("exposure_s", default)


def temperature_of(cards: Cards) -> float | None:
    """Give the detector's temperature as the header has it."""
    found = cards.first(TEMPERATURE_KEYWORDS)
    return None if found is None else number_of(found[1])


def binning_of(cards: Cards) -> tuple[int, int]:
    """Give the pixels of the detector in one of the image, along x and y; (1, 1) where unsaid.

    Raises
    ------
    BadImage
        If the header's figures are none.
    """
    summed = str(card(cards.header, "CCDSUM") or "").split()
    for keywords in BINNING_KEYWORDS:
        if not summed and all(card(cards.header, keyword) is not None for keyword in keywords):
            summed = [str(card(cards.header, keyword)) for keyword in keywords]
    if not summed:
        return 1, 1
    numbers = [number_of(text) for text in summed]
    if len(numbers) != 2 or any(n is None or n < 1 or n % 1 for n in numbers):
        raise BadImage(
            f"{cards.hdu.file}, HDU {cards.hdu.index}: the binning is given as "
            f"{' '.join(summed)}, which are no two whole numbers; repair the header."
        )
    return int(numbers[0] or 1), int(numbers[1] or 1)
