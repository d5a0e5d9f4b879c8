"""The files that a reduced night leaves: masters, frames, stacks, a table, a picture, a report."""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.table import Table

from preprocessing.calibrated import to_fits
from preprocessing.pictures import drawn, grey_of_range, grey_of_sky, png, sheet
from preprocessing.raw.master_files import bad_pixels_to_fits, master_to_fits
from preprocessing.raw.night import Figures, Library, Night, RawFile
from preprocessing.raw.reduce import Light, groups_to_stack
from preprocessing.stacking.combine import typical_noise
from preprocessing.stacking.stack import Stack

COLUMNS = (
    *("file", "filter", "exposure_s", "observed_at", "bias", "dark", "flat"),
    *("seeing_px", "ellipticity", "n_stars", "sky_level", "noise", "limiting_flux"),
    *("cosmic_ray_share", "hot_pixels", "bad_pixel_share", "saturated_share"),
    *("registration_rms_px", "registration_stars", "shift_x_px", "shift_y_px", "is_grid"),
)
UNITS = {"exposure_s": "s", "sky_level": "adu", "noise": "adu", "limiting_flux": "adu"}
UNITS |= {name: "pix" for name in COLUMNS if name.endswith("_px")}
SUFFIXES = (".fits.fz", ".fits.gz", ".fit.gz", ".fits", ".fit", ".fts")


@dataclass(frozen=True, eq=False)
class ReducedNight:
    """All that came out of a night; ``refused`` gives reasons by file or stack."""

    night: Night
    library: Library
    figures: Figures
    lights: Sequence[Light]
    stacks: Mapping[str, Stack]
    refused: Mapping[str, str]


def rows(reduced: ReducedNight) -> list[dict[str, Any]]:
    """Give the summary, a row for each light that was reduced."""
    return [
        {
            "file": light.file.name,
            "filter": light.file.conditions.filter_band or "",
            "exposure_s": light.file.conditions.exposure_s,
            "observed_at": light.file.conditions.observed_at.isoformat(),
        }
        | {name: light.facts["used"].get(name, "") for name in ("bias", "dark", "flat")}
        | {name: value for name, value in light.facts.items() if name in COLUMNS}
        for light in reduced.lights
    ]


def report(reduced: ReducedNight) -> dict[str, Any]:
    """Give everything that is known of a reduced night as JSON values."""
    library = reduced.library
    masters = {
        key: {"inputs": library.inputs[key], "statistics": master.statistics}
        for key, master in library.masters.items()
    }
    missing = {words: 0 for light in reduced.lights for words in light.facts["missing"]}
    for light in reduced.lights:
        for words in light.facts["missing"]:
            missing[words] += 1
    return {
        "frames": rows(reduced),
        "masters": masters | {k: {"statistics": v} for k, v in library.bad_counts.items()},
        "detector": {
            name: asdict(getattr(reduced.figures, name))
            for name in ("gain", "read_noise", "saturation")
        },
        "doubts": [*reduced.figures.doubts, *library.notes],
        "missing": missing,
        "stacks": {name: made.facts() for name, made in reduced.stacks.items()},
        "refused": dict(reduced.refused),
    }


def table(reduced: ReducedNight) -> Table:
    """Give the summary as a table; what a frame has no figure for is masked."""
    content = rows(reduced)
    made = Table()
    for name in COLUMNS:
        values = [row.get(name) for row in content]
        known = [value for value in values if value is not None]
        if not known:
            continue
        blank = type(known[0])()
        column = [blank if value is None else value for value in values]
        made[name] = np.ma.array(column, mask=[value is None for value in values])
        made[name].unit = UNITS.get(name)
    return made


def products(reduced: ReducedNight) -> Iterator[tuple[str, bytes]]:
    """Give every file of a reduced night, by its name below the folder of results."""
    for key, master in reduced.library.masters.items():
        yield f"masters/{key}.fits", master_to_fits(master)
    for key, counts in reduced.library.bad_counts.items():
        yield f"masters/{key}.fits", bad_pixels_to_fits(reduced.library.bad_pixels[key], counts)
    for light in reduced.lights:
        yield f"frames/{bare(light.file)}.fits", to_fits(light.frame, header_of(light))
    groups = groups_to_stack(reduced.lights, with_halves=True)
    for name, made in reduced.stacks.items():
        yield f"stack_{name}.fits", to_fits(made.frame, stack_header(made, groups[name], reduced))
    yield "frames.ecsv", ecsv(table(reduced))
    yield "quicklook.png", picture(reduced)
    yield "report.json", json.dumps(report(reduced), indent=1).encode()


