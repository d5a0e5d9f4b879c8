"""Subtract one file from another, without a database."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError, CommandParser

from astrid.core.errors import AstridError
from astrid.core.measure import Cost, measured
from astrid.core.threads import allowed_threads, in_threads, plain_libraries
from differencing import positions, product, quicklook
from differencing.algorithms import subtract_with
from differencing.extract import Candidates, extract
from differencing.forced import Forced, force_difference
from differencing.parameters import Algorithm, DifferenceParameters
from differencing.subtract import Difference
from observations.fits import ReadOptions, read_frame
from observations.fits_header import FrameDefaults
from preprocessing.calibrated import CalibratedFrame
from preprocessing.parameters import PreprocessParameters
from preprocessing.prepare import calibrate, onto_grid

SHOWN = 10


class Command(BaseCommand):
    """Difference, significance map, PSF, candidates and a picture of two FITS files."""

    help = "Subtract REFERENCE from SCIENCE and write what stands out to OUT."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the files, what to do, and what headers may leave out."""
        parser.add_argument("science", type=Path)
        parser.add_argument("reference", type=Path)
        parser.add_argument("--out", type=Path, required=True, help="folder for the results")
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument(
            "--algorithm", choices=[each.value for each in Algorithm], default=Algorithm.ZOGY.value
        )
        parser.add_argument("--threshold", type=float, default=5.0, help="in sigma of S_corr")
        parser.add_argument(
            "--threads", type=int, default=allowed_threads(), help="cores to use; all by default"
        )
        parser.add_argument(
            "--positions",
            type=Path,
            help="table of places (ra and dec in degrees, or x and y in pixels from 0) whose flux "
            "is measured, written to forced.ecsv",
        )
        for name, unit in (("gain", "e-/ADU"), ("read-noise", "e-"), ("saturation", "ADU")):
            parser.add_argument(
                f"--{name}", type=float, help=f"{unit}, for headers that do not say it"
            )
        parser.add_argument("--filter", default="unknown", help="for headers that do not say it")
        parser.add_argument("--exposure", type=float, default=1.0, help="seconds, likewise")
        parser.add_argument(
            "--ignore-checksums", action="store_true", help="for edited files with old checksums"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Subtract, write the files, print the figures."""
        try:
            made = run(options)
        except (AstridError, ValueError, OSError) as error:
            raise CommandError(str(error)) from error
        write(options["out"], made, f"{options['science'].name} minus {options['reference'].name}")
        if options["json"]:
            facts = {"algorithm": made.difference.algorithm.value} | made.figures()
            self.stdout.write(json.dumps(facts))
            return
        self.stdout.write(f"{'algorithm':<24} {made.difference.algorithm.value}")
        for name, value in made.figures().items():
            self.stdout.write(f"{name:<24} {value:.6g}")
        for row in made.candidates[:SHOWN]:
            self.stdout.write(f"  {in_words(row)}")


@dataclass(frozen=True)
class Made:
    """What the command makes of two files."""

    science: CalibratedFrame
    reference: CalibratedFrame
    difference: Difference
    candidates: Candidates
    forced: Forced | None
    cost: Cost

    def figures(self) -> dict[str, float]:
        """Give everything that was measured."""
        counts = {"candidates": len(self.candidates)}
        if self.forced is not None:
            counts["forced"] = len(self.forced)
        return self.difference.figures | counts | {
            "cpu_seconds": self.cost.cpu_seconds,
            "peak_memory_mb": self.cost.peak_memory_mb,
        }  # fmt: skip


def run(options: dict[str, Any]) -> Made:
    """Read, calibrate, register, subtract, extract, measure at the given places."""
    parameters = DifferenceParameters(
        threshold=options["threshold"], algorithm=Algorithm(options["algorithm"])
    )
    places = positions.read(options["positions"]) if options["positions"] else None
    threads = options["threads"]
    if threads < 1:
        raise ValueError(f"--threads is {threads}: give the number of cores to use, 1 or more")
    with measured() as cost, plain_libraries():
        science, reference = pair(options)
        difference = subtract_with(science, reference, parameters, threads=threads)
        found = extract(difference, science, reference, threshold=parameters.threshold)
        forced = None
        if places is not None:
            forced = force_difference(difference, *places.pixels(difference.wcs))
    return Made(science, reference, difference, found, forced, cost)


def pair(options: dict[str, Any]) -> tuple[CalibratedFrame, CalibratedFrame]:
    """Give both frames, calibrated, the science frame on the grid of the reference."""
    reading, preparing = read_options(options), PreprocessParameters()
    science, reference = in_threads(
        lambda path: prepared(path, reading, preparing),
        (options["science"], options["reference"]),
        threads=options["threads"],
    )
    science, _ = onto_grid(science, reference, preparing)
    return science, reference


def read_options(options: dict[str, Any]) -> ReadOptions:
    """Turn the command line into what the reader needs to know."""
    defaults = FrameDefaults(
        gain=options["gain"],
        read_noise=options["read_noise"],
        saturation=options["saturation"],
        exposure_s=options["exposure"],
        filter_band=options["filter"],
    )
    return ReadOptions(
        defaults=defaults, verify_checksums=not options["ignore_checksums"], needs_wcs=False
    )


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


def write(folder: Path, made: Made, title: str) -> None:
    """Write the files, each complete or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    frames = made.science, made.reference
    files = {
        "difference.fits": product.difference_fits(made.difference),
        "significance.fits": product.significance_fits(made.difference),
        "psf.fits": product.psf_fits(made.difference),
        "candidates.ecsv": product.candidates_ecsv(made.candidates),
        "quicklook.png": quicklook.sheet(made.difference, *frames, made.candidates, title=title),
    }
    if made.forced is not None:
        files["forced.ecsv"] = product.forced_ecsv(made.forced)
    for name, content in files.items():
        partial = folder / f".{name}.partial"
        partial.write_bytes(content)
        partial.replace(folder / name)


def in_words(row: Any) -> str:
    """Give the place and the strength of a candidate; pixels where the sky is not known."""
    place = f"{row['ra']:.6f} {row['dec']:+.6f}"
    if np.isnan(row["ra"]):
        place = f"x {row['x']:.2f} y {row['y']:.2f}"
    fading = "  fading" if row["is_negative"] else ""
    return f"{place}  {row['significance']:.1f} sigma{fading}"
