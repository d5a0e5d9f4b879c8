"""A challenger scores beside the champion, and chance draws from what the champion rejected."""

import pytest
from django.db.models import Sum

from astrid.core.models import RunStatus
from catalog import config
from curation.models import Alert, ReviewTask
from curation.parameters import ReviewPolicy
from curation.services import judge
from detection import registry
from detection.models import Detection, ModelRun, ShadowScore
from detection.networks import in_force
from differencing.models import Candidate, CandidateStatus
from tests.factories import make_model, make_user
from tests.pipeline.work import work

pytestmark = pytest.mark.django_db


def challenger(**fields):
    champion = in_force().model
    row = make_model(
        name=champion.name,
        version=f"{champion.version} again",
        model_type=champion.model_type,
        model_path=champion.model_path,
        sha256=champion.sha256,
    )
    registry.challenge(row)
    for name, value in fields.items():
        setattr(row, name, value)
    row.save()
    return row


def test_the_challenger_scores_every_candidate_and_nobody_uses_it(camera, reference, science):
    row = challenger()
    camera(reference, science)
    assert not work().failed
    shadow = ModelRun.objects.get(model=row)
    run = ModelRun.objects.get(is_shadow=False)
    assert (shadow.is_shadow, shadow.status) == (True, RunStatus.COMPLETED)
    # the same weights: the same scores, candidate by candidate
    scores = dict(ShadowScore.objects.values_list("candidate", "confidence"))
    assert scores == dict(
        Candidate.objects.exclude(network_score=None).values_list("pk", "network_score")
    )
    assert shadow.score_histogram == run.score_histogram
    assert set(Detection.objects.values_list("model_run", flat=True)) == {run.pk}


def test_a_challenger_that_cannot_score_fails_alone(camera, reference, science):
    row = challenger(sha256="f" * 64)
    camera(reference, science)
    assert not work().failed
    shadow = ModelRun.objects.get(model=row)
    assert shadow.status == RunStatus.FAILED
    assert "SHA-256" in shadow.error_message
    assert Detection.objects.believed().exists()


@pytest.fixture
def two_drawn(camera, reference, science):
    config.put("detection", {"audit_rejected": 2, "score_threshold": 0.9999})
    config.put("alert_rules", [{"name": "all", "trigger": "detected"}])
    camera(reference, science)
    work()
    return list(Detection.objects.filter(is_audit=True))


def test_chance_draws_from_what_was_rejected_and_says_for_how_many_each_stands(two_drawn):
    rejected = Candidate.objects.filter(status=CandidateStatus.REJECTED)
    assert len(two_drawn) == 2
    assert sum(one.sampling_weight for one in two_drawn) == pytest.approx(rejected.count())
    assert all(one.candidate.status == CandidateStatus.REJECTED for one in two_drawn)
    # nothing in the type tells them from what the network believes
    assert "artifact" not in {one.detection_type for one in two_drawn}
    tasks = ReviewTask.objects.filter(detection__in=two_drawn)
    weight = tasks.aggregate(all=Sum("sampling_weight"))["all"]
    assert weight == pytest.approx(rejected.count())


def test_what_was_rejected_is_no_object_and_nobody_is_told_of_it(two_drawn):
    assert all(one.sky_object is None for one in two_drawn)
    assert not Alert.objects.filter(detection__in=two_drawn).exists()


def test_a_miss_that_people_confirm_becomes_an_object(two_drawn):
    ada = make_user("ada", group="curator")
    missed = two_drawn[0]
    judge(missed, by=ada, is_valid=True, label="supernova", policy=ReviewPolicy())
    missed.refresh_from_db()
    assert missed.status == "confirmed"
    assert missed.sky_object.catalog_entries.get().object_class == "supernova"