def bare(file: RawFile) -> str:
    """Give the name of a file without suffix; folders become part of it."""
    name = file.name
    suffix = next((end for end in SUFFIXES if name.lower().endswith(end)), "")
    return name.removesuffix(name[len(name) - len(suffix) :]).replace("/", "_") if suffix else name


def header_of(light: Light) -> fits.Header:
    """Say what a frame is and what it was calibrated with."""
    conditions = light.file.conditions
    header = fits.Header()
    header["DATE-OBS"] = (stamp(conditions.observed_at), "UTC, start")
    header["EXPTIME"] = (conditions.exposure_s, "[s]")
    header["INSTRUME"] = conditions.setup.instrument
    header["FILTER"] = conditions.filter_band or ""
    header["OBJECT"] = light.file.target
    for name, key in light.facts["used"].items():
        header[f"CAL{name[:5].upper()}"] = (key, "master applied")
    for words in light.facts["missing"]:
        header["HISTORY"] = words
    return header


def stack_header(made: Stack, lights: Sequence[Light], reduced: ReducedNight) -> fits.Header:
    """Say what a stack shows and how it came about; it has the flux scale of its first light."""
    first, gain = lights[0], made.frame.gain
    conditions = first.file.conditions
    averaged = gain / first.frame.gain
    starts = [light.file.conditions.observed_at.timestamp() for light in lights]
    header = fits.Header()
    header["OBJECT"] = first.file.target
    header["DATE-OBS"] = (stamp(conditions.observed_at), "UTC, start of the first frame")
    header["DATE-AVG"] = (
        stamp(datetime.fromtimestamp(fmean(starts), UTC)),
        "UTC, mean of the starts",
    )
    header["EXPTIME"] = (conditions.exposure_s, "[s] that the pixels are scaled to")
    total = sum(light.file.conditions.exposure_s for light in lights)
    header["TOTEXP"] = (total, "[s] of all frames")
    header["INSTRUME"] = conditions.setup.instrument
    header["FILTER"] = conditions.filter_band or ""
    header["GAIN"] = (gain, "[e-/adu] of the average")
    # s ADU in one frame are s / sqrt(n) in the mean of n, whose gain is n times that of one.
    read_noise = reduced.figures.read_noise.value * np.sqrt(averaged)
    header["RDNOISE"] = (read_noise, "[e-] at that gain")
    header["NCOMBINE"] = (len(lights), "frames")
    return header


def stamp(moment: datetime) -> str:
    """Write a time as FITS wants it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")


def ecsv(made: Table) -> bytes:
    """Give the bytes of a table."""
    stream = io.StringIO()
    made.write(stream, format="ascii.ecsv")
    return stream.getvalue().encode()


def picture(reduced: ReducedNight) -> bytes:
    """Draw masters and stacks; of a night without stacks, its first frame. Masked is coloured."""
    library = reduced.library
    panels = [
        (f"{key}, {len(library.inputs[key])} frames", drawn(grey_of_range(master.pixels)))
        for key, master in library.masters.items()
    ]
    frames = {
        f"stack {name}, {len(made.weights)} frames": made.frame
        for name, made in reduced.stacks.items()
    } or {light.file.name: light.frame for light in reduced.lights[:1]}
    for title, frame in frames.items():
        grey = grey_of_sky(frame.pixels, typical_noise(frame))
        panels.append((title, drawn(grey, marked=frame.mask != 0)))
    return png(sheet(panels))


def write(folder: Path, files: Iterator[tuple[str, bytes]]) -> list[str]:
    """Write files below a folder, each complete or not at all; give their names."""
    names: list[str] = []
    for name, content in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.partial")
        partial.write_bytes(content)
        partial.replace(path)
        names.append(name)
    return names
