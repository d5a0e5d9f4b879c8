"""Survey, observation and ingestion pages."""

import json

import pytest
from django.urls import reverse
from django_celery_beat.models import CrontabSchedule
from kombu import Connection

from astrid.core import store
from astrid.core.models import RunStatus
from catalog.models import AuditLog
from observations import schedule
from observations.models import Observation, ObservationRun, ObservationStatus, Survey
from tests.factories import make_observation, make_survey, make_user
from tests.pages import act, list_page, row_page

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def staff(client):
    user = make_user("edwin", is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


def submit(client, survey=None, **fields):
    given = {"name": "Deep", "adapter": "directory", "adapter_settings": "{}", "is_active": "on"}
    name = "admin:observations_survey_" + ("change" if survey else "add")
    address = reverse(name, args=[survey.pk] if survey else [])
    return client.post(address, {**given, **fields})


class TestSurveys:
    """Staff add surveys and say when to look."""

    def test_saving_brings_the_schedule_into_force(self, client):
        nightly = CrontabSchedule.objects.create(hour="3")
        assert submit(client, schedule=nightly.pk).status_code == 302
        survey = Survey.objects.get()
        assert schedule.entry_of(survey).enabled
        assert submit(client, survey, schedule="").status_code == 302
        assert not schedule.entry_of(survey).enabled

    @pytest.mark.parametrize(
        ("given", "reason"),
        [
            ("[1]", "must be an object"),
            (json.dumps({"directory": "data"}), "must be a full path"),
            (json.dumps({"directory": 5}), "must be a full path"),
        ],
    )
    def test_settings_that_cannot_be_read_are_refused(self, client, given, reason):
        page = submit(client, adapter_settings=given)
        assert reason in page.content.decode()
        assert not Survey.objects.exists()

    def test_deleting_takes_the_schedule_away(self, client):
        survey = make_survey(schedule=CrontabSchedule.objects.create(hour="3"))
        schedule.schedule(survey)
        address = reverse("admin:observations_survey_delete", args=[survey.pk])
        assert client.post(address, {"post": "yes"}).status_code == 302
        assert not Survey.objects.exists()
        assert schedule.entry_of(survey) is None

    def test_looking_now_queues_the_task_by_its_name(self, client, settings):
        survey = make_survey(name="Deep")
        with Connection(settings.CELERY_BROKER_URL) as broker:
            queue = broker.SimpleQueue("celery")
            queue.clear()
            told = act(client, [survey], "look_now")
            message = queue.get(timeout=5)
            message.ack()
            queue.close()
        assert told == ["Workers were asked to look at: Deep"]
        assert message.headers["task"] == schedule.TASK
        assert message.payload[0] == [str(survey.pk)]

    def test_the_page_says_when_it_is_looked_at(self, client):
        assert "Only when asked" in row_page(client, make_survey()).content.decode()


class TestObservations:
    """What came in, and how far it has come."""

    def test_retrying_takes_failed_ones_only_and_is_logged(self, client, staff):
        failed = make_observation(status=ObservationStatus.FAILED, status_reason="no stars")
        done = make_observation(status=ObservationStatus.DIFFERENCED)
        told = act(client, [failed, done], "retry_failed")
        failed.refresh_from_db()
        assert (failed.status, failed.status_reason) == (ObservationStatus.INGESTED, "")
        assert "1 will be tried again from the start" in told
        assert any("becomes ingested only from failed" in words for words in told)
        entry = AuditLog.objects.get(entity_id=failed.pk)
        assert entry.user_id == str(staff.pk)
        assert entry.old_values["status"] == "failed"

    def test_archiving_is_for_good(self, client):
        done = make_observation(status=ObservationStatus.DIFFERENCED)
        busy = make_observation(status=ObservationStatus.DIFFERENCING)
        told = act(client, [done, busy], "archive")
        done.refresh_from_db()
        assert done.status == ObservationStatus.ARCHIVED
        assert any("is differencing" in words for words in told)

    def test_a_reason_is_shown(self, client):
        make_observation(status=ObservationStatus.FAILED, status_reason="no WCS in HDU 1")
        assert "no WCS in HDU 1" in list_page(client, Observation).content.decode()

    def test_an_exposure_is_found_by_name_id_and_cone(self, client):
        far = make_observation(ra=0.0001, dec=-30.0, observation_id="far")
        make_observation()
        for query in ("far", str(far.pk), "359.9999 -30 2"):
            page = list_page(client, Observation, f"?q={query.replace(' ', '+')}")
            assert list(page.context["cl"].result_list) == [far]

    def test_a_thumbnail_that_is_gone_is_said_in_words(self, client):
        row = make_observation(thumbnail_path=store.name_of("0" * 64))
        assert "is gone; restore it" in row_page(client, row).content.decode()

    def test_a_thumbnail_is_shown(self, client):
        row = make_observation(thumbnail_path=store.put(b"\x89PNG not a real picture"))
        assert "data:image/png;base64,iVBORyBub3Q" in row_page(client, row).content.decode()

    def test_nobody_edits_a_measured_row(self, client):
        page = row_page(client, make_observation()).content.decode()
        assert 'name="_save"' not in page

    def test_the_links_between_pages_are_allowed(self, client):
        row = make_observation()
        for page in ("preprocessing_preprocessrun", "differencing_candidate"):
            address = reverse(f"admin:{page}_changelist")
            response = client.get(f"{address}?observation__id__exact={row.pk}")
            assert response.status_code == 200


def make_pass(**fields):
    refusals = [{"file": "a.fits", "reason": "no pixels in HDU 0"}]
    return ObservationRun.objects.create(
        **{
            "survey": fields.pop("survey", None) or make_survey(),
            "source": "/night",
            "status": RunStatus.COMPLETED,
            "refused": 1,
            "refusals": refusals,
            "figures": {"seconds": {"read": 1.23456789}},
            **fields,
        }
    )


def test_a_pass_lists_every_refused_file_with_its_reason(client):
    page = row_page(client, make_pass()).content.decode()
    assert "<td>a.fits</td><td>no pixels in HDU 0</td>" in page
    assert "<td>seconds · read</td><td>1.23457</td>" in page


def test_text_from_files_is_escaped(client):
    bad = [{"file": "<script>", "reason": "<b>"}]
    page = row_page(client, make_pass(refusals=bad)).content.decode()
    assert "<td>&lt;script&gt;</td><td>&lt;b&gt;</td>" in page


@pytest.mark.parametrize("model", [Survey, Observation, ObservationRun])
def test_a_list_of_100_rows_takes_few_queries(client, django_assert_max_num_queries, model):
    survey = make_survey()
    make = {
        Survey: make_survey,
        Observation: lambda: make_observation(survey=survey),
        ObservationRun: lambda: make_pass(survey=survey),
    }[model]
    for _ in range(100):
        make()
    with django_assert_max_num_queries(12):
        page = list_page(client, model)
    assert len(page.context["cl"].result_list) == 50
