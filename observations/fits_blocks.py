"""The blocks of a FITS file: every header and where its data lie, checked before use.

astropy fills what a truncated file lacks with zeros and reports oddities as warnings; a
survey must not ingest either, so the structure is checked here, on the bytes themselves.

Reference: FITS Standard 4.0 (2018), sections 3, 4.4 and appendix J.
"""

import gzip
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from astropy.io import fits
from astropy.io.fits.verify import VerifyError, VerifyWarning
from astropy.utils.exceptions import AstropyUserWarning
from astropy.wcs import FITSFixedWarning

from astrid.core.errors import BadImage, Unstated

BLOCK = 2880
FIRST_CARD = b"SIMPLE  ="
GZIP_MAGIC = b"\x1f\x8b"
BITPIX_ALLOWED = (8, 16, 32, 64, -32, -64)
MAX_AXES = 999


@contextmanager
def quiet_astropy() -> Iterator[None]:
    """Silence what astropy says about headers that break a rule but can be understood.

    These are: cards fixed or not verifiable, bytes that are not ASCII, padding of the wrong
    kind, and deprecated WCS keywords. What matters of them is checked by our own code.
    """
    with warnings.catch_warnings():
        for category in (VerifyWarning, AstropyUserWarning, FITSFixedWarning):
            warnings.simplefilter("ignore", category)
        yield


