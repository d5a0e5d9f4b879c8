"""Settings as the pipeline reads them: one frozen dataclass per key, row or default."""

from typing import Any

from django.db import connection, transaction

from catalog import keys
from catalog.models import SystemConfig


def get(key: str) -> Any:
    """Give the setting in force: the active row's value, or the default where there is none.

    Raises
    ------
    BadParameters
        If the key is unknown, or the stored value does not fit; a bad value is never
        replaced by the default.
    """
    row = SystemConfig.objects.filter(key=key, is_active=True).values_list("value").first()
    return keys.setting_of(key).default() if row is None else keys.parse(key, row[0])


@transaction.atomic
def put(key: str, value: Any) -> SystemConfig:
    """Check a JSON value and bring it into force.

    Raises
    ------
    BadParameters
        If the value does not fit; nothing is written then.
    """
    checked = keys.plain(keys.parse(key, value))
    changes = {"value": checked, "is_active": True}
    row, _ = SystemConfig.objects.update_or_create(key=key, defaults=changes)
    row.refresh_from_db()
    return row


def ensure_defaults() -> int:
    """Write the default of every setting that has no row yet; say how many were written."""
    stored = set(SystemConfig.objects.values_list("key", flat=True))
    rows = [
        SystemConfig(key=key, value=keys.default_value(key), description=setting.description)
        for key, setting in keys.SETTINGS.items()
        if key not in stored
    ]
    # Another process may write the same rows at the same time: its rows are as good.
    SystemConfig.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def write_defaults(**_: Any) -> None:
    """Show staff every setting after a migration; ``post_migrate`` of this app calls it."""
    if SystemConfig._meta.db_table in connection.introspection.table_names():
        ensure_defaults()


def bad_rows() -> dict[str, list[str]]:
    """Give, per stored key, what is wrong with it; keys without faults are left out."""
    stored = SystemConfig.objects.values_list("key", "value")
    found = {
        key: keys.problems_of(key, value)
        if key in keys.SETTINGS
        else [f"no setting is called {key!r}; delete the row or install the app that reads it"]
        for key, value in stored
    }
    return {key: problems for key, problems in found.items() if problems}
