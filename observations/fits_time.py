"""When a frame was taken, from the several ways in which headers say it."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from astropy.time import Time

from observations.fits_blocks import card
from observations.fits_header import Cards, number_of

MJD_ZERO = datetime(1858, 11, 17, tzinfo=UTC)
TIME_KEYWORDS = ("TIME-OBS", "UTC-OBS", "UT-OBS", "UTSTART", "UT", "UTC", "TAIHMS")
SCALE_SYNONYMS = {"ut": "utc", "gmt": "utc", "z": "utc", "iat": "tai", "tdt": "tt", "et": "tt"}
HAS_TIME = re.compile(r"\d[T ]+\d")
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
    a like keyword, else from MJD-OBS. All are in the time scale of TIMESYS, but for TAIHMS,
    whose name says that it is TAI.

    Raises
    ------
    BadImage
        When there is no such keyword, its value is no time, or a date stands without a time:
        the FITS Standard reads that as midnight, which is hours from when it was exposed.
    """
    found = cards.first(("DATE-OBS", "DATE_OBS"))
    mjd = number_of(card(cards.header, "MJD-OBS"))
    if found is None:
        if mjd is None:
            raise cards.hdu.unstated("DATE-OBS", "is missing (nor is there MJD-OBS)", "observed_at")
        return checked_mjd(cards, mjd)
    keyword, value = found
    text = str(value).strip()
    if HAS_TIME.search(text):
        return moment_of(cards, keyword, text)
    return date_and_clock(cards, keyword, text, mjd)


def date_and_clock(cards: Cards, keyword: str, date: str, mjd: float | None) -> datetime:
    """Join a date and the time of day that another keyword holds."""
    clock = cards.first(TIME_KEYWORDS)
    if clock is not None:
        scale = "tai" if clock[0] == "TAIHMS" else None
        return moment_of(cards, keyword, f"{modern_date(date)}T{clock[1]}", scale)
    if mjd is not None:
        return checked_mjd(cards, mjd)
    raise cards.hdu.unstated(
        keyword,
        f"is {date!r}, without a time of day (nor is there TIME-OBS, UT or MJD-OBS)",
        "observed_at",
    )


def modern_date(text: str) -> str:
    """Write the FITS date of before 1999, DD/MM/YY, as YYYY-MM-DD."""
    old = OLD_DATE.fullmatch(text)
    return f"19{old[3]}-{old[2]}-{old[1]}" if old else text


def moment_of(cards: Cards, keyword: str, text: str, scale: str | None = None) -> datetime:
    """Read an ISO time in a time scale, that of TIMESYS where none is given."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise cards.hdu.unstated(
            keyword, f"is {text!r}, no date and time as YYYY-MM-DDThh:mm:ss", "observed_at"
        ) from error
    if moment.tzinfo is not None:
        return moment.astimezone(UTC)
    return in_utc(moment, scale or scale_of(cards))


def scale_of(cards: Cards) -> str:
    """Give the time scale that TIMESYS names, as astropy calls it; UTC where it is absent.

    References
    ----------
    FITS Standard 4.0, section 9.2.1 (TIMESYS and its synonyms).
    """
    name = str(card(cards.header, "TIMESYS") or "UTC").strip().lower()
    scale = SCALE_SYNONYMS.get(name, name)
    if scale not in Time.SCALES or scale == "local":
        raise cards.hdu.unstated("TIMESYS", f"is {name.upper()!r}", "observed_at")
    return scale


def in_utc(moment: datetime, scale: str) -> datetime:
    """Give a time without a zone, read in ``scale``, as UTC."""
    if scale == "utc":
        return moment.replace(tzinfo=UTC)
    exact: datetime = Time(moment, scale=scale).utc.to_datetime(timezone=UTC)
    return exact


def checked_mjd(cards: Cards, mjd: float) -> datetime:
    """Give an MJD, in the time scale of TIMESYS, as a datetime."""
    try:
        moment = MJD_ZERO.replace(tzinfo=None) + timedelta(days=mjd)
    except OverflowError as error:
        raise cards.hdu.refuse("MJD-OBS", f"is {mjd}", "no such day; repair the header") from error
    return in_utc(moment, scale_of(cards))
