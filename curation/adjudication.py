"""What people do not agree on, for somebody who decides."""

from django.db.models import Exists, F, FloatField, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Abs, Cast, Coalesce

from curation.models import ValidationEvent
from detection.models import Detection, DetectionStatus

# A probability between these says that the verdicts leave the question open.
OPEN_FROM, OPEN_TO = 0.2, 0.8
FEWEST_VOTES = 2


def cases() -> QuerySet[Detection]:
    """Give disputed detections, and those that verdicts leave open; the most open first.

    What an adjudicator has decided is not asked again.
    """
    votes = ValidationEvent.objects.current().filter(detection=OuterRef("pk"))
    disputed = Q(
        Exists(votes.filter(is_valid=True)),
        Exists(votes.filter(is_valid=False, is_unsure=False)),
        status=DetectionStatus.VALIDATING,
    )
    left_open = Q(
        label_probability__probability__range=(OPEN_FROM, OPEN_TO),
        label_probability__votes__gte=FEWEST_VOTES,
    )
    half = Value(0.5, FloatField())
    probability = Coalesce(Cast(F("label_probability__probability"), FloatField()), half)
    return (
        Detection.objects.filter(disputed | left_open)
        .exclude(status=DetectionStatus.ARCHIVED)
        .exclude(Exists(votes.filter(decides=True)))
        .order_by(Abs(probability - half), "id")
    )
