"""Check the WCS of a FITS file against a star catalogue, without a database."""

import json
from pathlib import Path
from typing import Any

from astropy.io import fits
from django.core.management.base import CommandError, CommandParser

from astrid.core.commands import AstridCommand
from astrid.core.errors import AstridError
from observations.reading_arguments import add_reading_arguments, file_to_write, read_options
from preprocessing.astrometry.catalog_check import Astrometry, Residuals, check_astrometry, spots_of
from preprocessing.calibrated import wcs_header
from preprocessing.exposure import read_exposure
from preprocessing.parameters import PreprocessParameters
from preprocessing.photometry.star_catalog import read_star_catalog


class Command(AstridCommand):
    """How far a frame's WCS is off a catalogue, and a better one if there is one."""

    help = (
        "Match the stars of FRAME with a catalogue (ECSV, CSV, FITS, VOTable or Parquet), print "
        "the residuals of its WCS and of a fit, and write the better one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the files, and what the header may leave out."""
        parser.add_argument("frame", type=Path)
        parser.add_argument("--catalog", type=Path, required=True, help="file of known stars")
        parser.add_argument(
            "--header", type=file_to_write, help="write the better WCS here, as FITS cards"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        add_reading_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Compare, fit, print."""
        try:
            found = check(options)
        except (AstridError, ValueError) as error:
            raise CommandError(str(error)) from error
        if options["header"]:
            write(wcs_header(found.wcs), options["header"])
        if options["json"]:
            self.stdout.write(json.dumps(found.facts()))
            return
        self.stdout.write(
            f"{found.n_stars} stars matched, {found.n_known} of the catalogue and {found.n_found} "
            "found on the frame"
        )
        for name in ("before", "after", "held_out", "expected"):
            self.stdout.write(f"{name:<10} {in_words(getattr(found, name))}")
        self.stdout.write(
            f"refined by a polynomial of order {found.order}"
            if found.is_refined
            else "the WCS of the header is as good as any fit: it stays"
        )


def write(header: fits.Header, file: Path) -> None:
    """Write cards to a file, all of them or none."""
    partial = file.with_name(f".{file.name}.partial")
    header.totextfile(partial, endcard=True, overwrite=True)
    partial.replace(file)


def check(options: dict[str, Any]) -> Astrometry:
    """Read the files and compare them."""
    parameters = PreprocessParameters()
    catalog = read_star_catalog(options["catalog"])
    exposure = read_exposure(options["frame"], read_options(options), parameters)
    frame = exposure.frame
    spots = spots_of(frame, parameters)
    return check_astrometry(spots, frame.wcs, frame.shape, catalog, exposure.mjd, parameters)


def in_words(residuals: Residuals) -> str:
    """Give the rms along both axes."""
    return f"{residuals.ra_arcsec:.4f} arcsec rms in RA, {residuals.dec_arcsec:.4f} in Dec"
