"""Which unit of a FITS file holds the image, and its pixels in ADU."""

import struct
import zlib
from io import BytesIO

import numpy as np
import numpy.typing as npt
from astropy.io import fits
from astropy.io.fits.hdu.compressed._compression import CfitsioException
from astropy.io.fits.verify import VerifyError

from astrid.core.errors import BadImage, Unstated
from observations.fits_blocks import Hdu, card, is_intact, is_random_groups, quiet_astropy

FloatImage = npt.NDArray[np.float32]

# Extensions that accompany an image: masks, weights, errors. They are not frames of their own.
COMPANIONS = (
    "BPM", "DQ", "MASK", "MSK", "FLAGS", "WHT", "WEIGHT", "WTMAP", "IVAR", "VAR", "VARIANCE",
    "ERR", "ERROR", "SIGMA", "UNCERT", "RMS", "BKG", "BACKGROUND", "PSF", "CR", "SAT",
)  # fmt: skip
# What damaged compressed tiles make astropy's decompressor raise; the first is not public.
DECOMPRESSION_ERRORS = (
    CfitsioException,
    OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, RuntimeError, EOFError,
    NotImplementedError, OverflowError, MemoryError, zlib.error, struct.error, VerifyError,
)  # fmt: skip
# Its unpacker writes outside its buffers when the tiles are damaged (astropy 7).
FRAGILE = "HCOMPRESS_1"


def find_image(hdus: list[Hdu], wanted: int | None) -> Hdu:
    """Choose the unit that holds the image.

    Of several, masks and weights are left out, then those without celestial axes; if more
    than one is left, the survey has to say which.
    """
    if wanted is not None:
        return named_image(hdus, wanted)
    images = [hdu for hdu in hdus if hdu.is_image]
    if not images:
        raise no_image(hdus)
    flat = [hdu for hdu in images if is_flat(hdu.image_shape)]
    if not flat:
        shape = images[0].image_shape
        raise images[0].refuse(
            "NAXIS", f"makes an array of shape {shape}", "give a two-dimensional image"
        )
    frames = [hdu for hdu in flat if not is_companion(hdu)] or flat
    on_sky = [hdu for hdu in frames if has_celestial_axes(hdu)] or frames
    if len(on_sky) > 1:
        others = ", ".join(str(hdu.index) for hdu in on_sky)
        raise on_sky[0].unstated("XTENSION", f"is one of several images (HDUs {others})", "hdu")
    return on_sky[0]


def named_image(hdus: list[Hdu], index: int) -> Hdu:
    """Give the unit that is asked for."""
    file = hdus[0].file
    if not 0 <= index < len(hdus) or not hdus[index].is_image:
        raise Unstated(f"{file}, HDU {index}, NAXIS: is not that of an image", "hdu")
    if not is_flat(hdus[index].image_shape):
        shape = hdus[index].image_shape
        raise hdus[index].refuse("NAXIS", f"makes an array of shape {shape}", "choose another hdu")
    return hdus[index]


def no_image(hdus: list[Hdu]) -> BadImage:
    """Say what a file without an image holds instead."""
    if is_random_groups(hdus[0]):
        return hdus[0].refuse("GROUPS", "announces random groups, no image", "give an image")
    kinds = sorted({str(card(hdu.header, "XTENSION")).strip() for hdu in hdus[1:]})
    held = f"only {', '.join(kinds)} extensions" if kinds else "nothing but a header"
    return hdus[0].refuse(
        "NAXIS", f"declares no pixels and the file holds {held}", "give a file with an image"
    )


def is_flat(shape: tuple[int, ...]) -> bool:
    """Whether an array is two-dimensional but for axes of length one in front."""
    return len(shape) >= 2 and all(length == 1 for length in shape[:-2])


def is_companion(hdu: Hdu) -> bool:
    """Whether the unit's name says that it is a mask, a weight or the like."""
    return str(card(hdu.header, "EXTNAME") or "").strip().upper() in COMPANIONS


def has_celestial_axes(hdu: Hdu) -> bool:
    """Whether a CTYPE names a longitude or latitude."""
    types = (str(card(hdu.header, keyword) or "") for keyword in ("CTYPE1", "CTYPE2"))
    return any(kind[:2] in ("RA", "DE") or kind[1:4] in ("LON", "LAT") for kind in types)


def read_pixels(hdu: Hdu, data: bytes) -> tuple[npt.NDArray[np.generic], fits.Header]:
    """Give the stored values of an image, not scaled yet, and the header that describes them."""
    if hdu.is_compressed_image:
        return decompress(hdu, data)
    bitpix = int(str(card(hdu.header, "BITPIX")))
    kind = f">{'f' if bitpix < 0 else 'u' if bitpix == 8 else 'i'}{abs(bitpix) // 8}"
    shape = hdu.shape[-2:]
    values = np.frombuffer(data, kind, count=shape[0] * shape[1], offset=hdu.data_start)
    return values.reshape(shape), hdu.header


def decompress(hdu: Hdu, data: bytes) -> tuple[npt.NDArray[np.generic], fits.Header]:
    """Unpack a tile-compressed image."""
    if card(hdu.header, "ZCMPTYPE") == FRAGILE and not is_intact(hdu, data):
        raise hdu.refuse(
            "CHECKSUM",
            f"and DATASUM do not both vouch for these {FRAGILE} tiles, which must not be "
            "unpacked when damaged",
            "pack the frame again with checksums or with RICE_1",
        )
    try:
        with (
            np.errstate(all="ignore"),
            quiet_astropy(),
            fits.open(BytesIO(data), do_not_scale_image_data=True) as units,
        ):
            image = units[hdu.index]
            values, header = np.asarray(image.data), image.header.copy()
        return values.reshape(hdu.image_shape[-2:]), header
    except DECOMPRESSION_ERRORS as error:
        raise hdu.refuse(
            "ZCMPTYPE", f"tiles cannot be unpacked ({error})", "the file is corrupt, fetch it again"
        ) from error


def check_pixels(hdu: Hdu, raw: npt.NDArray[np.generic]) -> FloatImage:
    """Scale stored values to ADU and refuse an image that measures nothing."""
    pixels = scaled(hdu, raw)
    finite = pixels[np.isfinite(pixels)]
    if finite.size == 0:
        raise hdu.refuse("NAXIS", "all pixels are blank or NaN", "leave this frame out")
    if finite.min() == finite.max():
        raise hdu.refuse("NAXIS", f"all pixels are {finite[0]:g}", "leave this frame out")
    return pixels


def scaled(hdu: Hdu, raw: npt.NDArray[np.generic]) -> FloatImage:
    """BZERO + BSCALE x stored value as float32; blank and non-finite pixels become NaN."""
    scale, zero = (scaling(hdu, key, value) for key, value in (("BSCALE", 1.0), ("BZERO", 0.0)))
    with np.errstate(over="ignore", invalid="ignore"):
        values = raw.astype(np.float64)
        pixels = (values if (scale, zero) == (1, 0) else values * scale + zero).astype(np.float32)
    blank = card(hdu.header, "BLANK" if "BLANK" in hdu.header else "ZBLANK")
    if raw.dtype.kind in "iu" and isinstance(blank, int):
        pixels[raw == blank] = np.nan
    pixels[~np.isfinite(pixels)] = np.nan
    return pixels


def scaling(hdu: Hdu, keyword: str, absent: float) -> float:
    """Value of BSCALE or BZERO."""
    value = hdu.header.get(keyword, absent)
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise hdu.refuse(keyword, f"is {value!r}, no number", "repair the header")
    return float(value)
