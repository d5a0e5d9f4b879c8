"""What the files of a difference were made of, as FITS keywords."""

from typing import Any

from astrid import __version__
from observations.fits_header import KEYWORDS
from preprocessing.exposure import Exposure

KEYS = {
    "science": ("SCIFILE", "DATE-OBS", "SCIFILT", "SCIEXP"),
    "reference": ("REFFILE", "REFDATE", "REFFILT", "REFEXP"),
}


def of_frames(
    science: Exposure, reference: Exposure, *, unknown: str, exposure_s: float | None
) -> dict[str, Any]:
    """Give name, start (UTC), filter and exposure time of both files, where they are known.

    Parameters
    ----------
    science, reference : Exposure
        As they were read.
    unknown : str
        What stands for a filter that nobody stated; it is left out.
    exposure_s : float or None
        What the user stated of both; without it, an exposure time that the header does not have
        is left out.
    """
    cards: dict[str, Any] = {}
    for role, frame in (("science", science), ("reference", reference)):
        name, date, band, exposure = KEYS[role]
        cards[name] = printable(frame.name)
        cards[date] = frame.observed_at.replace(tzinfo=None).isoformat(timespec="milliseconds")
        if frame.filter_band != unknown:
            cards[band] = printable(frame.filter_band)
        if has_exposure(frame, exposure_s):
            cards[exposure] = frame.exposure_s
    return cards


def has_exposure(frame: Exposure, stated: float | None) -> bool:
    """Say whether the user or the header gave the exposure time, so that it is not assumed."""
    return stated is not None or any(key in frame.header for key in KEYWORDS["exposure_s"])


def of_run(*, threshold: float) -> dict[str, Any]:
    """Give what the program did: its version and the threshold of the candidates in sigma."""
    return {"THRESH": threshold, "CREATOR": f"AstrID {__version__}"}


def printable(words: str) -> str:
    """Give words in the ASCII that FITS headers allow, with ? for other letters."""
    ascii_words = words.encode("ascii", "replace").decode()
    return "".join(letter if letter.isprintable() else "?" for letter in ascii_words)
