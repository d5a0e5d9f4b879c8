"""What commands that read a FITS file let people say about it."""

import argparse
import os
from collections.abc import Callable
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from observations.advice import COMMAND_LINE
from observations.fits import ReadOptions
from observations.fits_header import UNKNOWN_FILTER, FrameDefaults

# What a header may leave out without harm: it only names bands, or sets instrumental magnitudes.
UNSAID = FrameDefaults(exposure_s=1.0, filter_band=UNKNOWN_FILTER)


def number(*, allow_zero: bool = False) -> Callable[[str], float]:
    """Give what reads a positive number from the command line."""
    wanted = "0 or more" if allow_zero else "a positive number"

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not isfinite(value) or value < 0 or (value == 0 and not allow_zero):
            raise argparse.ArgumentTypeError(f"{text} is not {wanted}")
        return value

    return read


def whole(*, least: int) -> Callable[[str], int]:
    """Give what reads a whole number from the command line."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least:
            raise argparse.ArgumentTypeError(f"{text} is not a whole number from {least} on")
        return value

    return read


def magnitude(text: str) -> float:
    """Read a number of either sign."""
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise argparse.ArgumentTypeError(f"{text} is not a number of magnitudes")
    return value


def folder_to_write(text: str | Path) -> Path:
    """Read the name of a folder, which need not exist yet, and see that it can be written to."""
    folder = Path(text)
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not (nearest.is_dir() and os.access(nearest, os.W_OK)):
        raise argparse.ArgumentTypeError(f"{nearest} is no folder that can be written to")
    return folder


def file_to_write(text: str | Path) -> Path:
    """Read the name of a file, and see that it can be written; its folder must exist."""
    file = Path(text)
    folder = file.absolute().parent
    if file.is_dir() or not (folder.is_dir() and os.access(folder, os.W_OK)):
        raise argparse.ArgumentTypeError(f"{file} is no file that can be written")
    return file


def moment(text: str) -> datetime:
    """Read a date and time, UTC where it names no zone."""
    try:
        value = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is no YYYY-MM-DDThh:mm:ss") from error
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def add_reading_arguments(parser: CommandParser) -> None:
    """Declare what headers may leave out, or have wrong."""
    parser.add_argument(
        "--hdu", type=whole(least=0), help="the image to read, of a file with several"
    )
    parser.add_argument("--gain", type=number(), help="e-/ADU, whatever the header says")
    parser.add_argument("--read-noise", type=number(allow_zero=True), help="e-, likewise")
    parser.add_argument("--saturation", type=number(), help="ADU, likewise")
    parser.add_argument("--filter", help="the band, likewise")
    parser.add_argument("--exposure", type=number(), help="seconds, likewise")
    parser.add_argument("--date-obs", type=moment, help="start of the exposure, UTC, likewise")
    parser.add_argument(
        "--ignore-checksums", action="store_true", help="for edited files with old checksums"
    )


def read_options(options: dict[str, Any], *, needs_wcs: bool = True) -> ReadOptions:
    """Turn the command line into what the reader needs to know."""
    overrides = FrameDefaults(
        gain=options["gain"],
        read_noise=options["read_noise"],
        saturation=options["saturation"],
        exposure_s=options["exposure"],
        filter_band=options["filter"],
    )
    return ReadOptions(
        defaults=UNSAID,
        hdu=options["hdu"],
        verify_checksums=not options["ignore_checksums"],
        observed_at=options["date_obs"],
        needs_wcs=needs_wcs,
        overrides=overrides,
        advice=COMMAND_LINE,
    )
