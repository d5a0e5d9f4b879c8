"""The lights of a night as the rows of a narrow table, each told apart by a short name."""

import re
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

# Keys of a frame's row, each with the header of its column: the unit below the name.
COLUMNS = {
    "filter": "filter",
    "seeing_px": "FWHM\npx",
    "n_stars": "stars",
    "sky_level": "sky\nADU",
    "noise": "noise\nADU",
    "cosmic_ray_share": "cosmics\n%",
    "registration_rms_px": "rms\npx",
}
PERCENT = {"cosmic_ray_share"}
# What parts a name into words: a name is never cut within one.
BREAKS = re.compile(r"(?<=[-_./ ])|(?=[-_./ ])")


def short_names(names: Sequence[str]) -> list[str]:
    """Leave out the words with which all names begin, and those with which all end.

    What is left differs from name to name as the names do. Folders go first, where files can be
    told apart without; of a single file they are all that goes.
    """
    files = [name.rpartition("/")[2] for name in names]
    whole = files if len(set(files)) == len(set(names)) else list(names)
    if len(set(whole)) < 2:
        return whole
    words = [BREAKS.split(name) for name in whole]
    start = common(words)
    end = common([each[start:][::-1] for each in words])
    short = ["".join(each[start : len(each) - end]).strip("-_./ ") for each in words]
    return short if all(short) and len(set(short)) == len(set(whole)) else whole


def common(sequences: Sequence[Sequence[str]]) -> int:
    """Count the words with which all sequences begin."""
    along = (len(set(words)) == 1 for words in zip(*sequences, strict=False))
    return sum(takewhile(bool, along))


def frame_table(frames: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """Give header and rows of a table of frames; what a frame has no figure for is blank."""
    names = short_names([frame["file"] for frame in frames])
    rows = [
        [name, *(cell(key, frame.get(key)) for key in COLUMNS)]
        for name, frame in zip(names, frames, strict=True)
    ]
    return ["frame", *COLUMNS.values()], rows


def cell(key: str, value: object) -> str:
    """Write a figure."""
    if isinstance(value, float):
        return f"{100 * value if key in PERCENT else value:.3g}"
    return "" if value is None else str(value)
