"""What operators may set about the services of the Virtual Observatory."""

import re
from dataclasses import dataclass
from enum import StrEnum

from astrid.core.parameters import check_limits, tunable


class Access(StrEnum):
    """What those may see who are not signed in."""

    NOTHING = "nothing"
    PUBLISHED = "published"
    EVERYTHING = "everything"


@dataclass(frozen=True, kw_only=True)
class VoParameters:
    """Who may ask the Virtual Observatory services, for how much, and how long it may take."""

    anonymous_access: Access = tunable(  # noqa: RUF009 - a field, as dataclasses make them
        Access.PUBLISHED,
        "what those may see who are not signed in: published catalog entries and their objects, "
        "everything, or nothing",
    )
    default_rows: int = tunable(
        10_000, "rows of an answer unless MAXREC asks for another number", unit="rows", ge=1
    )
    max_rows: int = tunable(
        200_000, "rows that MAXREC may ask for", unit="rows", ge=1, le=2_000_000
    )
    sync_seconds: float = tunable(
        60.0, "time that an answer may take while the caller waits", unit="s", gt=0, le=600
    )
    async_seconds: float = tunable(
        1800.0, "time that a queued TAP job may take", unit="s", gt=0, le=3000
    )
    job_days: float = tunable(
        7.0, "how long the result of a TAP job is kept", unit="days", gt=0, le=365
    )
    upload_rows: int = tunable(10_000, "rows of an uploaded table", unit="rows", ge=1, le=100_000)

    authority: str = tunable(
        "astrid.local", "whose identifiers are given to data: ivo://AUTHORITY/..."
    )

    def __post_init__(self) -> None:
        """Refuse a default that may not be asked for, and an authority that cannot be one."""
        check_limits(self)
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.\-]{2,}", self.authority):
            raise ValueError(
                f"authority is {self.authority!r}: it must be at least three letters, digits, "
                "dots or hyphens, as in astrid.example.org"
            )
        if self.default_rows > self.max_rows:
            raise ValueError(
                f"default_rows is {self.default_rows}: it must not be above "
                f"max_rows, {self.max_rows}"
            )
