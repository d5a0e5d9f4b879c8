"""Subtract one file from another, without a database."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from astrid.core.errors import AstridError
from astrid.core.measure import Cost, measured
from differencing import product
from differencing.extract import Candidates, extract
from differencing.parameters import DifferenceParameters
from differencing.subtract import Difference, subtract
from observations.fits import ReadOptions, read_frame
from observations.reading_arguments import add_reading_arguments, read_options
from preprocessing.calibrated import CalibratedFrame
from preprocessing.parameters import PreprocessParameters
from preprocessing.prepare import calibrate, onto_grid

SHOWN = 10


class Command(BaseCommand):
    """Difference, significance map, PSF and candidates of two FITS files."""

    help = "Subtract REFERENCE from SCIENCE by ZOGY and write what stands out to OUT."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the files, and what their headers may leave out."""
        parser.add_argument("science", type=Path)
        parser.add_argument("reference", type=Path)
        parser.add_argument("--out", type=Path, required=True, help="folder for the results")
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--threshold", type=float, default=5.0, help="in sigma of S_corr")
        add_reading_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Subtract, write the files, print the figures."""
        try:
            difference, found, cost = run(options)
        except (AstridError, ValueError, OSError) as error:
            raise CommandError(str(error)) from error
        write(options["out"], difference, found)
        figures = difference.figures | {
            "candidates": len(found),
            "cpu_seconds": cost.cpu_seconds,
            "peak_memory_mb": cost.peak_memory_mb,
        }
        if options["json"]:
            self.stdout.write(json.dumps(figures))
            return
        for name, value in figures.items():
            self.stdout.write(f"{name:<24} {value:.6g}")
        for row in product.rows(found[:SHOWN]):
            self.stdout.write(
                f"  {row['ra']:.6f} {row['dec']:+.6f}  {row['significance']:.1f} sigma"
                f"{'  fading' if row['is_negative'] else ''}"
            )


def run(options: dict[str, Any]) -> tuple[Difference, Candidates, Cost]:
    """Read, calibrate, register, subtract, extract."""
    parameters = DifferenceParameters(threshold=options["threshold"])
    preparing = PreprocessParameters()
    reading = read_options(options)
    with measured() as cost:
        science = prepared(options["science"], reading, preparing)
        reference = prepared(options["reference"], reading, preparing)
        science, _ = onto_grid(science, reference, preparing)
        difference = subtract(science, reference, parameters)
        found = extract(difference, science, reference, threshold=parameters.threshold)
    return difference, found, cost


def prepared(path: Path, reading: ReadOptions, parameters: PreprocessParameters) -> CalibratedFrame:
    """Read and calibrate one file."""
    frame = read_frame(path, options=reading)
    try:
        return calibrate(
            frame.pixels,
            wcs=frame.wcs,
            gain=frame.gain,
            read_noise=frame.read_noise,
            saturation=frame.saturation,
            parameters=parameters,
        )
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from error


def write(folder: Path, difference: Difference, found: Candidates) -> None:
    """Write the four files, complete or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        "difference.fits": product.difference_fits(difference),
        "significance.fits": product.significance_fits(difference),
        "psf.fits": product.psf_fits(difference),
        "candidates.ecsv": product.candidates_ecsv(found),
    }
    for name, content in files.items():
        partial = folder / f".{name}.partial"
        partial.write_bytes(content)
        partial.replace(folder / name)
