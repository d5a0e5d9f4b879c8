"""Ask that the network in force learn from verdicts; a worker does it."""

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet

from astrid.core.errors import AstridError
from astrid.core.hints import nudge
from astrid.core.locks import queue_up
from astrid.core.models import UNFINISHED
from detection.models import Model, ModelType, TrainingRun

TASK = "catalog.tasks.retrain"


class CannotBeTaught(AstridError):
    """A network that is not to learn now, with the reason."""


def ask(model: Model, *, by: User) -> TrainingRun:
    """Open a training of the network in force; the task of the same run does it.

    Whether there are verdicts enough is found out by that task, and stands on the run.

    Raises
    ------
    CannotBeTaught
        If it is not in force or no stamp network, or it learns already.
    """
    if not model.is_active or model.model_type != ModelType.CLASSIFIER:
        raise CannotBeTaught(
            f"{model} is {model.role or 'not in force'} and a {model.get_model_type_display()}: "
            "verdicts are taught to the stamp network in force"
        )
    with transaction.atomic():
        queue_up("teaching")
        for run in due():
            raise CannotBeTaught(
                f"{run}, asked for by {run.parameters['asked_by']}, is {run.status}: wait for it"
            )
        run = TrainingRun.objects.create(
            parameters={
                "champion": str(model.pk),
                "asked_by": by.get_username(),
                "asked_by_id": str(by.pk),
            }
        )
        nudge(TASK, str(run.pk))
    return run


def due() -> QuerySet[TrainingRun]:
    """Trainings that somebody asked for and that have not ended; some are being worked on."""
    return TrainingRun.objects.filter(
        status__in=UNFINISHED, parameters__has_key="asked_by"
    ).order_by("id")
