"""What ``manage.py check --database default`` says about stored settings."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error
from django.db import connection

from catalog import config
from catalog.models import SystemConfig


def check_settings(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Report every stored setting that cannot be used."""
    if not databases or SystemConfig._meta.db_table not in connection.introspection.table_names():
        return []
    return [
        Error("; ".join(problems), hint=f"Mend setting {key!r} in the admin.", id="catalog.E001")
        for key, problems in config.bad_rows().items()
    ]
