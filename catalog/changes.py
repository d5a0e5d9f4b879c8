"""Changes of settings by people: checked, with a reason, none on top of one that was not seen."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from astrid.core.errors import AstridError, BadParameters
from catalog import keys
from catalog.fieldhelp import shown
from catalog.models import SettingChange, SystemConfig

_ON, _OFF = "in force", "off, the defaults are in force"


class Overtaken(AstridError):
    """Somebody else changed the setting since it was read; the message says who and what."""


class NoReason(AstridError):
    """A change without a word why."""


@dataclass(frozen=True)
class Wish:
    """What somebody wants a setting to be, and when the row they looked at was last changed."""

    key: str
    value: Any
    is_active: bool
    seen: datetime | None = None


@dataclass(frozen=True)
class Difference:
    """One field of a setting, before and after."""

    key: str
    field: str
    before: str
    after: str


@transaction.atomic
def make(wishes: Sequence[Wish], *, by: User | None, reason: str) -> list[SettingChange]:
    """Bring wishes into force, all or none; those that change nothing leave no trace.

    Raises
    ------
    NoReason
        If the reason is empty.
    BadParameters
        If a value does not fit its key, or a key is unknown.
    Overtaken
        If a setting was changed after the wish was made.
    """
    if not reason.strip():
        raise NoReason("Say why: the reason is kept with the change.")
    found = [_make(wish, by, reason.strip()) for wish in sorted(wishes, key=lambda w: w.key)]
    return [change for change in found if change is not None]


def _make(wish: Wish, by: User | None, reason: str) -> SettingChange | None:
    value = keys.plain(keys.parse(wish.key, wish.value))
    row = SystemConfig.objects.select_for_update().get(key=wish.key)
    if wish.seen is not None and row.updated_at != wish.seen:
        raise Overtaken(_meanwhile(row, wish.seen))
    if (row.value, row.is_active) == (value, wish.is_active):
        return None
    change = SettingChange(
        setting=row, made_by=by, reason=reason, value_before=row.value, value_after=value,
        was_active=row.is_active, is_active=wish.is_active,
    )  # fmt: skip
    row.value, row.is_active = value, wish.is_active
    row.save(update_fields=["value", "is_active", "updated_at"])
    change.save()
    return change


def revert(change: SettingChange, *, by: User, reason: str) -> SettingChange | None:
    """Make the value before a change the one in force again: a new change.

    Raises
    ------
    BadParameters
        If the present version cannot use that value any more.
    """
    wish = Wish(change.setting.key, change.value_before, change.was_active)
    return next(iter(make([wish], by=by, reason=reason)), None)


def _meanwhile(row: SystemConfig, seen: datetime) -> str:
    changes = row.history.filter(created_at__gt=seen).select_related("made_by").order_by("id")
    said = [f"{_who(each)} {in_words(differences_of(each))}" for each in changes]
    words = "; ".join(said) or "it was changed by the program"
    return f"{row.key} was changed meanwhile: {words}. Look at it again, then save."


def _who(change: SettingChange) -> str:
    return change.made_by.get_username() if change.made_by else "the program"


def in_words(found: Iterable[Difference]) -> str:
    """Write differences as a sentence."""
    return "changed " + "; ".join(f"{d.field} from {d.before} to {d.after}" for d in found)


def differences_of(change: SettingChange) -> list[Difference]:
    """Give what a change changed, field by field."""
    before, after = (change.value_before, change.was_active), (change.value_after, change.is_active)
    return list(differences(change.setting.key, before, after))


def differences(
    key: str, before: tuple[Any, bool], after: tuple[Any, bool]
) -> Iterator[Difference]:
    """Compare two values of a setting, each with whether it is in force."""
    (old, was_active), (new, is_active) = before, after
    if isinstance(old, list) and isinstance(new, list):
        old, new = _by_name(old), _by_name(new)
    if isinstance(old, dict) and isinstance(new, dict):
        for name in dict.fromkeys([*old, *new]):
            if old.get(name) != new.get(name):
                yield Difference(key, name, _shown(old, name), _shown(new, name))
    elif old != new:
        yield Difference(key, "value", shown(old), shown(new))
    if was_active != is_active:
        yield Difference(key, "state", *(_ON if each else _OFF for each in (was_active, is_active)))


def _by_name(items: list[Any]) -> dict[str, Any]:
    return {str(item.get("name", n)): item for n, item in enumerate(items)}


def _shown(value: dict[str, Any], name: str) -> str:
    return shown(value[name]) if name in value else "nothing"


def is_usable(key: str, value: Any) -> bool:
    """Say whether the present version can use a value."""
    try:
        return not keys.problems_of(key, value)
    except BadParameters:
        return False
