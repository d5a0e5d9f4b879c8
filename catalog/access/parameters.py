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


@dataclass(frozen=True, kw_only=True)
class RateParameters:
    """Requests within a minute: a number for each role, and which part of it a group gets."""

    anonymous: int = tunable(
        300, "of somebody not signed in, by address", unit="a minute", ge=1, le=1_000_000
    )
    guest: int = tunable(300, "of a guest", unit="a minute", ge=1, le=1_000_000)
    viewer: int = tunable(600, "of a viewer", unit="a minute", ge=1, le=1_000_000)
    curator: int = tunable(1200, "of a curator", unit="a minute", ge=1, le=1_000_000)
    researcher: int = tunable(1200, "of a researcher", unit="a minute", ge=1, le=1_000_000)
    admin: int = tunable(3000, "of an admin", unit="a minute", ge=1, le=1_000_000)
    service: int = tunable(6000, "of each service key", unit="a minute", ge=1, le=1_000_000)
    write_share: float = tunable(0.5, "part of them that may write", gt=0, le=1)
    vo_share: float = tunable(
        1.0, "part of them that may ask the Virtual Observatory services", gt=0, le=1
    )
    infer_share: float = tunable(0.1, "part of them that may ask the networks", gt=0, le=1)
    sign_in: int = tunable(
        20, "times that an address may send names and passwords", unit="a minute", ge=1
    )
    refused: int = tunable(
        30, "keys and tokens of an address that open nothing", unit="a minute", ge=1
    )

    def __post_init__(self) -> None:
        """Refuse limits that let nobody in."""
        check_limits(self)

    def limit(self, role: str, group: str) -> int:
        """Give how many requests of a group a role may send within a minute."""
        if group == "sign_in":
            return self.sign_in
        whole: int = getattr(self, {"superuser": "admin"}.get(role, role))
        share: float = getattr(self, f"{group}_share", 1.0)
        return max(1, int(whole * share))
