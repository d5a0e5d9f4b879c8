"""JSON Web Tokens of outside issuers (RFC 7519), checked before anything in them is believed.

Public-key tokens are checked by the key that the issuer publishes under their key id, tokens
with HS256 by the shared secret; which of the two an issuer uses is settled by its configuration,
never by the token (RFC 8725, section 3.1).
"""

from typing import Any

import jwt
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed

from catalog.access import issuers, limits, people, published_keys
from catalog.access.issuers import Issuer
from catalog.access.keys import START

PUBLIC_KEY = ("RS256", "ES256", "EdDSA")
SHARED_SECRET = ("HS256",)
_NEEDED = ["exp", "iat", "iss", "aud", "sub"]
_LONGEST = 16_384  # bytes
_WRONG: dict[type[BaseException], str] = {
    jwt.ExpiredSignatureError: "the token has expired; sign in at its issuer again",
    jwt.ImmatureSignatureError: "the token is not valid yet; compare the clocks",
    jwt.InvalidAudienceError: "the token is made out for somebody else (aud)",
    jwt.InvalidSignatureError: "the token is not signed by its issuer",
    jwt.InvalidAlgorithmError: "the token is signed in a way that is not taken",
}


class JwtAuthentication(BaseAuthentication):
    """``Authorization: Bearer`` with a token of an issuer in ``JWT_ISSUERS``."""

    def authenticate(self, request: Any) -> tuple[Any, dict[str, Any]] | None:
        """Give whom a valid token names, and its claims.

        Raises
        ------
        AuthenticationFailed
            If the token is not valid, or names nobody of this site.
        """
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != b"bearer":
            return None
        with limits.counting_refusals(request):
            return self._found(words)

    def _found(self, words: list[bytes]) -> tuple[Any, dict[str, Any]]:
        if len(words) != 2 or words[1].count(b".") != 2 or len(words[1]) > _LONGEST:
            raise AuthenticationFailed(
                f"what follows Bearer is neither a key ({START}...) nor a JSON Web Token",
                code="malformed",
            )
        issuer, claims = claims_of(words[1])
        return people.person_of(issuer, claims), claims

    def authenticate_header(self, request: Any) -> str:
        """Name the scheme."""
        return 'Bearer realm="AstrID"'


def claims_of(token: bytes) -> tuple[Issuer, dict[str, Any]]:
    """Check a token; give its issuer and what it says.

    Raises
    ------
    AuthenticationFailed
        If it is not valid; the message says why.
    IssuerAway
        If the keys to check it by cannot be had.
    """
    try:
        issuer = _issuer_of(token)
        key, algorithms = _key_of(issuer, jwt.get_unverified_header(token))
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=algorithms,
            audience=issuer.audience,
            issuer=issuer.issuer,
            leeway=issuer.leeway_seconds,
            options={"require": _NEEDED, "enforce_minimum_key_length": True},
        )
    except (jwt.PyJWTError, RecursionError) as error:  # deeply nested JSON ends in the latter
        told = _WRONG.get(type(error), f"the token cannot be used: {str(error)!a}")
        raise AuthenticationFailed(told, code="bad_token") from error
    return issuer, claims


def _issuer_of(token: bytes) -> Issuer:
    """Find the configured issuer that a token claims to be of; that it is, is checked later."""
    claimed = jwt.decode(token, options={"verify_signature": False}).get("iss")
    found = issuers.known().get(claimed) if isinstance(claimed, str) else None
    if found is None:
        said = f"the token is of {str(claimed)[:100]!a}, whose tokens are not taken here"
        raise AuthenticationFailed(said, code="unknown_issuer")
    return found


def _key_of(issuer: Issuer, header: dict[str, Any]) -> tuple[Any, list[str]]:
    allowed = SHARED_SECRET if issuer.secret else PUBLIC_KEY
    if header.get("alg") not in allowed:
        raise jwt.InvalidAlgorithmError(str(header.get("alg")))
    if issuer.secret:
        return issuer.secret, list(SHARED_SECRET)
    if not (kid := header.get("kid")):
        raise AuthenticationFailed("the token names no key (kid)", code="bad_token")
    return published_keys.of(issuer).key(kid), list(PUBLIC_KEY)
