"""Every setting that staff may change: its type, its default, and how it is checked.

A setting is a frozen dataclass (or a list of them) of the app that uses it. Nothing here
touches the database: :mod:`catalog.config` reads the rows.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, asdict, dataclass, fields
from functools import cache
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from astrid.core.errors import BadParameters
from astrid.core.parameters import check_limits, tunable
from catalog.access.parameters import AccessParameters, RateParameters
from catalog.fieldhelp import FieldHelp, lines_of, shown
from catalog.vo.parameters import VoParameters
from curation.parameters import (
    AlertRuleSpec,
    DeliveryPolicy,
    RetrainingParameters,
    ReviewOrder,
    ReviewPolicy,
)
from detection.parameters import DetectionParameters, PromotionMargins, WatchParameters
from differencing.parameters import DifferenceParameters
from differencing.references.parameters import ReferenceParameters
from preprocessing.parameters import PreprocessParameters

# Strict: "5" is no number and true is no count. Values come from JSON, so lists become tuples.
_STRICT = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True, kw_only=True)
class PipelineParameters:
    """How the pipeline starts, repeats and reclaims work."""

    max_retries: int = tunable(3, "tries after the first one", ge=0, le=20)
    backoff_seconds: float = tunable(
        30.0, "wait before the first retry; doubles each time", unit="s", gt=0
    )
    max_backoff_seconds: float = tunable(3600.0, "longest wait before a retry", unit="s", gt=0)
    sweep_limit: int = tunable(500, "work started by one sweep", unit="rows", ge=1, le=100_000)

    def __post_init__(self) -> None:
        """Refuse waits that could never be reached."""
        check_limits(self)
        if self.max_backoff_seconds < self.backoff_seconds:
            raise ValueError(
                f"max_backoff_seconds is {self.max_backoff_seconds}: it must not be below "
                f"backoff_seconds, {self.backoff_seconds}"
            )


@dataclass(frozen=True)
class Setting:
    """One key: the dataclass behind it, and whether it holds a list of them, told by name."""

    key: str
    kind: type
    description: str
    default: Callable[[], Any]
    is_list: bool = False


def _no_items() -> tuple[Any, ...]:
    return ()


SETTINGS: Mapping[str, Setting] = {
    key: Setting(key, kind, description, kind)
    for key, kind, description in (
        ("preprocess", PreprocessParameters, "Masking, sky, star finding and registration."),
        ("difference", DifferenceParameters, "PSF, subtraction and extraction of candidates."),
        (
            "reference",
            ReferenceParameters,
            "Which frames are stacked into references, and when a better one replaces another.",
        ),
        ("detection", DetectionParameters, "Scores, sky objects and cutouts."),
        (
            "model_promotion",
            PromotionMargins,
            "What a new network must show on real stamps before it may come into force.",
        ),
        ("watch", WatchParameters, "When the scores of a network count as drifting."),
        (
            "review",
            ReviewPolicy,
            "How many verdicts settle a detection, and for how long a curator keeps one.",
        ),
        (
            "review_order",
            ReviewOrder,
            "What curators are asked first, and how many verdicts go to a random sample.",
        ),
        ("retraining", RetrainingParameters, "What a verdict is worth to a network."),
        ("delivery", DeliveryPolicy, "How long and how often an alert message is tried."),
        ("pipeline", PipelineParameters, "Retries, waits and the sweep that starts what is due."),
        ("access", AccessParameters, "How long the keys of programs hold."),
        ("rates", RateParameters, "How often one may ask the API within a minute."),
        ("vo", VoParameters, "What the Virtual Observatory services show, to whom and how much."),
    )
} | {
    "alert_rules": Setting(
        "alert_rules",
        AlertRuleSpec,
        "When to tell whom. A list: every rule is looked at for every detection.",
        _no_items,
        is_list=True,
    )
}


def setting_of(key: str) -> Setting:
    """Give the setting behind a key.

    Raises
    ------
    BadParameters
        If no setting has this key; the message lists those that exist.
    """
    if key not in SETTINGS:
        raise BadParameters(f"no setting is called {key!r}; there are {', '.join(SETTINGS)}")
    return SETTINGS[key]


def parse(key: str, value: Any) -> Any:
    """Turn a JSON value into the frozen dataclass (or tuple of them) of ``key``.

    Fields left out take their defaults.

    Raises
    ------
    BadParameters
        If the key is unknown or the value does not fit; the message names key, field, value
        and what is allowed.
    """
    problems = problems_of(key, value)
    if problems:
        raise BadParameters("; ".join(problems))
    parsed = _validate(key, value)
    return parsed if setting_of(key).is_list else parsed[0]


def problems_of(key: str, value: Any) -> list[str]:
    """Say in words what is wrong with a value, field by field; empty when nothing is."""
    setting = setting_of(key)
    if setting.is_list and not isinstance(value, list):
        return [f"{key} is {shown(value)}: it must be a list of {setting.kind.__name__} objects"]
    try:
        _validate(key, value)
    except ValidationError as error:
        return [_in_words(setting, detail) for detail in error.errors(include_url=False)]
    return _name_clashes(key, value) if setting.is_list else []


def _name_clashes(key: str, items: list[dict[str, Any]]) -> list[str]:
    counts = Counter(item["name"] for item in items)
    return [
        f"{key} has {count} items named {shown(name)}: names must differ"
        for name, count in counts.items()
        if count > 1
    ]


def plain(value: Any) -> Any:
    """Give a parsed setting as JSON: objects, lists, numbers and text."""
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return json.loads(json.dumps(asdict(value)))


def default_value(key: str) -> Any:
    """Give the default of a key as JSON."""
    return plain(setting_of(key).default())


def plain_default(column: Field[Any]) -> Any:
    """Give the default of a field as JSON; None where the value must be given."""
    return None if column.default is MISSING else json.loads(json.dumps(column.default))


def help_of(key: str) -> list[FieldHelp]:
    """List the fields of a setting with unit, meaning, default and limits."""
    return list(lines_of(setting_of(key).kind))


def json_schema(key: str) -> dict[str, Any]:
    """Give the JSON schema of a value of ``key``."""
    schema = _adapter(setting_of(key).kind).json_schema()
    if setting_of(key).is_list:
        return schema
    one: dict[str, Any] = {**schema["items"], "$defs": schema.get("$defs", {})}
    return one


@cache
def _adapter(kind: type) -> TypeAdapter[Any]:
    # A tuple, because pydantic takes the config of a plain dataclass only from outside it.
    return TypeAdapter(tuple[kind, ...], config=_STRICT)  # type: ignore[valid-type]


def _validate(key: str, value: Any) -> tuple[Any, ...]:
    setting = setting_of(key)
    items = value if setting.is_list else [value]
    parsed: tuple[Any, ...] = _adapter(setting.kind).validate_json(json.dumps(items))
    return parsed


def _in_words(setting: Setting, detail: Any) -> str:
    place = detail["loc"] if setting.is_list else detail["loc"][1:]
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    name = next((step for step in reversed(place) if isinstance(step, str)), "")
    if detail["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        known = ", ".join(each.name for each in fields(setting.kind))
        return f"{setting.key}{path} is not a field; there are {known}"
    if detail["type"] in ("missing", "missing_argument"):
        return f"{setting.key}{path} is missing"
    reason = detail["msg"].removeprefix("Value error, ").replace("Input should", "it should")
    allowed = _allowed_of(setting.kind, name)
    return f"{setting.key}{path} is {shown(detail['input'])}: {reason}{allowed}"


def _allowed_of(kind: type, name: str) -> str:
    line = next((each for each in lines_of(kind) if each.name == name), None)
    if line is None:
        return ""
    known = [line.kind, line.allowed, line.unit and f"in {line.unit}", f"default {line.default}"]
    return f" ({', '.join(part for part in known if part)})"
