"""What a frame's header says about its exposure, whatever the observatory calls it.

A value that no keyword gives comes from the survey's `FrameDefaults` or not at all.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite

from astropy.io import fits

from astrid.core.errors import Unstated
from observations.fits_blocks import Hdu, card


@dataclass(frozen=True)
class FrameDefaults:
    """What a survey's rule file states for frames whose headers do not say it.

    Attributes
    ----------
    gain : float, optional
        Electrons per ADU.
    read_noise : float, optional
        Electrons.
    saturation : float, optional
        ADU.
    exposure_s : float, optional
        Seconds.
    filter_band : str, optional
    instrument : str, optional
        Name of the camera; frames of one name can be subtracted from one another.
    """

    gain: float | None = None
    read_noise: float | None = None
    saturation: float | None = None
    exposure_s: float | None = None
    filter_band: str | None = None
    instrument: str | None = None


# The name of a band that nobody states.
UNKNOWN_FILTER = "unknown"

# The first keyword with a value wins. GAINA, RDNOISEA, ... are per amplifier: see AMPLIFIERS.
KEYWORDS: dict[str, tuple[str, ...]] = {
    "gain": ("GAIN", "EGAIN", "CCDGAIN", "GAINEFF", "ARAWGAIN"),
    "read_noise": ("RDNOISE", "READNOIS", "READNOI", "RON", "ENOISE", "RN"),
    "saturation": ("SATURATE", "SATURVAL", "SATLEVEL", "SATUR_LV", "MAXLIN", "ESATUR"),
    "exposure_s": ("EXPTIME", "EXPOSURE", "EXP_TIME", "ITIME", "ONTIME", "TELAPSE"),
    "filter": ("FILTER", "FILTNAM", "FILTNAME", "FILTERS", "BAND", "FILTER1", "INSFILTE"),
    "instrument": ("INSTRUME", "CAMERA", "DETECTOR", "CCDNAME"),
}
# Frames read out through two amplifiers: how one figure is made for the whole frame.
AMPLIFIERS: dict[str, tuple[tuple[str, str], Callable[[Sequence[float]], float]]] = {
    "gain": (("GAINA", "GAINB"), lambda values: sum(values) / len(values)),
    "read_noise": (("RDNOISEA", "RDNOISEB"), max),
    "saturation": (("SATURATA", "SATURATB"), min),
}


@dataclass(frozen=True)
class Cards:
    """The cards of an image and, behind them, those of the primary header.

    ``preferred`` names, per quantity of `KEYWORDS`, the keyword that a survey wants read first;
    what ``overrides`` states is not read at all.
    """

    hdu: Hdu
    header: fits.Header
    preferred: Mapping[str, str] = field(default_factory=dict)
    overrides: FrameDefaults = field(default_factory=FrameDefaults)

    def keywords(self, quantity: str) -> tuple[str, ...]:
        """Keywords that may hold ``quantity``, in the order in which they are read."""
        first = (self.preferred[quantity],) if quantity in self.preferred else ()
        return first + KEYWORDS[quantity]

    def first(self, keywords: Sequence[str]) -> tuple[str, object] | None:
        """First of ``keywords`` that has a value, and the value."""
        for keyword in keywords:
            value = card(self.header, keyword)
            if value is not None and str(value).strip():
                return keyword, value
        return None

    def positive(self, quantity: str, default: float | None, *, allow_zero: bool = False) -> float:
        """Value of a quantity that cannot be negative, else the survey's default.

        Raises
        ------
        BadImage
            When the header's value is no such number, or there is neither value nor default.
        """
        override: float | None = getattr(self.overrides, quantity)
        if override is not None:
            return override
        found = self.first(self.keywords(quantity))
        if found is not None:
            return self._checked(*found, allow_zero=allow_zero)
        value = self._amplifiers(quantity)
        if value is None:
            value = default
        if value is None:
            raise self.missing(quantity)
        return value

    def missing(self, quantity: str) -> Unstated:
        """Word the refusal of a frame that lacks a quantity."""
        wanted, *others = self.keywords(quantity)[:4]
        return self.hdu.unstated(wanted, f"is missing (nor is there {', '.join(others)})", quantity)

    def _checked(self, keyword: str, value: object, *, allow_zero: bool) -> float:
        number = number_of(value)
        if number is None or number < 0 or (number == 0 and not allow_zero):
            raise self.hdu.refuse(
                keyword, f"is {value!r}, which is no positive number", "repair the header"
            )
        return number

    def _amplifiers(self, quantity: str) -> float | None:
        if quantity not in AMPLIFIERS:
            return None
        keywords, combine = AMPLIFIERS[quantity]
        values = [self.first([keyword]) for keyword in keywords]
        given = [self._checked(*value, allow_zero=False) for value in values if value is not None]
        return combine(given) if given else None

    def optional(self, keywords: Sequence[str]) -> float | None:
        """First positive number among ``keywords``; None when there is none."""
        for keyword in keywords:
            number = number_of(card(self.header, keyword))
            if number is not None and number > 0:
                return number
        return None


def number_of(value: object) -> float | None:
    """Give a header value as a finite float, also when it was written as text; else None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if isfinite(number) else None


def filter_band(cards: Cards, default: str | None) -> str:
    """Name of the band; of DECam's long form (``i DECam SDSS c0003 ...``) the first word."""
    if cards.overrides.filter_band is not None:
        return cards.overrides.filter_band
    found = cards.first(cards.keywords("filter"))
    name = str(found[1]).strip() if found else default
    if name is None:
        raise cards.missing("filter")
    return name.split()[0] if " DECam " in name else name
