"""Who of this site is meant by a token of an outside issuer: found by issuer and subject alone."""

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from django.contrib.auth.models import Group, User
from django.db import IntegrityError, transaction
from rest_framework.exceptions import AuthenticationFailed

from catalog.access.issuers import Issuer
from catalog.access.models import ExternalIdentity
from catalog.audit import audited_as
from curation.roles import ROLES

_LONGEST_SUBJECT = 255
_ASCENDING = list(ROLES)


def person_of(issuer: Issuer, claims: Mapping[str, Any]) -> User:
    """Give the user that verified claims name, with the role that they give.

    Raises
    ------
    AuthenticationFailed
        If nobody is known by them and none may be made, or the account is switched off.
    """
    subject = claims["sub"]
    if not 0 < len(subject) <= _LONGEST_SUBJECT or "\0" in subject:
        raise AuthenticationFailed("the token names its subject (sub) badly", code="bad_token")
    identity = _found(issuer, subject) or _made(issuer, subject, claims)
    if not identity.user.is_active:
        raise AuthenticationFailed(
            "the account of this token is switched off; ask an operator", code="inactive_owner"
        )
    if identity.follows_issuer:
        with _told_by(issuer):
            _follow(identity, role_for(issuer, claims))
    return identity.user


def _told_by(issuer: Issuer) -> AbstractContextManager[None]:
    return audited_as(f"issuer:{issuer.issuer}"[:100])


def _found(issuer: Issuer, subject: str) -> ExternalIdentity | None:
    rows = ExternalIdentity.objects.select_related("user")
    return rows.filter(issuer=issuer.issuer, subject=subject).first()


def _made(issuer: Issuer, subject: str, claims: Mapping[str, Any]) -> ExternalIdentity:
    if not issuer.create_users:
        raise AuthenticationFailed(
            f"the token is valid, but nobody here is known as {subject!r} of {issuer.issuer}; "
            "ask an operator to link an account",
            code="unknown_person",
        )
    try:
        with _told_by(issuer), transaction.atomic():
            user = User.objects.create_user(_name_for(issuer, subject), _email(claims))
            return ExternalIdentity.objects.create(
                user=user, issuer=issuer.issuer, subject=subject, follows_issuer=True
            )
    except IntegrityError:  # another request made the same row a moment ago
        return ExternalIdentity.objects.select_related("user").get(
            issuer=issuer.issuer, subject=subject
        )


def _name_for(issuer: Issuer, subject: str) -> str:
    """Make a user name that nobody has: what somebody calls himself takes no account over."""
    readable = re.sub(r"[^\w.@+-]", "_", f"{subject}@{urlsplit(issuer.issuer).hostname}")
    return f"{readable[:100]}-{uuid4().hex[:8]}"


def _email(claims: Mapping[str, Any]) -> str:
    """Give the e-mail address where the issuer vouches for it."""
    address = claims.get("email")
    is_sure = claims.get("email_verified") is True
    return address if is_sure and isinstance(address, str) and len(address) <= 254 else ""


def role_for(issuer: Issuer, claims: Mapping[str, Any]) -> str:
    """Give the highest role that the claims give; empty where they give none."""
    given = [issuer.roles[value] for value in _values(issuer, claims) if value in issuer.roles]
    return max(given, key=_ASCENDING.index, default=issuer.default_role)


def _values(issuer: Issuer, claims: Mapping[str, Any]) -> list[str]:
    found: Any = claims
    for step in issuer.role_claim.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    values = found if isinstance(found, list) else [found]
    return [value for value in values if isinstance(value, str)]


def _follow(identity: ExternalIdentity, role: str) -> None:
    """Give the account the role that its issuer tells now, in place of the one it told before."""
    if identity.role == role:
        return
    with transaction.atomic():
        row = ExternalIdentity.objects.select_for_update().get(pk=identity.pk)
        groups = Group.objects.filter(name__in=ROLES)
        identity.user.groups.remove(*groups)
        identity.user.groups.add(*groups.filter(name=role))
        row.role = role
        row.save(update_fields=["role", "updated_at"])
