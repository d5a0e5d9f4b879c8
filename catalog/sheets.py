"""One setting on a page: its form, what was typed into it, and what that would change."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import astuple
from datetime import datetime
from functools import cached_property
from typing import Any

from django.utils.dateparse import parse_datetime

from catalog import changes, keys, settingforms
from catalog.changes import Difference, Wish
from catalog.models import SystemConfig

# Where the runs are that were made with a setting.
RUNS = {
    "preprocess": "preprocessing_preprocessrun",
    "difference": "differencing_differencerun",
    "reference": "differencing_referencerun",
    "detection": "detection_modelrun",
    "retraining": "detection_trainingrun",
    "pipeline": "catalog_processingjob",
    "delivery": "curation_delivery",
    "alert_rules": "curation_alert",
}


def domain_of(key: str) -> str:
    """Name the part of the program that a setting belongs to."""
    return keys.setting_of(key).kind.__module__.partition(".")[0]


def keys_of(domain: str) -> list[str]:
    """Name the settings of a part of the program."""
    return [key for key in keys.SETTINGS if domain_of(key) == domain]


class Sheet:
    """A setting with its form; ``posted`` is what came back, None while it is only shown."""

    def __init__(self, row: SystemConfig, posted: Mapping[str, Any] | None = None) -> None:
        self.row, self.posted = row, posted
        self.setting = keys.setting_of(row.key)
        self.is_active = row.is_active if posted is None else self._name("active") in posted
        self.seen = self._seen()
        self.problems: list[str] = []

    def _name(self, part: str) -> str:
        return f"{self.row.key}-{part}"

    def _seen(self) -> datetime:
        typed = (self.posted or {}).get(self._name("seen"), "")
        try:
            return parse_datetime(typed) or self.row.updated_at
        except ValueError:
            return self.row.updated_at

    @cached_property
    def form(self) -> Any:
        """The form of one object, or those of a list of them."""
        made = settingforms.list_of if self.setting.is_list else settingforms.form_of
        form: Any = made(self.setting.kind)
        return form(self.posted, initial=self.stored, prefix=self.row.key)

    @property
    def forms(self) -> list[Any]:
        """The form of each object."""
        return list(self.form) if self.setting.is_list else [self.form]

    @property
    def stored(self) -> Any:
        """What is stored, or the defaults where that cannot be used."""
        usable = changes.is_usable(self.row.key, self.row.value)
        return self.row.value if usable else keys.default_value(self.row.key)

    @property
    def state(self) -> str:
        """What is in force."""
        problems = keys.problems_of(self.row.key, self.row.value)
        if problems:
            return f"cannot be used: {'; '.join(problems)}"
        return "in force" if self.row.is_active else "off: the defaults are in force"

    def is_valid(self) -> bool:
        """Say whether what was typed is a value of the setting; else the form says why not."""
        if not self.form.is_valid():
            return False
        found = keys.problems_of(self.row.key, self.value())
        for words in found:
            self._blame(words)
        return not found

    def _blame(self, words: str) -> None:
        """Put a problem beside the field that it names, or above all."""
        named = words.removeprefix(f"{self.row.key}.").partition(" ")[0]
        if not self.setting.is_list and named in self.form.fields:
            self.form.add_error(named, words)
        else:
            self.problems.append(words)

    def value(self) -> Any:
        """Give what was typed, as JSON."""
        if not self.setting.is_list:
            return self.form.value()
        kept = (f for f in self.form if f.has_changed() or f in self.form.initial_forms)
        return [form.value() for form in kept if not form.cleaned_data.get("DELETE")]

    def wish(self) -> Wish:
        """Give what was typed as a wish."""
        return Wish(self.row.key, self.value(), self.is_active, self.seen)

    def differences(self) -> list[Difference]:
        """Say what would change."""
        now, then = (self.row.value, self.row.is_active), (self.value(), self.is_active)
        return list(changes.differences(self.row.key, now, then))

    def look_again(self) -> None:
        """Take the row as it is now for what was seen."""
        self.row.refresh_from_db()
        self.seen = self.row.updated_at


def digest(found: Iterable[Difference]) -> str:
    """Give a short name of some differences, to know whether they are those that were shown."""
    words = repr([astuple(each) for each in found])
    return hashlib.sha256(words.encode()).hexdigest()[:16]
