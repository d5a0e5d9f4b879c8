"""What the detection domain can do: score candidates, and join detections into objects."""

from dataclasses import asdict, dataclass

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from astrid.core.measure import measured
from astrid.core.models import RunStatus
from detection import registry
from detection.models import ModelRun
from detection.parameters import DetectionParameters
from differencing.models import DifferenceRun
from differencing.product import StoredDifference
from preprocessing.calibrated import CalibratedFrame


def due() -> QuerySet[DifferenceRun]:
    """Differences that the active network has not seen."""
    seen = ModelRun.objects.filter(
        difference_run=OuterRef("pk"), model__is_active=True, model__model_type="unet"
    )
    return (
        DifferenceRun.objects.filter(status=RunStatus.COMPLETED)
        .exclude(Exists(seen))
        .select_related("observation", "reference_observation")
        .order_by("id")
    )


@transaction.atomic
def begin(run: DifferenceRun, parameters: DetectionParameters) -> list[ModelRun]:
    """Open an inference of the active network for a difference, unless there is one."""
    model = registry.active()
    opened, is_new = ModelRun.objects.get_or_create(
        model=model,
        difference_run=run,
        defaults={"observation": run.observation, "parameters": asdict(parameters)},
    )
    return [opened] if is_new else []


@dataclass(frozen=True)
class _Images:
    """Everything that a score rests on, on one grid."""

    science: CalibratedFrame
    reference: CalibratedFrame
    difference: StoredDifference


def infer(run: ModelRun) -> None:
    """Score the candidates of a difference; keep those that the network believes in."""
    parameters = DetectionParameters(**run.parameters)
    network = registry.open_weights(run.model)
    with measured() as cost:
        with cost.step("read"):
            images = _images(run)
        with cost.step("network"):
            probability = _probability(network, images, parameters)
        candidates = list(_difference(run).candidates.order_by("id"))
        scores = _scores(network, probability, candidates)
        threshold = _threshold(network, parameters)
        with cost.step("detections"):
            detections = _detections(run, images, candidates, scores, threshold, parameters)
        with cost.step("store"):
            paths = _store_maps(probability, threshold)
    _finish(run, detections, candidates, scores, threshold, parameters, cost, paths)
