import uuid

import pytest
from django.db import IntegrityError, transaction

from curation.errors import NotAllowed, NotReviewable, UnknownLabel
from curation.models import Curator, ReviewTask, ValidationEvent, ValidationLabel
from curation.queue import open_tasks
from curation.services import judge
from detection.models import DetectionStatus
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def detection(db):
    return factories.make_detection()


def call(detection, by, policy, is_valid=True, label="supernova", **more):
    return judge(detection, by=by, is_valid=is_valid, label=label, policy=policy, **more)


def state(detection):
    detection.refresh_from_db()
    return (
        detection.status,
        detection.is_validated,
        detection.human_label,
        detection.validation_confidence,
    )


def test_one_positive_verdict_confirms_when_one_is_required(detection, curator, policy):
    event = call(detection, curator, policy, confidence_level="high", notes="fine", tags=["sn"])
    assert detection.status == "confirmed"
    assert state(detection) == ("confirmed", True, "supernova", 1.0)
    assert (event.verdict, event.confidence_level, event.notes, event.tags) == (
        "real", "high", "fine", ["sn"]
    )  # fmt: skip


def test_two_required_verdicts_validate_first_and_confirm_then(
    detection, curator, second_curator, two_votes
):
    call(detection, curator, two_votes)
    assert state(detection) == ("validated", True, "supernova", 1.0)
    call(detection, second_curator, two_votes)
    assert state(detection) == ("confirmed", True, "supernova", 1.0)


def test_bogus_rejects_and_keeps_the_reason(detection, curator, policy):
    call(detection, curator, policy, is_valid=False, label="cosmic_ray")
    assert state(detection) == ("rejected", True, "cosmic_ray", 1.0)


def test_unsure_leaves_the_detection_open(detection, curator, policy):
    event = call(detection, curator, policy, is_valid=None, label=None)
    assert state(detection) == ("validating", False, None, 0.0)
    assert (event.is_valid, event.is_unsure) == (False, True)


def test_disagreement_reopens_and_a_majority_settles(
    detection, curator, second_curator, third_curator, policy
):
    call(detection, curator, policy)
    call(detection, second_curator, policy, is_valid=False, label="dipole")
    assert state(detection) == ("validating", False, None, 0.5)
    call(detection, third_curator, policy, is_valid=False, label="dipole")
    assert state(detection) == ("rejected", True, "dipole", pytest.approx(2 / 3))


def test_a_second_thought_supersedes_and_keeps_the_first(detection, curator, policy):
    first = call(detection, curator, policy)
    second = call(detection, curator, policy, is_valid=False, label="artifact")
    assert state(detection) == ("rejected", True, "artifact", 1.0)
    assert second.supersedes == first
    assert list(ValidationEvent.objects.current()) == [second]


def test_a_replay_returns_the_first_event_and_changes_nothing(detection, curator, policy):
    key = uuid.uuid4()
    first = call(detection, curator, policy, client_uuid=key)
    before = state(detection)
    again = call(detection, curator, policy, is_valid=False, label="dipole", client_uuid=key)
    assert (again, state(detection)) == (first, before)
    assert ValidationEvent.objects.count() == 1


def test_a_key_of_another_verdict_is_refused(detection, curator, second_curator, policy):
    key = uuid.uuid4()
    call(detection, curator, policy, client_uuid=key)
    with pytest.raises(NotReviewable, match="belongs to a verdict on detection"):
        call(factories.make_detection(), curator, policy, client_uuid=key)
    with pytest.raises(NotReviewable, match="make a new one"):
        call(detection, second_curator, policy, client_uuid=key)


def test_an_unknown_label_is_refused_with_the_known_ones(detection, curator, policy):
    with pytest.raises(UnknownLabel, match="no label is called 'kilonova'; there are agn"):
        call(detection, curator, policy, label="kilonova")
    assert state(detection)[0] == "pending"


def test_a_label_that_contradicts_the_verdict_is_refused(detection, curator, policy):
    with pytest.raises(UnknownLabel, match="'dipole' says that nothing is there"):
        call(detection, curator, policy, label="dipole")


def test_a_label_taken_out_of_use_is_refused(detection, curator, policy):
    ValidationLabel.objects.filter(name="cv").update(is_active=False)
    with pytest.raises(UnknownLabel, match="'cv'"):
        call(detection, curator, policy, label="cv")


def test_an_archived_detection_takes_no_verdict(curator, policy):
    archived = factories.make_detection(status=DetectionStatus.ARCHIVED)
    with pytest.raises(NotReviewable, match="is archived"):
        call(archived, curator, policy)


def test_a_viewer_may_not_judge(detection, viewer, policy):
    with pytest.raises(NotAllowed, match="vic may look but not judge"):
        call(detection, viewer, policy)
    assert not ValidationEvent.objects.exists()


@pytest.mark.parametrize("change", ["update", "delete"])
def test_the_database_refuses_to_alter_a_verdict(detection, curator, policy, change):
    event = call(detection, curator, policy)
    rows = ValidationEvent.objects.filter(pk=event.pk)
    with pytest.raises(IntegrityError, match="never changed or deleted"), transaction.atomic():
        rows.update(notes="rewritten") if change == "update" else rows.delete()
    assert ValidationEvent.objects.get() == event


def test_a_settled_detection_leaves_the_queue_and_a_dispute_brings_it_back(
    detection, curator, second_curator, policy
):
    open_tasks([detection])
    call(detection, curator, policy)
    assert not ReviewTask.objects.waiting().exists()
    call(detection, second_curator, policy, is_valid=False, label=None)
    assert ReviewTask.objects.waiting().exists()


def test_verdicts_are_counted_for_their_curator(detection, curator, policy):
    call(detection, curator, policy)
    call(detection, curator, policy, label="variable")
    assert Curator.objects.get(user=curator).verdicts == 2


def test_how_a_verdict_came_about_is_kept(detection, curator, policy):
    event = call(detection, curator, policy, ms_spent=1800, blind=True, shown_fields=["triplet"])
    event.refresh_from_db()
    assert (event.ms_spent, event.blind, event.shown_fields) == (1800, True, ["triplet"])
