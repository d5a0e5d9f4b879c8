"""Do the trainings from verdicts that were asked for in the admin."""

from dataclasses import asdict

from catalog import config, filejobs
from catalog.audit import audited_as
from curation.lessons import collect
from detection import retraining
from detection.models import Model, TrainingRun
from detection.retraining import CannotLearn


def work_off(run: TrainingRun) -> None:
    """Train, unless another process does or has; a failure is kept on the run."""
    filejobs.work_off(run, make)


def make(run: TrainingRun) -> None:
    """Let the network that a started run names learn from the verdicts of today.

    Raises
    ------
    CannotLearn
        If another network has come into force meanwhile.
    """
    champion = Model.objects.get(pk=run.parameters["champion"])
    if not champion.is_active:
        raise CannotLearn(f"{champion} is in force no longer: ask for the one that is")
    parameters = config.get("retraining")
    # one process: a worker may start none of its own
    rule = asdict(parameters) | {"workers": 1}
    with audited_as(run.parameters["asked_by_id"], agent="retraining"):
        retraining.retrain(champion, collect(parameters).rows, rule, run=run)
