"""Verdicts as API clients send them: the messages and answers of the console's own pages."""

from typing import Any

from django.contrib.auth.models import User
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied, ValidationError

from curation import batch, policy, wire
from curation.errors import BadMessage, NotAllowed
from curation.models import ConfidenceLevel
from curation.parameters import ReviewPolicy

_VERDICTS = ("real", "bogus", "unsure", "withdraw", "skip")


class VerdictSerializer(serializers.Serializer):
    """One verdict, or the withdrawal of one; a replay of its ``uuid`` changes nothing."""

    uuid = serializers.UUIDField(help_text="Made by the sender, a new one for each verdict.")
    detection = serializers.UUIDField()
    verdict = serializers.ChoiceField(_VERDICTS)
    # a field of the message; each field of a serializer has a label, too
    label = serializers.CharField(required=False, allow_null=True, max_length=50)  # type: ignore[assignment]
    confidence = serializers.ChoiceField(ConfidenceLevel.choices, required=False, allow_null=True)
    notes = serializers.CharField(required=False, allow_null=True, max_length=5000)
    tags = serializers.ListField(child=serializers.CharField(max_length=50), required=False)
    ms_spent = serializers.IntegerField(required=False, allow_null=True, min_value=0)
    shown = serializers.ListField(
        child=serializers.CharField(max_length=50), required=False, help_text="What it rests on."
    )
    blind = serializers.BooleanField(required=False)
    decides = serializers.BooleanField(
        required=False, help_text="Settles a dispute; needs the right to change review tasks."
    )
    supersedes = serializers.UUIDField(
        required=False, allow_null=True, help_text="The uuid of one's own verdict before."
    )
    reason = serializers.CharField(required=False, help_text="Why it is skipped.")
    queue = serializers.CharField(
        required=False, max_length=50, help_text="The review queue that asked, if one did."
    )


class VerdictsSerializer(serializers.Serializer):
    """Up to 200 verdicts; a bad one costs only itself."""

    events = VerdictSerializer(many=True)


class VerdictResultSerializer(serializers.Serializer):
    """What became of one verdict."""

    uuid = serializers.CharField()
    status = serializers.CharField(help_text="saved, replayed or refused")
    event = serializers.UUIDField(allow_null=True, help_text="The verdict's id, if it is there.")
    code = serializers.CharField(required=False, help_text="Why it was refused, in one word.")
    reason = serializers.CharField(required=False, help_text="Why it was refused.")
    feedback = serializers.CharField(required=False)


class VerdictResultsSerializer(serializers.Serializer):
    """The answers, in the order of the verdicts."""

    results = VerdictResultSerializer(many=True)


def record(body: Any, person: User) -> dict[str, Any]:
    """Record what a client sent; say what became of each verdict.

    Raises
    ------
    ValidationError
        If the body is no batch of verdicts.
    PermissionDenied
        If the person may not judge.
    """
    try:
        message = wire.read(wire.BatchMessage, dict(body) if isinstance(body, dict) else {})
        answers = batch.record_all(message.events, person, policy.in_force(ReviewPolicy))
    except BadMessage as error:
        raise ValidationError(error.faults) from error
    except NotAllowed as error:
        raise PermissionDenied(str(error)) from error
    return {"results": [answer.as_json() for answer in answers]}
