"""What a raw frame shows, by its header: the sky, or one of the frames that calibrate it."""

from enum import StrEnum

from astropy.io import fits

from observations.fits_blocks import card, decompressed, split

# Where observatories write it; the first with words that are understood wins.
KIND_KEYWORDS = (
    *("IMAGETYP", "OBSTYPE", "FRAMETYP", "IMGTYPE", "OBS_TYPE", "EXPTYPE", "DATA-TYP"),
    *("HIERARCH ESO DPR TYPE", "FRAME", "OBSMODE"),
)


class FrameKind(StrEnum):
    """What a raw frame shows."""

    LIGHT = "light"
    BIAS = "bias"
    DARK = "dark"
    FLAT = "flat"


# In this order: a "dark flat" or "flat dark" is taken with the shutter closed, for flats. The
# words lie inside longer ones: "Bias Frame", "DOME FLAT", "skyflat", "FLAT,LAMP", "zero".
WORDS = (
    (FrameKind.DARK, ("dark",)),
    (FrameKind.BIAS, ("bias", "zero")),
    (FrameKind.FLAT, ("flat",)),
)


def kind_of(header: fits.Header) -> FrameKind:
    """Give the kind that a header states; a frame that states none of the others is a light."""
    for keyword in KIND_KEYWORDS:
        text = str(card(header, keyword) or "").lower()
        for kind, words in WORDS:
            if any(word in text for word in words):
                return kind
    return FrameKind.LIGHT


def kind_in(content: bytes, file: str) -> FrameKind:
    """Give the kind that a FITS file states, in any of its headers.

    Raises
    ------
    BadImage
        If this is no FITS file, or a truncated one.
    """
    hdus = split(decompressed(content, file), file)
    kinds = (kind_of(hdu.header) for hdu in hdus)
    return next((kind for kind in kinds if kind is not FrameKind.LIGHT), FrameKind.LIGHT)
