"""The outside issuers whose tokens this site takes, as the environment names them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured
from pydantic import ConfigDict, TypeAdapter, ValidationError

from curation.roles import ROLES

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_SHORTEST_SECRET = 32  # bytes that HS256 wants (RFC 7518, section 3.2)


@dataclass(frozen=True, kw_only=True)
class Issuer:
    """Whose tokens are taken, for whom they must be made out, and whom they make somebody.

    Attributes
    ----------
    issuer, audience : str
        What the claims iss and aud must say.
    jwks_url : str
        Where the public keys lie; empty: as the issuer's openid-configuration says.
    secret : str
        Shared secret of tokens signed with HS256; then no public key is asked for.
    role_claim : str
        The claim with the role, or a list of them; dots lead into objects.
    roles : mapping
        Which value of that claim gives which role of this site; others give none.
    default_role : str
        Role where the claim gives none; empty: no role.
    create_users : bool
        Whether somebody who was never seen gets an account.
    leeway_seconds : float
        How much the clocks may differ.
    """

    issuer: str
    audience: str
    jwks_url: str = ""
    secret: str = ""
    role_claim: str = ""
    roles: Mapping[str, str] = field(default_factory=dict)
    default_role: str = ""
    create_users: bool = False
    leeway_seconds: float = 30.0

    def __post_init__(self) -> None:
        """Refuse what would let in too many, or nobody."""
        for name in ("issuer", "jwks_url"):
            check_address(name, getattr(self, name))
        if not self.issuer or not self.audience:
            raise ValueError("issuer and audience must both be given")
        if self.secret and len(self.secret.encode()) < _SHORTEST_SECRET:
            raise ValueError(f"secret is shorter than {_SHORTEST_SECRET} bytes")
        unknown = sorted({*self.roles.values(), self.default_role} - {*ROLES, ""})
        if unknown:
            raise ValueError(f"{unknown} are no roles; there are {', '.join(ROLES)}")
        if not 0 <= self.leeway_seconds <= 300:
            raise ValueError(f"leeway_seconds is {self.leeway_seconds}: it must be 0 to 300")


def check_address(name: str, address: str) -> None:
    """Refuse an address that anybody on the way could answer for.

    Raises
    ------
    ValueError
        If it is not https, nor one of this host.
    """
    parts = urlsplit(address)
    is_safe = parts.scheme == "https" or parts.hostname in _LOOPBACK
    if address and not (is_safe and parts.scheme in ("http", "https")):
        raise ValueError(f"{name} is {address!r}: it must begin with https://")


_SHAPE = TypeAdapter(
    tuple[Issuer, ...],
    config=ConfigDict(extra="forbid"),
)


def known() -> Mapping[str, Issuer]:
    """Give the issuers by their names.

    Raises
    ------
    ImproperlyConfigured
        If ``JWT_ISSUERS`` cannot be used; the message says why.
    """
    return _parsed(settings.JWT_ISSUERS)


@cache
def _parsed(text: str) -> Mapping[str, Issuer]:
    try:
        found = _SHAPE.validate_json(text or "[]")
    except ValidationError as error:
        told = "; ".join(_in_words(each) for each in error.errors(include_input=False))
        raise ImproperlyConfigured(f"JWT_ISSUERS cannot be used: {told}") from error
    by_name = {each.issuer: each for each in found}
    if len(by_name) < len(found):
        raise ImproperlyConfigured("JWT_ISSUERS names an issuer twice")
    return by_name


def _in_words(detail: Any) -> str:
    place = ".".join(str(step) for step in detail["loc"])
    return f"{place}: {detail['msg']}" if place else str(detail["msg"])


def check_issuers(**_: Any) -> Sequence[CheckMessage]:
    """Report what is wrong with ``JWT_ISSUERS`` when a program starts."""
    try:
        known()
    except ImproperlyConfigured as error:
        return [Error(str(error), hint="docs/access.md shows how to write it.", id="catalog.E002")]
    return []
