"""When a frame was taken, from the several ways in which headers say it."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from astropy.time import Time

from observations.fits_blocks import card
from observations.fits_header import Cards, number_of

MJD_ZERO = datetime(1858, 11, 17, tzinfo=UTC)
TIME_KEYWORDS = ("TIME-OBS", "UTC-OBS", "UT-OBS", "UTSTART", "UT", "UTC", "TAIHMS")
OLD_DATE = re.compile(r"(\d{2})/(\d{2})/(\d{2})")


def mjd_of(moment: datetime) -> float:
    """Give the modified Julian date (UTC) of an aware datetime."""
    return (moment - MJD_ZERO) / timedelta(days=1)


@dataclass(frozen=True)
class HeaderTime:
    """Where a header keeps the true start time (UTC) when its DATE-OBS is wrong.

    Attributes
    ----------
    keyword : str
    pattern : str
        Regular expression; its one group is the time within the keyword's value.
    format : str
        Of that time, for `datetime.strptime`.
    """

    keyword: str
    pattern: str
    format: str

    def read(self, cards: Cards) -> datetime:
        """Read the time, or raise BadImage when the keyword does not hold it."""
        text = str(card(cards.header, self.keyword) or "")
        found = re.search(self.pattern, text)
        advice = "correct observed_at in the rule file"
        if found is None:
            raise cards.hdu.refuse(
                self.keyword, f"is {text!r}, where {self.pattern!r} finds no time", advice
            )
        try:
            return datetime.strptime(found[1], self.format).replace(tzinfo=UTC)
        except ValueError as error:
            raise cards.hdu.refuse(
                self.keyword, f"holds {found[1]!r}, no time of form {self.format!r}", advice
            ) from error


def observed_at(cards: Cards, override: datetime | HeaderTime | None = None) -> datetime:
    """Start of the exposure, UTC: what the survey says, else what the header says."""
    if isinstance(override, HeaderTime):
        return override.read(cards)
    return header_time(cards) if override is None else override


def header_time(cards: Cards) -> datetime:
    """Start of the exposure, UTC, by the standard keywords.

    DATE-OBS with a time wins; a DATE-OBS that is only a date takes its time from TIME-OBS or
    a like keyword, else from MJD-OBS, else it is midnight, as the FITS Standard has it.

    Raises
    ------
    BadImage
        When there is no such keyword or its value is no time.
    """
    found = cards.first(("DATE-OBS", "DATE_OBS"))
    mjd = number_of(card(cards.header, "MJD-OBS"))
    if found is None:
        if mjd is None:
            raise cards.hdu.refuse(
                "DATE-OBS",
                "is missing (nor is there MJD-OBS)",
                "state observed_at for these frames in the rule file",
            )
        return checked_mjd(cards, mjd)
    keyword, value = found
    text = str(value).strip()
    if "T" not in text:
        clock = cards.first(TIME_KEYWORDS)
        if clock is None and mjd is not None:
            return checked_mjd(cards, mjd)
        text = f"{modern_date(text)}T{clock[1] if clock else '00:00:00'!s}"
    return moment_of(cards, keyword, text)


def modern_date(text: str) -> str:
    """Write the FITS date of before 1999, DD/MM/YY, as YYYY-MM-DD."""
    old = OLD_DATE.fullmatch(text)
    return f"19{old[3]}-{old[2]}-{old[1]}" if old else text


def moment_of(cards: Cards, keyword: str, text: str) -> datetime:
    """Read an ISO time in the time scale that TIMESYS names."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise cards.hdu.refuse(
            keyword,
            f"is {text!r}, no date and time",
            "write it as YYYY-MM-DDThh:mm:ss or state observed_at in the rule file",
        ) from error
    scale = str(card(cards.header, "TIMESYS") or "UTC").strip().lower()
    if moment.tzinfo is not None:
        return moment.astimezone(UTC)
    if scale in UTC_NAMES:
        return moment.replace(tzinfo=UTC)
    if scale not in Time.SCALES:
        raise cards.hdu.refuse(
            "TIMESYS", f"is {scale.upper()!r}", "state observed_at in the rule file"
        )
    exact: datetime = Time(moment, scale=scale).utc.to_datetime(timezone=UTC)
    return exact


UTC_NAMES = ("utc", "ut", "gmt", "z")


def checked_mjd(cards: Cards, mjd: float) -> datetime:
    """Give an MJD (UTC) as a datetime."""
    try:
        return MJD_ZERO + timedelta(days=mjd)
    except OverflowError as error:
        raise cards.hdu.refuse("MJD-OBS", f"is {mjd}", "no such day; repair the header") from error
