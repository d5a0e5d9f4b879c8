"""What operators may set about keys, and how often everybody may ask."""

from dataclasses import dataclass

from astrid.core.parameters import check_limits, tunable


@dataclass(frozen=True, kw_only=True)
class AccessParameters:
    """How long keys hold."""

    key_days: int = tunable(
        90, "life of a new key where nothing else is asked for", unit="days", ge=1, le=3650
    )
    longest_key_days: int = tunable(
        365, "longest life that may be asked for", unit="days", ge=1, le=3650
    )
    login_days: int = tunable(
        30, "life of a key that signing in over the API gives", unit="days", ge=1, le=3650
    )

    def __post_init__(self) -> None:
        """Refuse a life that may not be asked for."""
        check_limits(self)
        if self.key_days > self.longest_key_days:
            raise ValueError(
                f"key_days is {self.key_days}: it must not be above longest_key_days, "
                f"{self.longest_key_days}"
            )
