"""Subtract one file from another, without a database."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import CommandError, CommandParser

from astrid.core.commands import AstridCommand
from astrid.core.errors import AstridError
from astrid.core.measure import Cost, measured
from astrid.core.threads import allowed_threads, plain_libraries
from differencing import origin, product
from differencing.algorithms import subtract_with
from differencing.drawing import quicklook
from differencing.extraction import flags, positions
from differencing.extraction.extract import Candidates, extract
from differencing.extraction.forced import Forced, force_difference
from differencing.file_pair import Pair, Wishes, read_pair
from differencing.parameters import Algorithm, DifferenceParameters
from differencing.subtraction.subtract import Difference
from observations.reading_arguments import (
    add_reading_arguments,
    folder_to_write,
    magnitude,
    number,
    read_options,
)

SHOWN = 10


class Command(AstridCommand):
    """Difference, significance map, PSF, candidates and a picture of two FITS files."""

    help = "Subtract REFERENCE from SCIENCE and write what stands out to OUT."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the files, what to do, and what headers may leave out."""
        parser.add_argument("science", type=Path)
        parser.add_argument("reference", type=Path)
        parser.add_argument(
            "--out", type=folder_to_write, required=True, help="folder for the results"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument(
            "--algorithm", choices=[each.value for each in Algorithm], default=Algorithm.ZOGY.value
        )
        parser.add_argument("--threshold", type=number(), default=5.0, help="in sigma of S_corr")
        parser.add_argument(
            "--threads", type=int, default=allowed_threads(), help="cores to use; all by default"
        )
        parser.add_argument(
            "--positions",
            type=Path,
            help="table of places (ra and dec in degrees, or x and y in pixels from 0) whose flux "
            "is measured, written to forced.ecsv",
        )
        parser.add_argument(
            "--zero-point",
            type=magnitude,
            help="magnitude of 1 ADU in the science exposure; else that of its header",
        )
        parser.add_argument(
            "--star-catalog",
            type=Path,
            help="known stars (ECSV, CSV, FITS, VOTable, Parquet) that give the zero point",
        )
        parser.add_argument(
            "--any-filter", action="store_true", help="subtract also frames of two filters"
        )
        parser.add_argument(
            "--accept-quality",
            action="store_true",
            help="subtract also frames that are too poor, and say why they are",
        )
        add_reading_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Subtract, write the files, print the figures."""
        try:
            made = run(options)
        except (AstridError, ValueError) as error:
            raise CommandError(str(error)) from error
        write(options["out"], made, f"{options['science'].name} minus {options['reference'].name}")
        if options["json"]:
            facts: dict[str, Any] = {"algorithm": made.difference.algorithm.value}
            facts |= {name: plain(name, value) for name, value in made.figures().items()}
            facts |= {"zero_point": dict(product.zero_point_facts(made.difference))}
            facts |= {"registration": dict(made.pair.registration)} | made.said()
            self.stdout.write(json.dumps(facts))
            return
        self.stdout.write(f"{'algorithm':<24} {made.difference.algorithm.value}")
        for name, value in made.figures().items():
            self.stdout.write(f"{name:<24} {value:.6g}")
        for keyword, fact in product.zero_point_facts(made.difference).items():
            self.stdout.write(f"{keyword:<24} {fact}")
        for kind, sentences in made.said().items():
            for sentence in sentences:
                self.stdout.write(f"{kind:<24} {sentence}")
        order = flags.clean_first(made.candidates)
        for place, row in enumerate(made.candidates[order[:SHOWN]], 1):
            self.stdout.write(f"{place:>3} {in_words(row)}")


@dataclass(frozen=True)
class Made:
    """What the command makes of two files."""

    pair: Pair
    difference: Difference
    candidates: Candidates
    forced: Forced | None
    cost: Cost
    threshold: float

    def origin(self) -> dict[str, Any]:
        """Give what made the files, as keywords."""
        return {**self.pair.origin, **origin.of_run(threshold=self.threshold)}

    def figures(self) -> dict[str, float]:
        """Give everything that was measured."""
        unflagged = int(np.count_nonzero(~flags.is_flagged(self.candidates)))
        counts = {"candidates": len(self.candidates), "unflagged": unflagged}
        if self.forced is not None:
            counts["forced"] = len(self.forced)
        return self.difference.figures | counts | {
            "cpu_seconds": self.cost.cpu_seconds,
            "peak_memory_mb": self.cost.peak_memory_mb,
        }  # fmt: skip

    def said(self) -> dict[str, list[str]]:
        """Give the sentences about what was assumed, what is poor and what looks wrong."""
        return {
            "assumed": list(self.pair.assumed),
            "shortcomings": list(self.pair.shortcomings),
            "warnings": [*self.pair.unchecked, *flags.warnings_of(self.candidates)],
        }


def run(options: dict[str, Any]) -> Made:
    """Read, calibrate, register, subtract, extract, measure at the given places."""
    parameters = DifferenceParameters(
        threshold=options["threshold"], algorithm=Algorithm(options["algorithm"])
    )
    places = positions.read(options["positions"]) if options["positions"] else None
    threads = options["threads"]
    if threads < 1:
        raise ValueError(f"--threads is {threads}: give the number of cores to use, 1 or more")
    wishes = Wishes(
        reading=read_options(options, needs_wcs=False),
        exposure_s=options["exposure"],
        zero_point=options["zero_point"],
        star_catalog=options["star_catalog"],
        any_filter=options["any_filter"],
        accept_quality=options["accept_quality"],
        threads=threads,
    )
    with measured() as cost, plain_libraries():
        both = read_pair((options["science"], options["reference"]), wishes)
        science, reference = both.science, both.reference
        difference = subtract_with(science, reference, parameters, threads=threads)
        found = extract(difference, science, reference, threshold=parameters.threshold)
        forced = None
        if places is not None:
            forced = force_difference(difference, *places.pixels(difference.wcs))
    return Made(both, difference, found, forced, cost, parameters.threshold)


def write(folder: Path, made: Made, title: str) -> None:
    """Write the files, each complete or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    frames = made.pair.science, made.pair.reference
    cards = made.origin()
    method = {"METHOD": made.difference.algorithm.value.upper()}
    of_table = cards | method | dict(product.zero_point_facts(made.difference))
    files = {
        "difference.fits": product.difference_fits(made.difference, cards),
        "significance.fits": product.significance_fits(made.difference, cards),
        "psf.fits": product.psf_fits(made.difference, cards),
        "candidates.ecsv": product.candidates_ecsv(made.candidates, of_table),
        "quicklook.png": quicklook.sheet(made.difference, *frames, made.candidates, title=title),
    }
    if made.forced is not None:
        files["forced.ecsv"] = product.forced_ecsv(made.forced, of_table)
    for name, content in files.items():
        partial = folder / f".{name}.partial"
        partial.write_bytes(content)
        partial.replace(folder / name)


def plain(name: str, value: float) -> float | int:
    """Give counts and degrees as integers."""
    is_count = name.startswith("n_") or "degree" in name
    return int(value) if is_count else value


def in_words(row: Any) -> str:
    """Give the place and the strength of a candidate; pixels where the sky is not known."""
    place = f"{row['ra']:.6f} {row['dec']:+.6f}"
    if np.isnan(row["ra"]):
        place = f"x {row['x']:.2f} y {row['y']:.2f}"
    fading = "  fading" if row["is_negative"] else ""
    faint = f"> {row['upper_limit']:.2f}"
    bright = f"{row['magnitude']:.2f} ± {row['magnitude_error']:.2f}"
    magnitude = faint if np.isnan(row["magnitude"]) else bright
    words = flags.words_of(row)
    flagged = f"  [{words}]" if words else ""
    return f"{place}  {row['significance']:.1f} sigma  {magnitude} mag{fading}{flagged}"
