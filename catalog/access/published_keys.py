"""The public keys of an issuer: fetched once, kept for a while, asked for anew after a change."""

import threading
import time
from functools import cache
from http.client import HTTPException
from typing import Any

import requests
from jwt import PyJWK, PyJWKClient
from jwt.exceptions import PyJWKClientConnectionError, PyJWKClientError, PyJWTError
from rest_framework.exceptions import APIException, AuthenticationFailed

from catalog.access.issuers import Issuer, check_address

KEPT_S = 600.0  # after so long a key that the issuer withdrew is trusted no more
UNKNOWN_AGAIN_S = 10.0  # made-up key ids make us ask no more often than this
AWAY_AGAIN_S = 10.0
TIMEOUT_S = 5.0


class IssuerAway(APIException):
    """An issuer whose keys cannot be had; until they can, nobody is let in by its tokens."""

    status_code = 503
    default_code = "issuer_away"
    wait = AWAY_AGAIN_S  # becomes Retry-After


class PublishedKeys:
    """The keys of one issuer."""

    def __init__(self, issuer: str, jwks_url: str) -> None:
        self._issuer = issuer
        self._jwks_url = jwks_url
        self._client: PyJWKClient | None = None
        self._lock = threading.Lock()
        self._away_until = 0.0

    def key(self, kid: str) -> PyJWK:
        """Give the key of this id.

        Raises
        ------
        AuthenticationFailed
            If the issuer publishes no such key.
        IssuerAway
            If the keys are not known and cannot be fetched.
        """
        with self._lock:
            if found := self._kept(kid):
                return found
            if time.monotonic() < self._away_until:
                raise self._away("it did not answer a moment ago")
            try:
                return self._asked().get_signing_key(kid)
            except (PyJWKClientConnectionError, requests.RequestException, OSError) as error:
                raise self._now_away("it does not answer") from error
            except (HTTPException, ValueError) as error:
                raise self._now_away("its answer cannot be read") from error
            except PyJWKClientError as error:
                said = f"{self._issuer} publishes no key {kid[:40]!a}"
                raise AuthenticationFailed(said, code="unknown_key") from error
            except PyJWTError as error:
                raise self._now_away("what it publishes are no keys") from error

    def _kept(self, kid: str) -> PyJWK | None:
        """Give a key without asking: what others make up must not keep the known ones out."""
        client = self._client
        if client is None or client.jwk_set_cache is None or client.jwk_set_cache.is_expired():
            return None
        return client.match_kid(client.get_signing_keys(), kid)

    def _asked(self) -> PyJWKClient:
        if self._client is None:
            self._client = PyJWKClient(
                self._jwks_url or _discovered(self._issuer),
                lifespan=KEPT_S,
                timeout=TIMEOUT_S,
                cooldown_duration=UNKNOWN_AGAIN_S,
            )
        return self._client

    def _now_away(self, why: str) -> IssuerAway:
        self._away_until = time.monotonic() + AWAY_AGAIN_S
        return self._away(why)

    def _away(self, why: str) -> IssuerAway:
        return IssuerAway(f"the keys of {self._issuer} cannot be had, {why}; try again in a moment")


def _discovered(issuer: str) -> str:
    """Ask an issuer where its keys are (OpenID Connect Discovery 1.0, section 4)."""
    address = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    answer = requests.get(address, timeout=TIMEOUT_S, allow_redirects=False)
    answer.raise_for_status()
    told: Any = answer.json()
    if not isinstance(told, dict) or told.get("issuer") != issuer:
        raise ValueError(f"{address} speaks of another issuer")
    jwks_url = str(told.get("jwks_uri"))
    check_address("jwks_uri", jwks_url)
    return jwks_url


def of(issuer: Issuer) -> PublishedKeys:
    """Give the keys of an issuer, kept by this process."""
    return _kept_for(issuer.issuer, issuer.jwks_url)


@cache
def _kept_for(issuer: str, jwks_url: str) -> PublishedKeys:
    return PublishedKeys(issuer, jwks_url)