@dataclass(frozen=True)
class Hdu:
    """One header-data unit: its parsed header and its place in the file (bytes)."""

    file: str
    index: int
    header: fits.Header
    start: int
    data_start: int
    data_size: int

    def refuse(self, keyword: str, reason: str, advice: str) -> BadImage:
        """Say in one sentence what is wrong with this unit and what to do about it."""
        return refuse(self.file, self.index, keyword, reason, advice)

    def unstated(self, keyword: str, reason: str, topic: str) -> Unstated:
        """Say what is wrong with this unit where it helps to state ``topic``."""
        return Unstated(f"{self.file}, HDU {self.index}, {keyword}: {reason}", topic)

    @property
    def end(self) -> int:
        """Where the next unit starts: data fill whole blocks."""
        return self.data_start + -(-self.data_size // BLOCK) * BLOCK

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the data array, slowest axis first; () when there is none."""
        naxis = integer(self, "NAXIS")
        return tuple(integer(self, f"NAXIS{axis}") for axis in range(naxis, 0, -1))

    @property
    def is_compressed_image(self) -> bool:
        """Whether this table holds a tile-compressed image (fpack)."""
        return card(self.header, "ZIMAGE") is True

    @property
    def is_image(self) -> bool:
        """Whether the unit holds pixels, plain or compressed."""
        if self.is_compressed_image:
            return True
        kind = card(self.header, "XTENSION") if self.index else "IMAGE"
        return str(kind).strip() in ("IMAGE", "IUEIMAGE") and 0 not in (*self.shape, self.data_size)

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Shape of the pixels, of a compressed image the shape it had before."""
        if not self.is_compressed_image:
            return self.shape
        naxis = integer(self, "ZNAXIS")
        return tuple(integer(self, f"ZNAXIS{axis}") for axis in range(naxis, 0, -1))


def refuse(file: str, index: int, keyword: str, reason: str, advice: str) -> BadImage:
    """Word a refusal: file, HDU and keyword, what is wrong, what to do."""
    return BadImage(f"{file}, HDU {index}, {keyword}: {reason}; {advice}.")


def integer(hdu: Hdu, keyword: str) -> int:
    """Value of a structural keyword, which must be an integer of 0 or more."""
    value = card(hdu.header, keyword)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise hdu.refuse(keyword, f"is {value!r}, no count", "repair the header")
    return value


def card(header: fits.Header, keyword: str) -> object:
    """Value of a keyword; None when it is absent, undefined or not readable."""
    try:
        with quiet_astropy():
            value = header.get(keyword)
    except (VerifyError, ValueError):
        return None
    return None if isinstance(value, fits.card.Undefined) else value


def split(data: bytes, file: str) -> list[Hdu]:
    """Find every header-data unit of a FITS file.

    Raises
    ------
    BadImage
        When ``data`` are no FITS file, end before the last unit does, or hold a header that
        does not end or does not state a size.
    """
    if not data:
        raise refuse(file, 0, "SIMPLE", "is missing, the file is empty", "fetch it again")
    if not data.startswith(FIRST_CARD):
        raise refuse(
            file, 0, "SIMPLE", "does not begin the file, so it is not a FITS file", "leave it out"
        )
    hdus: list[Hdu] = []
    position = 0
    # Bytes after the last unit that start no extension are "special records": not ours to read.
    while position == 0 or data.startswith(b"XTENSION", position):
        hdu = parse(data, file, len(hdus), position)
        hdus.append(hdu)
        if hdu.data_start + hdu.data_size > len(data):
            there = max(len(data) - hdu.data_start, 0)
            raise hdu.refuse(
                "NAXIS",
                f"declares {hdu.data_size} bytes of data but the file holds {there}",
                "the file is truncated, fetch it again",
            )
        position = hdu.end
    return hdus


def parse(data: bytes, file: str, index: int, start: int) -> Hdu:
    """Read the header that starts at ``start`` and work out where its data lie."""
    stream = BytesIO(data)
    stream.seek(start)
    try:
        with quiet_astropy():
            header = fits.Header.fromfile(stream)
    except (OSError, EOFError, VerifyError, ValueError) as error:
        raise refuse(
            file, index, "END", "is missing from the header", "the file is truncated or corrupt"
        ) from error
    bare = Hdu(file, index, header, start, stream.tell(), 0)
    return Hdu(file, index, header, start, bare.data_start, data_size(bare))


def data_size(hdu: Hdu) -> int:
    """Bytes of data that the header declares (FITS Standard 4.0, eq. 1 and 2)."""
    bitpix = card(hdu.header, "BITPIX")
    if bitpix not in BITPIX_ALLOWED or isinstance(bitpix, bool):
        raise hdu.refuse("BITPIX", f"is {bitpix!r}", f"it must be one of {BITPIX_ALLOWED}")
    if integer(hdu, "NAXIS") > MAX_AXES:
        raise hdu.refuse("NAXIS", f"is above {MAX_AXES}", "repair the header")
    shape = hdu.shape
    if is_random_groups(hdu):
        shape = shape[:-1]
    elif not shape:
        return 0
    count = int(np.prod(shape, dtype=object)) if shape else 1
    parameters = integer(hdu, "PCOUNT") if "PCOUNT" in hdu.header else 0
    groups = integer(hdu, "GCOUNT") if "GCOUNT" in hdu.header else 1
    return abs(int(str(bitpix))) // 8 * groups * (parameters + count)


def is_random_groups(hdu: Hdu) -> bool:
    """Whether the primary unit holds random groups (visibilities) instead of an image."""
    first_axis = card(hdu.header, "NAXIS1") if hdu.shape else None
    return card(hdu.header, "GROUPS") is True and first_axis == 0


def decompressed(data: bytes, file: str) -> bytes:
    """Undo gzip when the file as a whole is gzipped."""
    if not data.startswith(GZIP_MAGIC):
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise refuse(
            file, 0, "SIMPLE", f"cannot be reached: gzip says {error}", "fetch the file again"
        ) from error


def verify_checksums(hdu: Hdu, data: bytes) -> None:
    """Hold a unit against its DATASUM and CHECKSUM, where it has them.

    Raises
    ------
    Unstated
        When either does not match.
    """
    content = data[hdu.data_start : hdu.end]
    declared = card(hdu.header, "DATASUM")
    found = ones_complement_sum(content)
    if declared is not None and str(declared).strip() != str(found):
        reason = f"is {declared!s:.20} but the data sum to {found}"
        raise hdu.unstated("DATASUM", reason, "checksums")
    if card(hdu.header, "CHECKSUM") in (None, ""):
        return
    if ones_complement_sum(data[hdu.start : hdu.end]) not in (0, ALL_ONES):
        raise hdu.unstated("CHECKSUM", "does not match the header and data", "checksums")


def is_intact(hdu: Hdu, data: bytes) -> bool:
    """Whether a unit has both checksums and they match."""
    if card(hdu.header, "DATASUM") is None or card(hdu.header, "CHECKSUM") in (None, ""):
        return False
    return ones_complement_sum(data[hdu.start : hdu.end]) in (0, ALL_ONES)


ALL_ONES = 0xFFFFFFFF


def ones_complement_sum(content: bytes) -> int:
    """32-bit ones' complement sum of big-endian words (FITS Standard 4.0, appendix J)."""
    padded = content + bytes(-len(content) % 4)
    total = int(np.frombuffer(padded, ">u4").sum(dtype=np.uint64))
    while total > ALL_ONES:
        total = (total & ALL_ONES) + (total >> 32)
    return total
