"""Making, finding and revoking keys. A key is shown once: to whoever made it, when it is made."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from knox.crypto import create_token_string, hash_token

from astrid.core.errors import AstridError
from catalog import config
from catalog.access.models import ApiKey, KeyKind, ServiceAccount
from catalog.access.parameters import AccessParameters
from catalog.access.scopes import EVERYTHING, SCOPES
from curation.roles import ROLES

MANAGES_SERVICES = "catalog.add_serviceaccount"
START = "astrid_"  # by which people, and programs that look for leaked secrets, know a key
_PREFIX = 15
_USE_IS_NOTED = timedelta(minutes=1)
_KEPT_LOGINS = timedelta(days=30)


class BadKey(AstridError):
    """A key that cannot be made."""


@dataclass(frozen=True)
class Wanted:
    """What a new key is to be; ``days`` of None takes the setting."""

    name: str
    scopes: Collection[str]
    days: int | None = None
    kind: KeyKind = KeyKind.PERSONAL


def issue(owner: Any, wanted: Wanted, *, by: Any) -> tuple[ApiKey, str]:
    """Make a key; give its row, and the key itself, which is kept nowhere.

    Raises
    ------
    BadKey
        If it has no name or scope, an unknown scope, or lives for longer than keys may.
    """
    rules: AccessParameters = config.get("access")
    days = _days_of(wanted, rules)
    if not 0 < len(wanted.name.strip()) <= 100:
        raise BadKey(f"the name has {len(wanted.name.strip())} characters; it must have 1 to 100")
    unknown = sorted(set(wanted.scopes) - set(SCOPES))
    if unknown or not wanted.scopes:
        raise BadKey(f"{unknown or 'nothing'} is no scope; there are {', '.join(SCOPES)}")
    secret = START + create_token_string()
    key = ApiKey.objects.create(
        owner=owner,
        kind=wanted.kind,
        name=wanted.name.strip(),
        prefix=secret[:_PREFIX],
        digest=hash_token(secret),
        scopes=sorted(set(wanted.scopes)),
        expires_at=timezone.now() + timedelta(days=days),
        created_by=by,
    )
    return key, secret


def make(
    person: Any,
    name: str,
    scopes: Collection[str],
    days: int | None = None,
    service: ServiceAccount | None = None,
) -> tuple[ApiKey, str]:
    """Make a key for a person, or for a service account that they keep.

    Raises
    ------
    BadKey
        As :func:`issue` does.
    """
    kind = KeyKind.SERVICE if service else KeyKind.PERSONAL
    owner = service.user if service else person
    return issue(owner, Wanted(name, scopes, days, kind), by=person)


def kept_by(person: Any) -> Q:
    """Choose the keys that a person may see and revoke."""
    mine = Q(owner=person)
    return mine | Q(kind=KeyKind.SERVICE) if person.has_perm(MANAGES_SERVICES) else mine


def _days_of(wanted: Wanted, rules: AccessParameters) -> int:
    if wanted.kind == KeyKind.LOGIN:
        return rules.login_days
    days = rules.key_days if wanted.days is None else wanted.days
    if not 1 <= days <= rules.longest_key_days:
        raise BadKey(f"{days} days are asked for; a key holds for 1 to {rules.longest_key_days}")
    return days


@transaction.atomic
def sign_in(user: Any) -> tuple[ApiKey, str]:
    """Make the key of somebody who gave name and password, and drop such keys of long ago."""
    old = timezone.now() - _KEPT_LOGINS
    ended = Q(revoked_at__lt=old) | Q(expires_at__lt=old)
    ApiKey.objects.filter(ended, owner=user, kind=KeyKind.LOGIN).delete()
    return issue(user, Wanted("signed in", [EVERYTHING], kind=KeyKind.LOGIN), by=user)


def find(secret: str) -> ApiKey | None:
    """Give the key that somebody holds, with its owner; valid or not."""
    if not secret.isascii():
        return None
    found = ApiKey.objects.select_related("owner").filter(digest=hash_token(secret))
    return found.first()


def note_use(key: ApiKey, now: datetime) -> None:
    """Write down that a key was used, at most once a minute."""
    since = now - _USE_IS_NOTED
    if key.last_used_at is not None and key.last_used_at > since:
        return
    unnoted = Q(last_used_at__isnull=True) | Q(last_used_at__lte=since)
    ApiKey.objects.filter(unnoted, pk=key.pk).update(last_used_at=now)


def revoke(key: ApiKey) -> None:
    """Take a key back for good; doing so again changes nothing."""
    ApiKey.objects.filter(pk=key.pk, revoked_at__isnull=True).update(revoked_at=timezone.now())


def revoke_all(user: Any) -> int:
    """Take back every key of a person; say how many."""
    held = ApiKey.objects.filter(owner=user, revoked_at__isnull=True)
    return held.update(revoked_at=timezone.now())


@transaction.atomic
def make_service(name: str, purpose: str, role: str, *, by: Any) -> ServiceAccount:
    """Make an account for a program; it has a role, and no password.

    Raises
    ------
    BadKey
        If the name is taken or there is no such role.
    """
    if role not in ROLES:
        raise BadKey(f"{role!r} is no role; there are {', '.join(ROLES)}")
    if User.objects.filter(username=name).exists():
        raise BadKey(f"an account is called {name!r} already; choose another name")
    user = User.objects.create_user(name)
    user.groups.add(Group.objects.get(name=role))
    return ServiceAccount.objects.create(user=user, purpose=purpose, created_by=by)
