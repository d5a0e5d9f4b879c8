"""Frames as API clients send them, and what became of each."""

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from astrid.core.rest.fields import Base64Field
from astrid.core.rest.problems import facts_of
from astrid.core.rest.schema import ProblemField
from observations.models import Survey
from observations.uploads import Outcome, Upload, UploadStatus, take_in

MOST_BYTES = 256 * 2**20
MOST_ROWS = 100


class FrameSerializer(serializers.Serializer[Any]):
    """A frame: a FITS file, and what it is called."""

    name = serializers.CharField(
        max_length=255, help_text="Of the file; without its suffix, of the observation."
    )
    fits = Base64Field(help_text="The bytes of the file, as base64.")


class UploadsSerializer(serializers.Serializer[Any]):
    """Up to 100 frames of a survey; a bad one costs only itself."""

    survey = serializers.PrimaryKeyRelatedField(queryset=Survey.objects.all())
    rows = serializers.ListField(child=FrameSerializer(), min_length=1, max_length=MOST_ROWS)


class FramesFormSerializer(serializers.Serializer[Any]):
    """Up to 100 frames of a survey as files."""

    survey = serializers.PrimaryKeyRelatedField(queryset=Survey.objects.all())
    fits = serializers.ListField(
        child=serializers.FileField(max_length=255), min_length=1, max_length=MOST_ROWS
    )


class OutcomeSerializer(serializers.Serializer[Any]):
    """What became of one frame."""

    index = serializers.IntegerField(help_text="Its place in the request, from 0.")
    name = serializers.CharField()
    status = serializers.ChoiceField(UploadStatus.choices)
    observation = serializers.UUIDField(allow_null=True)
    problem = ProblemField(allow_null=True)


class OutcomesSerializer(serializers.Serializer[Any]):
    """What became of each frame, in the order of the request."""

    rows = OutcomeSerializer(many=True)


def from_json(data: Any) -> list[dict[str, Any]]:
    """Take in frames of a JSON body; say what became of each.

    Raises
    ------
    ValidationError
        If the body is no list of frames, or every one of them is refused.
    """
    sent = _checked(UploadsSerializer, data)
    return _taken_in(sent["survey"], [Upload(row["name"], row["fits"]) for row in sent["rows"]])


def from_form(data: Any) -> list[dict[str, Any]]:
    """Take in the files of a form; say what became of each.

    Raises
    ------
    ValidationError
        If the form has no files, or every one of them is refused.
    """
    sent = _checked(FramesFormSerializer, data)
    return _taken_in(sent["survey"], [Upload(file.name, file.read()) for file in sent["fits"]])


def _checked(kind: type[serializers.Serializer[Any]], data: Any) -> dict[str, Any]:
    sent = kind(data=data)
    sent.is_valid(raise_exception=True)
    found: dict[str, Any] = sent.validated_data
    return found


def _taken_in(survey: Survey, uploads: list[Upload]) -> list[dict[str, Any]]:
    outcomes = take_in(survey, uploads)
    if all(each.status == UploadStatus.REFUSED for each in outcomes):
        raise ValidationError({"rows": [[each.reason] for each in outcomes]})
    return [_told(place, outcome) for place, outcome in enumerate(outcomes)]


def _told(place: int, outcome: Outcome) -> dict[str, Any]:
    is_refused = outcome.status == UploadStatus.REFUSED
    return {
        "index": place,
        "name": outcome.name,
        "status": outcome.status,
        "observation": outcome.observation,
        "problem": facts_of(400, outcome.reason, code="invalid") if is_refused else None,
    }
