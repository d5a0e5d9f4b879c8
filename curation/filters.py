"""The filter of a saved queue: typed fields, each a column of the small table of tasks."""

import json
from dataclasses import asdict, dataclass, fields
from functools import cache
from typing import Any, Literal
from uuid import UUID

from django.db.models import F, Q
from pydantic import ConfigDict, TypeAdapter, ValidationError

from astrid.core.errors import BadParameters
from astrid.core.parameters import check_limits, tunable
from curation import flags
from detection.models import DetectionType

FlagName = Literal[
    "saturated", "edge", "dipole", "near_bright_star", "masked", "blended", "negative"
]
_BITS = int(flags.named(flags.NAMES))
_STRICT = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True, kw_only=True)
class QueueFilter:
    """Which tasks a queue holds; what is left out does not matter."""

    surveys: tuple[UUID, ...] = tunable((), "ids of surveys")
    bands: tuple[str, ...] = tunable((), "filters of the camera")
    classes: tuple[DetectionType, ...] = tunable((), "classes that the network gave")
    score_min: float | None = tunable(None, "lowest score", ge=0, le=1)
    score_max: float | None = tunable(None, "highest score", ge=0, le=1)
    snr_min: float | None = tunable(None, "lowest signal to noise")
    snr_max: float | None = tunable(None, "highest signal to noise")
    without_flags: tuple[FlagName, ...] = tunable((), "none of these flags is set")
    only_new_objects: bool = tunable(False, "nothing was seen there before")
    near_galaxy: bool | None = tunable(None, "beside an extended source, or apart from all")

    def __post_init__(self) -> None:
        """Refuse ranges that hold nothing."""
        check_limits(self)
        for low, high in (("score_min", "score_max"), ("snr_min", "snr_max")):
            below, above = getattr(self, low), getattr(self, high)
            if below is not None and above is not None and below > above:
                raise ValueError(f"{low} is {below}: it must not be above {high}, {above}")

    @classmethod
    def of(cls, value: Any) -> "QueueFilter":
        """Read a filter from JSON.

        Raises
        ------
        BadParameters
            If a field is unknown or its value does not fit; the message names both.
        """
        try:
            (parsed,) = _adapter().validate_json(json.dumps([value]))
        except ValidationError as error:
            raise BadParameters("; ".join(map(_in_words, error.errors()))) from error
        return parsed

    def as_json(self) -> dict[str, Any]:
        """Give what differs from the default, for storage."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self), default=str))
        return {name: value for name, value in plain.items() if value not in (None, [], False)} | (
            {"near_galaxy": False} if self.near_galaxy is False else {}
        )

    def as_q(self) -> Q:
        """Give the condition on tasks."""
        wanted = {
            "survey__in": self.surveys,
            "band__in": self.bands,
            "kind__in": self.classes,
            "score__gte": self.score_min,
            "score__lte": self.score_max,
            "snr__gte": self.snr_min,
            "snr__lte": self.snr_max,
            "is_new_object": self.only_new_objects or None,
            "near_galaxy": self.near_galaxy,
        }
        told = {name: value for name, value in wanted.items() if value not in (None, ())}
        return Q(**told) & _unflagged(int(flags.named(self.without_flags)))


def _unflagged(unwanted: int) -> Q:
    return Q(flags=F("flags").bitand(~unwanted & _BITS)) if unwanted else Q()


@cache
def _adapter() -> TypeAdapter[tuple[QueueFilter]]:
    # A tuple, because pydantic takes the config of a plain dataclass only from outside it.
    return TypeAdapter(tuple[QueueFilter], config=_STRICT)


def _in_words(detail: Any) -> str:
    path = ".".join(str(step) for step in detail["loc"][1:])
    if detail["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        known = ", ".join(each.name for each in fields(QueueFilter))
        return f"{path} is no field of a filter; there are {known}"
    reason = detail["msg"].removeprefix("Value error, ").replace("Input should", "it should")
    return f"{path or 'the filter'} is {detail['input']!r}: {reason}"
