"""What the console's pages send, typed; anything else is refused in words."""

from collections import defaultdict
from typing import Annotated, Any, Literal, Self, TypeVar
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    RootModel,
    ValidationError,
    model_validator,
)

from curation.errors import BadMessage
from curation.models import ConfidenceLevel

MOST_TASKS = 200  # that one message may take
MOST_EVENTS = 200  # that one message may hold
LARGEST_PREFERENCES = 20_000  # characters
_LONGEST_MS = 2**31 - 1


def _without_nul(text: str) -> str:
    if "\x00" in text:
        raise ValueError("the text holds a NUL character, which no database keeps")
    return text


Text = Annotated[str, Field(max_length=5000), AfterValidator(_without_nul)]
Word = Annotated[str, Field(max_length=50), AfterValidator(_without_nul)]
Verdict = Literal["real", "bogus", "unsure", "withdraw", "skip"]


class Message(BaseModel):
    """A body with known fields only."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class LeaseMessage(Message):
    """A page that wants items."""

    n: int = Field(default=50, ge=1, le=MOST_TASKS)
    have: tuple[UUID, ...] = Field(default=(), max_length=1000)
    alike: bool = False  # those that look like the first one, whatever the queue's order is


class TasksMessage(Message):
    """A page that keeps, or lets go of, items."""

    tasks: tuple[UUID, ...] = Field(max_length=1000)


class BatchMessage(Message):
    """Verdicts that wait on a page; each is read by itself, so that a bad one costs only itself."""

    events: tuple[dict[str, Any], ...] = Field(max_length=MOST_EVENTS)


class VerdictMessage(Message):
    """One verdict, with how it came about."""

    uuid: UUID
    detection: UUID
    verdict: Verdict
    label: Word | None = None
    confidence: ConfidenceLevel | None = None
    ms_spent: int | None = Field(default=None, ge=0, le=_LONGEST_MS)
    shown: tuple[Word, ...] = Field(default=(), max_length=50)
    blind: bool = False
    decides: bool = False
    supersedes: UUID | None = None
    notes: Text | None = None
    tags: tuple[Word, ...] = Field(default=(), max_length=50)
    reason: Text = ""
    queue: Word = ""


class PreferencesMessage(RootModel[dict[str, JsonValue]]):
    """What a person set on the console; the pages know what it means."""

    @model_validator(mode="after")
    def is_small(self) -> Self:
        """Refuse what is no setting but a store of something else."""
        size = len(self.model_dump_json())
        if size > LARGEST_PREFERENCES:
            raise ValueError(f"{size} characters are too many; at most {LARGEST_PREFERENCES}")
        return self


_Kind = TypeVar("_Kind", bound=BaseModel)


def read(kind: type[_Kind], content: str | bytes | dict[str, Any]) -> _Kind:
    """Read a message of this kind from JSON text or from an object.

    Raises
    ------
    BadMessage
        If it is none; says which fields are wrong, and why.
    """
    try:
        if isinstance(content, dict):
            return kind.model_validate(content)
        return kind.model_validate_json(content)
    except ValidationError as error:
        raise BadMessage(_faults(error)) from error


def _faults(error: ValidationError) -> dict[str, list[str]]:
    faults = defaultdict(list)
    for detail in error.errors(include_url=False):
        faults[str(next(iter(detail["loc"]), ""))].append(_in_words(detail))
    return dict(faults)


def _in_words(detail: Any) -> str:
    path = ".".join(map(str, detail["loc"]))
    if detail["type"] == "missing":
        return f"{path} is missing"
    if detail["type"] == "too_long" and isinstance(detail["input"], list):
        return f"{path} has {len(detail['input'])} items; at most {detail['ctx']['max_length']} go"
    reason = detail["msg"].removeprefix("Value error, ").replace("Input should", "it should")
    shown = repr(detail["input"])[:100]
    return f"{path} is {shown}: {reason}" if path else reason
