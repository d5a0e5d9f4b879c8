"""What people do not agree on, for somebody who decides."""

from typing import Any

from django.db.models import Exists, F, FloatField, OuterRef, QuerySet, Value
from django.db.models.functions import Abs, Cast, Coalesce

from curation.models import LabelProbability, ValidationEvent
from detection.models import Detection, DetectionStatus

# A probability between these says that the verdicts leave the question open.
OPEN_FROM, OPEN_TO = 0.2, 0.8
FEWEST_VOTES = 2


def cases() -> QuerySet[Detection]:
    """Give disputed detections, and those that verdicts leave open; the most open first.

    What an adjudicator has decided is not asked again.
    """
    votes = ValidationEvent.objects.current().filter(detection=OuterRef("pk"))
    half = Value(0.5, FloatField())
    probability = Coalesce(Cast(F("label_probability__probability"), FloatField()), half)
    return (
        # Two lists that indexes give, joined: with OR between, every detection would be read.
        Detection.objects.filter(pk__in=_disputed().union(_left_open()))
        .exclude(status=DetectionStatus.ARCHIVED)
        .exclude(Exists(votes.filter(decides=True)))
        .order_by(Abs(probability - half), "id")
    )


def _disputed() -> QuerySet[Any]:
    votes = ValidationEvent.objects.current().filter(detection=OuterRef("pk"))
    rows = Detection.objects.filter(
        Exists(votes.filter(is_valid=True)),
        Exists(votes.filter(is_valid=False, is_unsure=False)),
        status=DetectionStatus.VALIDATING,
    )
    return rows.order_by().values("pk")


def _left_open() -> QuerySet[Any]:
    open_ones = LabelProbability.objects.filter(
        probability__range=(OPEN_FROM, OPEN_TO), votes__gte=FEWEST_VOTES
    )
    return open_ones.order_by().values("detection")
