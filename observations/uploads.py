"""Frames that somebody sends: each is taken in or refused by itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import models, transaction

from astrid.core.errors import AstridError, BadImage
from astrid.core.hints import nudge
from observations import services
from observations.models import Observation, Survey
from observations.rules import FITS_SUFFIXES
from observations.services import File, Reading


class UploadStatus(models.TextChoices):
    """What became of a frame."""

    CREATED = "created"
    KNOWN = "known"
    REFUSED = "refused"


@dataclass(frozen=True)
class Upload:
    """A frame as it was sent."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Outcome:
    """What became of a frame: its observation, or why there is none."""

    name: str
    status: UploadStatus
    observation: Any = None
    reason: str = ""


def take_in(survey: Survey, uploads: Sequence[Upload]) -> list[Outcome]:
    """Take in frames by the rules of their survey; a bad one costs only itself."""
    rules = services.rules_of(survey)
    names = [_stem(upload.name) for upload in uploads]
    found = [_found(survey, uploads[place], names, place, rules) for place in range(len(uploads))]
    with transaction.atomic():
        services.record_all(survey, [each for each in found if isinstance(each, Reading)], rules)
    keys = dict(
        Observation.objects.filter(survey=survey, observation_id__in=names).values_list(
            "observation_id", "pk"
        )
    )
    nudge("astrid.pipeline.sweep")
    return [_outcome(name, each, keys) for name, each in zip(names, found, strict=True)]


def _found(
    survey: Survey, upload: Upload, names: list[str], place: int, rules: Any
) -> Reading | AstridError | None:
    """Read a frame: what is in it, None if it is known, or why it is refused."""
    name = names[place]
    file = File(upload.name, upload.content, f"upload:{upload.name}")
    try:
        if name in names[:place]:
            raise BadImage(f"{name} is sent twice; give each frame a name of its own")
        reading = services.read_file(survey, name, file, rules)
        if reading is not None and reading.facts is None:
            raise BadImage(f"{name} shows no sky: calibration frames come in by a folder")
    except AstridError as error:
        return error
    return reading


def _outcome(name: str, found: Reading | AstridError | None, keys: dict[str, Any]) -> Outcome:
    if isinstance(found, AstridError):
        return Outcome(name, UploadStatus.REFUSED, reason=str(found))
    status = UploadStatus.KNOWN if found is None else UploadStatus.CREATED
    return Outcome(name, status, keys[name])


def _stem(name: str) -> str:
    """Give the name of an observation: that of its file without the suffix."""
    ending = next((end for end in FITS_SUFFIXES if name.lower().endswith(end)), "")
    return name[: len(name) - len(ending)]
