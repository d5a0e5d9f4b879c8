"""Cutouts that somebody sends: read without trust, or refused with the reason."""

import io
import math
import warnings
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from astropy.io import fits
from astropy.utils.exceptions import AstropyUserWarning
from numpy.typing import NDArray

from astrid.core.errors import BadImage

FloatArray = NDArray[np.floating]

MOST_BYTES = 16 * 2**20  # of a file as it is sent,
MOST_VALUES = 16 * 2**20  # and of numbers in it, however well they were packed
MOST_STAMPS = 256
SMALLEST_PX, LARGEST_PX = 15, 255
PLANES = (3, 4)  # science, reference, difference and, where known, S_corr
# Names under which the arrays of an npz are looked for, in this order.
PIXELS = ("triplets", "stamps", "cutouts", "x")
FACTS = ("fwhm", "sign", "history")


@dataclass(frozen=True)
class Cutouts:
    """Cutouts of candidates; the first axis counts them.

    Attributes
    ----------
    planes : (n, 3 or 4, size, size) float32 array
        NaN where there are no data.
    facts : dict of str to (n,) array
        What the file says beside the pixels: ``fwhm`` (px), ``sign``, ``history``.
    faults : list of str
        Why one cannot be judged, whatever its pixels are; empty where nothing is wrong.
    """

    planes: NDArray[np.float32]
    facts: dict[str, FloatArray]
    faults: list[str]

    def __len__(self) -> int:
        """Count them."""
        return len(self.planes)

    def good(self) -> "Cutouts":
        """Give those without a fault."""
        rows = np.flatnonzero([fault == "" for fault in self.faults])
        facts = {name: values[rows] for name, values in self.facts.items()}
        return Cutouts(self.planes[rows], facts, [""] * len(rows))


def read_all(files: Sequence[bytes]) -> list[Cutouts | str]:
    """Read several files; one that cannot be read costs only itself and is its reason instead.

    Together they hold no more than one alone may.
    """
    found: list[Cutouts | str] = []
    for content in files:
        try:
            one = read_cutouts(content)
            check_room([each for each in found if isinstance(each, Cutouts)], one)
            found.append(one)
        except BadImage as error:
            found.append(str(error))
    return found


def check_room(before: Sequence[Cutouts], one: Cutouts) -> None:
    """Refuse a file that makes too many cutouts, or too large ones, with those before it."""
    everything = [*before, one]
    stamps = sum(len(each) for each in everything)
    values = sum(each.planes.size for each in everything)
    if stamps > MOST_STAMPS or values > MOST_VALUES:
        raise BadImage(
            f"with the files before it {stamps} cutouts of {values} numbers: at most {MOST_STAMPS} "
            f"of {MOST_VALUES} are judged at a time"
        )


def read_cutouts(content: bytes) -> Cutouts:
    """Read cutouts from the bytes of an npz, npy or FITS file.

    An npz holds the pixels as ``triplets`` (or ``stamps``, ``cutouts``, ``x``); the planes lie on
    the axis before the pixels or on the last. A FITS file holds them as one cube or four-axes
    image, or as three or four images of one cutout.

    Raises
    ------
    BadImage
        If it is another kind of file, too large, pickled, or of another shape.
    """
    if len(content) > MOST_BYTES:
        raise BadImage(f"{len(content)} bytes: at most {MOST_BYTES} are read")
    if content.startswith(b"PK"):
        arrays = read_npz(content)
    elif content.startswith(b"\x93NUMPY"):
        arrays = {"pixels": read_npy(io.BytesIO(content), len(content))}
    elif content.startswith(b"SIMPLE"):
        arrays = {"pixels": read_fits(content)}
    else:
        raise BadImage("this is neither an npz, an npy nor a FITS file")
    planes = planes_first(arrays.pop("pixels"))
    facts = {name: one_each(name, v, len(planes)) for name, v in arrays.items()}
    columns = [[""] * len(planes), *map(flaws, facts, facts.values())]
    faults = ["; ".join(filter(None, row)) for row in zip(*columns, strict=True)]
    return Cutouts(planes, facts, faults)


