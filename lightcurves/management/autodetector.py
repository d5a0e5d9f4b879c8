"""What a migration is needed for: tables. A kind has none."""

from typing import Any

from django.db.migrations.autodetector import MigrationAutodetector

from lightcurves.models.kinds import is_kind


class TableAutodetector(MigrationAutodetector):
    """Django's, blind to kinds: it would write an empty migration for every proxy class."""

    def __init__(self, from_state: Any, to_state: Any, questioner: Any = None) -> None:
        for key in [key for key in to_state.models if is_kind(*key)]:
            del to_state.models[key]
        super().__init__(from_state, to_state, questioner)
