"""The two people of the demo."""

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from django.contrib.auth.models import Group, User

PASSWORD_BYTES = 9  # 72 bits, 12 characters to type


@dataclass(frozen=True)
class Account:
    """A sign-in to print; the password is None once its owner has changed it."""

    name: str
    role: str
    password: str | None


def ensure_accounts(state: Path) -> list[Account]:
    """Create the curator and the operator with random passwords, or find them again.

    The passwords are kept in the state folder, readable by its owner alone, so that a second
    ``make demo`` can print them; passwords that people have changed are left alone.
    """
    kept = state / "demo" / "accounts.json"
    known: dict[str, str] = json.loads(kept.read_text()) if kept.exists() else {}
    accounts = [_ensure(name, known) for name in ("curator", "operator")]
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.touch(mode=0o600)
    kept.write_text(json.dumps(known))
    return accounts


def _ensure(name: str, known: dict[str, str]) -> Account:
    user, is_new = User.objects.get_or_create(username=name, defaults={"is_staff": True})
    if is_new:
        known[name] = secrets.token_urlsafe(PASSWORD_BYTES)
        user.set_password(known[name])
        user.save()
    user.groups.add(Group.objects.get(name=name))
    password = known.get(name)
    is_kept = password is not None and user.check_password(password)
    return Account(name, name, password if is_kept else None)