def read_npz(content: bytes) -> dict[str, NDArray[Any]]:
    """Read the arrays that are known; what is packed is measured before it is unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            pixels = next((name for name in PIXELS if name in members), None)
            if pixels is None:
                raise BadImage(f"the npz holds {sorted(members)}, but none of {', '.join(PIXELS)}")
            wanted = {"pixels": pixels} | {name: name for name in FACTS if name in members}
            return {
                name: read_npy(archive.open(members[key]), members[key].file_size)
                for name, key in wanted.items()
            }
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise BadImage(f"the npz cannot be read ({error}): it is damaged or encrypted") from error


def read_npy(stream: BinaryIO | Any, length: int) -> NDArray[Any]:
    """Read one plain array; objects are refused, and so is a header that promises too much."""
    try:
        version = np.lib.format.read_magic(stream)
        read = {(1, 0): np.lib.format.read_array_header_1_0}.get(
            version, np.lib.format.read_array_header_2_0
        )
        shape, is_fortran, dtype = read(stream)
    except (ValueError, EOFError) as error:
        raise BadImage(f"an array cannot be read: {error}") from error
    if dtype.hasobject:
        raise BadImage("an array holds pickled objects, which are never opened: send plain numbers")
    if dtype.kind not in "fiu":
        raise BadImage(f"an array holds {dtype}: send numbers")
    count = math.prod(shape)
    if count > MOST_VALUES:
        raise BadImage(f"an array of {count} numbers {shape}: at most {MOST_VALUES} are read")
    if count * dtype.itemsize > length:
        raise BadImage(f"an array promises {count} numbers {shape}, but the file ends before")
    data = stream.read(count * dtype.itemsize)
    if len(data) < count * dtype.itemsize:
        raise BadImage(f"an array promises {count} numbers {shape}, but the file ends before")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if is_fortran else "C")


def read_fits(content: bytes) -> NDArray[Any]:
    """Read a cube, or the images of one cutout."""
    try:
        with warnings.catch_warnings(), fits.open(io.BytesIO(content), memmap=False) as units:
            # what astropy only warns of, such as a file that ends too early, is refused here
            warnings.simplefilter("error", AstropyUserWarning)
            images = [unit for unit in units if unit.is_image and unit.shape]
            count = sum(math.prod(unit.shape) for unit in images)
            if count > MOST_VALUES:
                raise BadImage(f"FITS images of {count} pixels: at most {MOST_VALUES} are read")
            found = [np.asarray(unit.data) for unit in images]
    except (OSError, ValueError, TypeError, KeyError, AstropyUserWarning) as error:
        raise BadImage(f"the FITS file cannot be read: {error}") from error
    if found and found[0].ndim > 2:
        return found[0]
    shapes = [image.shape for image in found]
    if len(found) not in PLANES or len(set(shapes)) != 1:
        raise BadImage(
            f"the FITS file holds images {shapes}: send one cube, or science, reference, "
            "difference and perhaps S_corr of one cutout"
        )
    return np.stack(found)


def planes_first(pixels: NDArray[Any]) -> NDArray[np.float32]:
    """Give pixels as (n, planes, size, size), or say what their shape should be."""
    cutouts = pixels[None] if pixels.ndim == 3 else pixels
    if cutouts.ndim == 4 and cutouts.shape[1] not in PLANES and cutouts.shape[3] in PLANES:
        cutouts = np.moveaxis(cutouts, 3, 1)
    if cutouts.ndim != 4 or cutouts.shape[1] not in PLANES or cutouts.shape[2] != cutouts.shape[3]:
        raise BadImage(
            f"cutouts have shape {pixels.shape}: (n, 3 or 4 planes, size, size) is wanted, "
            "science, reference, difference and perhaps S_corr"
        )
    n, _, size, _ = cutouts.shape
    if not 1 <= n <= MOST_STAMPS:
        raise BadImage(f"{n} cutouts: send 1 to {MOST_STAMPS} at a time")
    if not SMALLEST_PX <= size <= LARGEST_PX:
        raise BadImage(f"cutouts of {size} px: {SMALLEST_PX} to {LARGEST_PX} px are judged")
    with np.errstate(over="ignore"):
        # what float32 cannot hold becomes infinite, which counts as no data
        return np.ascontiguousarray(cutouts, np.float32)


def one_each(name: str, values: NDArray[Any], count: int) -> FloatArray:
    """Give a fact as one number per cutout."""
    numbers = np.asarray(values, float)
    if numbers.ndim == 0:
        numbers = np.full(count, float(numbers))
    if numbers.shape != (count,):
        raise BadImage(f"{name} has shape {numbers.shape}: one number, or {count} of them")
    return numbers


LIMITS = {"fwhm": (0.5, 30.0), "sign": (-1.0, 1.0), "history": (0.0, np.inf)}


def flaws(name: str, numbers: FloatArray) -> list[str]:
    """Say of each number why no exposure has it; empty where one may. Not to know is no flaw."""
    low, high = LIMITS[name]
    return [
        "" if low <= number <= high or (name == "history" and np.isnan(number))
        else f"{name} is {number:g}: {low:g} to {high:g} is wanted"
        for number in numbers.tolist()
    ]  # fmt: skip
