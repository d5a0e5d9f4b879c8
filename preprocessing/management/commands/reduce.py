"""Reduce a folder of raw frames, without a database."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from astrid.core import console
from astrid.core.commands import AstridCommand
from astrid.core.errors import AstridError
from astrid.core.measure import measured
from observations.advice import FOLDER
from observations.fits import ReadOptions
from observations.fits_header import FrameDefaults
from observations.frame_kind import FrameKind
from observations.reading_arguments import folder_to_write, number, whole
from observations.rules import fits_files
from preprocessing.parameters import PreprocessParameters
from preprocessing.raw.frame_table import frame_table
from preprocessing.raw.night import build_library, figures_of, scan
from preprocessing.raw.night_product import ReducedNight, products, report, write
from preprocessing.raw.reduce import (
    Progress,
    Settings,
    Spool,
    align,
    calibrate_lights,
    mark_hot_pixels,
    stack_lights,
)


class Command(AstridCommand):
    """Masters, calibrated and aligned frames, and stacks of a night."""

    help = (
        "Build masters from the bias, dark and flat frames below DIR, calibrate its lights with "
        "them, align these by WCS or by the patterns of their stars, and stack them per filter."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the folders, and what headers may leave out."""
        parser.add_argument("directory", type=Path)
        parser.add_argument(
            "--out", type=folder_to_write, required=True, help="folder for the results"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument(
            "--halves", action="store_true", help="stack both halves of the night as well"
        )
        parser.add_argument(
            "--hdu", type=whole(least=0), help="the image to read, of files with several"
        )
        for name, unit in (("gain", "e-/ADU"), ("read-noise", "e-"), ("saturation", "ADU")):
            parser.add_argument(
                f"--{name}",
                type=number(allow_zero=name == "read-noise"),
                help=f"{unit}, for headers that do not say it",
            )
        parser.add_argument(
            "--least-frames",
            type=whole(least=1),
            default=3,
            help="raw frames that a master needs",
        )
        parser.add_argument(
            "--keep-cosmic-rays", action="store_true", help="do not look for cosmic rays"
        )
        parser.add_argument(
            "--ignore-checksums", action="store_true", help="for edited files with old checksums"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Reduce, write the files, print what was done."""
        try:
            with (
                measured() as cost,
                Spool() as spool,
                console.progress(quiet=options["json"]) as bars,
            ):
                reduced = reduce(options, spool, progress_of(bars))
                names = write(options["out"], products(reduced))
        except (AstridError, ValueError) as error:
            raise CommandError(str(error)) from error
        found = report(reduced) | {"files": names, "cpu_seconds": cost.cpu_seconds}
        if options["json"]:
            self.stdout.write(json.dumps(found))
            return
        self.show(found)

    def show(self, found: dict[str, Any]) -> None:
        """Print what was assumed, what was missing, and a table of frames and stacks."""
        for name, figure in found["detector"].items():
            self.stdout.write(f"{name}: {figure['value']:.5g}, {figure['source']}")
        for words in found["doubts"]:
            self.stdout.write(f"doubt: {words}")
        for words, count in found["missing"].items():
            self.stdout.write(f"{count} frames: {words}")
        for name, words in found["refused"].items():
            self.stdout.write(f"left out: {name}: {words}")
        console.show(console.table("Frames", *frame_table(found["frames"])))
        for name, made in found["stacks"].items():
            self.stdout.write(f"stack {name}: {made['frames']} frames")


def progress_of(bars: Any) -> Progress:
    """Give what moves a bar for every stage."""
    known: dict[str, Any] = {}

    def move(stage: str, done: int, total: int) -> None:
        if stage not in known:
            known[stage] = bars.add_task(stage, total=total)
        bars.update(known[stage], completed=done)

    return move


def reduce(options: dict[str, Any], spool: Spool, progress: Progress) -> ReducedNight:
    """Read, build masters, calibrate, align, stack."""
    settings, folder = settings_of(options), options["directory"]
    night = scan(folder, files_below(folder), settings.reading)
    if not night.of(FrameKind.LIGHT):
        reasons = "; ".join(night.refused.values())
        raise ValueError(f"{folder} holds no light frame that can be read. {reasons}".strip())
    library = build_library(night, settings.reading, settings.preparing)
    figures = figures_of(night, library, settings.reading)
    lights, failed = calibrate_lights(
        night, library, figures, settings, spool=spool, progress=progress
    )
    if not lights:
        raise ValueError(f"no light could be calibrated: {'; '.join(failed.values())}")
    lights = mark_hot_pixels(lights, spool)
    aligned, astray = align(lights, settings, spool=spool, progress=progress)
    stacks, alone = stack_lights(aligned, settings)
    refused = {**night.refused, **failed, **astray, **alone}
    return ReducedNight(night, library, figures, aligned, stacks, refused)


def files_below(folder: Path) -> list[Path]:
    """Give the FITS files of a folder."""
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder; name the folder that holds the raw frames")
    return fits_files(folder)


def settings_of(options: dict[str, Any]) -> Settings:
    """Turn the command line into settings."""
    defaults = FrameDefaults(
        gain=options["gain"],
        read_noise=options["read_noise"],
        saturation=options["saturation"],
    )
    return Settings(
        reading=ReadOptions(
            defaults,
            hdu=options["hdu"],
            verify_checksums=not options["ignore_checksums"],
            advice=FOLDER,
        ),
        preparing=PreprocessParameters(
            least_frames=options["least_frames"],
            find_cosmic_rays=not options["keep_cosmic_rays"],
        ),
        with_halves=options["halves"],
    )
