"""Raw bias, dark and flat frames as ingestion finds them: told by header or rule, never science."""

from typing import Any

from astropy.io import fits

from observations.fits_blocks import card
from observations.frame_kind import FrameKind, kind_in
from observations.models import CalibrationExposure, Observation, Survey
from observations.raw import RawFrame, read_raw
from observations.rule_entries import CALIBRATION
from observations.rules import IngestRules

# What reduction programs write into the frames that they have calibrated.
DONE_KEYWORDS = ("FLATCOR", "BIASCOR", "ZEROCOR", "DARKCOR", "CALSTAT", "FLATFILE", "BIASFILE")
NOTHING_DONE = ("", "F", "FALSE", "NO", "NONE", "OMIT")


def kind_by(rules: IngestRules, file: str, content: bytes) -> FrameKind:
    """Give the kind of a file: what its header says, else the rule for its name."""
    kind = kind_in(content, file)
    rule = rules.match(file)
    if kind is FrameKind.LIGHT and rule is not None and rule.role in CALIBRATION:
        return FrameKind(rule.role)
    return kind


def read_exposure(rules: IngestRules, file: str, content: bytes, kind: FrameKind) -> dict[str, Any]:
    """Give the columns of a raw calibration frame.

    Raises
    ------
    BadImage
        If it cannot be read.
    """
    raw = read_raw(content, options=rules.read_options(file), name=file, kind=kind)
    height, width = size_of(raw)
    return {
        "kind": kind.value,
        "instrument": raw.instrument,
        "filter_band": raw.filter_band,
        "exposure_time": raw.exposure_s,
        "temperature": raw.temperature_c,
        "observation_time": raw.observed_at,
        "image_width": width,
        "image_height": height,
        "binning_x": raw.binning[0],
        "binning_y": raw.binning[1],
        "gain": raw.gain,
        "read_noise": raw.read_noise,
        "saturation": raw.saturation,
        "hdu": rules.hdu,
    }


def size_of(raw: RawFrame) -> tuple[int, int]:
    """Give rows and columns of the first image, overscan and all."""
    height, width = raw.amplifiers[0].pixels.shape
    return height, width


def record(survey: Survey, found: list[dict[str, Any]]) -> int:
    """Store new frames; say how many were new."""
    rows = CalibrationExposure.objects.filter(survey=survey)
    before = rows.count()
    # Another pass may have taken the same files meanwhile: its rows are as good.
    CalibrationExposure.objects.bulk_create(
        [CalibrationExposure(survey=survey, **columns) for columns in found], ignore_conflicts=True
    )
    return rows.count() - before


def is_calibrated(header: fits.Header) -> bool:
    """Say whether a header tells that bias, dark or flat were applied."""
    said = (str(card(header, keyword) or "").strip().upper() for keyword in DONE_KEYWORDS)
    return any(words not in NOTHING_DONE for words in said)


def mark_raw(survey: Survey, rules: IngestRules, rows: list[Observation]) -> None:
    """Say of new observations, in place, whether bias, dark and flat are still to be applied.

    ``is_raw`` comes in as what the header leaves open; a survey without frames to calibrate with
    is taken to be calibrated.
    """
    has_frames = CalibrationExposure.objects.filter(survey=survey).exists()
    for row in rows:
        row.is_raw = rules.raw if rules.raw is not None else has_frames and row.is_raw
