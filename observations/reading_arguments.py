"""What commands that read a FITS file let people say about it."""

from typing import Any

from django.core.management.base import CommandParser

from observations.fits import ReadOptions
from observations.fits_header import FrameDefaults


def add_reading_arguments(parser: CommandParser) -> None:
    """Declare what headers may leave out."""
    for name, unit in (("gain", "e-/ADU"), ("read-noise", "e-"), ("saturation", "ADU")):
        parser.add_argument(f"--{name}", type=float, help=f"{unit}, for headers that do not say it")
    parser.add_argument("--filter", default="unknown", help="for headers that do not say it")
    parser.add_argument("--exposure", type=float, default=1.0, help="seconds, likewise")
    parser.add_argument(
        "--ignore-checksums", action="store_true", help="for edited files with old checksums"
    )


def read_options(options: dict[str, Any]) -> ReadOptions:
    """Turn the command line into what the reader needs to know."""
    defaults = FrameDefaults(
        gain=options["gain"],
        read_noise=options["read_noise"],
        saturation=options["saturation"],
        exposure_s=options["exposure"],
        filter_band=options["filter"],
    )
    return ReadOptions(defaults=defaults, verify_checksums=not options["ignore_checksums"])
