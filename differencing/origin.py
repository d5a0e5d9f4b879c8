"""What the files of a difference were made of, as FITS keywords."""

from typing import Any

from astrid import __version__
from observations.fits_header import KEYWORDS
from preprocessing.exposure import Exposure

KEYS = {
    "science": ("SCIFILE", "DATE-OBS", "SCIFILT", "SCIEXP"),
    "reference": ("REFFILE", "REFDATE", "REFFILT", "REFEXP"),
}


def of_frames(science: Exposure, reference: Exposure, *, unknown: str) -> dict[str, Any]:
    """Give name, start (UTC), filter and exposure time of both files, where they are known.

    Parameters
    ----------
    science, reference : Exposure
        As they were read.
    unknown : str
        What stands for a filter that nobody stated; it is left out, as is an exposure time that
        the header does not have.
    """
    cards: dict[str, Any] = {}
    for role, frame in (("science", science), ("reference", reference)):
        name, date, band, exposure = KEYS[role]
        cards[name] = printable(frame.name)
        cards[date] = frame.observed_at.replace(tzinfo=None).isoformat(timespec="milliseconds")
        if frame.filter_band != unknown:
            cards[band] = printable(frame.filter_band)
        if any(key in frame.header for key in KEYWORDS["exposure_s"]):
            cards[exposure] = frame.exposure_s
    return cards


def of_run(*, threshold: float) -> dict[str, Any]:
    """Give what the program did: its version and the threshold of the candidates in sigma."""
    return {"THRESH": threshold, "CREATOR": f"AstrID {__version__}"}


def printable(words: str) -> str:
    """Give words in the ASCII that FITS headers allow, with ? for other letters."""
    ascii_words = words.encode("ascii", "replace").decode()
    return "".join(letter if letter.isprintable() else "?" for letter in ascii_words)
