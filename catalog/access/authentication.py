"""Who sent a request: by a key, or by name and password where tools know nothing else."""

from typing import Any

from django.utils import timezone
from django.utils.timezone import localtime
from knox.auth import TokenAuthentication
from rest_framework.authentication import BasicAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed

from catalog.access import keys, limits, lockout, scopes
from catalog.access.models import ApiKey

_MAKE_ANOTHER = "make a new one on the page of your keys (/console/keys/)"


class KeyAuthentication(TokenAuthentication):  # type: ignore[misc]
    """``Authorization: Token KEY``, or ``Bearer KEY`` for keys that begin with astrid_."""

    def authenticate(self, request: Any) -> tuple[Any, ApiKey] | None:
        """Give the owner of the key, where it is meant for what is asked."""
        with limits.counting_refusals(request):
            found = self._found(request)
        view = (getattr(request, "parser_context", None) or {}).get("view")
        if found is not None and view is not None:
            scopes.check(found[1].scopes, scopes.needed_for(request, view))
        return found

    def _found(self, request: Any) -> tuple[Any, ApiKey] | None:
        words = get_authorization_header(request).split()
        is_bearer = len(words) == 2 and words[0].lower() == b"bearer"
        if is_bearer and words[1].startswith(keys.START.encode()):
            return self.authenticate_credentials(words[1])
        found: tuple[Any, ApiKey] | None = super().authenticate(request)
        return found

    def authenticate_credentials(self, token: bytes) -> tuple[Any, ApiKey]:
        """Give the owner of a valid key.

        Raises
        ------
        AuthenticationFailed
            If the key is unknown, expired or revoked, or its owner's account switched off.
        """
        key = keys.find(token.decode("latin-1"))
        if key is None:
            raise AuthenticationFailed(
                f"no such key: copy it again, whole, or {_MAKE_ANOTHER}", code="unknown_key"
            )
        _check(key)
        keys.note_use(key, timezone.now())
        return key.owner, key


def _check(key: ApiKey) -> None:
    name = f"the key {key.prefix}…"
    if key.revoked_at:
        said = f"{name} was revoked on {localtime(key.revoked_at):%Y-%m-%d}; {_MAKE_ANOTHER}"
        raise AuthenticationFailed(said, code="revoked_key")
    if key.expires_at and key.has_expired():
        said = f"{name} expired on {localtime(key.expires_at):%Y-%m-%d}; {_MAKE_ANOTHER}"
        raise AuthenticationFailed(said, code="expired_key")
    if not key.owner.is_active:
        said = f"{name} belongs to an account that is switched off; ask an operator"
        raise AuthenticationFailed(said, code="inactive_owner")


class PasswordAuthentication(BasicAuthentication):
    """Name and password with each request, for tools that know nothing else."""

    def authenticate_credentials(
        self, userid: str, password: str, request: Any = None
    ) -> tuple[Any, None]:
        """Give the user; say until when one is locked out.

        Raises
        ------
        TooOften
            After too many wrong passwords.
        AuthenticationFailed
            If name and password do not fit.
        """
        try:
            return super().authenticate_credentials(userid, password, request)
        except AuthenticationFailed:
            lockout.check(request._request, userid)
            raise
