"""The operator's pages: settings, jobs, audit and what the pipeline wrote."""

import pytest
from django.urls import reverse
from django.utils import timezone

from catalog.audit import audited_as
from catalog.models import (
    Analytics,
    AuditLog,
    CatalogEntry,
    ExportJob,
    JobStatus,
    JobType,
    ProcessingJob,
    SystemConfig,
)
from detection.models import SkyObject
from tests.factories import make_observation, make_user
from tests.pages import act, list_page, row_page

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client):
    user = make_user("vera", is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


def make_job(**fields):
    observation = fields.pop("observation", None) or make_observation()
    return ProcessingJob.objects.create(
        **{
            "job_type": JobType.PREPROCESS,
            "entity_id": observation.pk,
            "entity_type": "observations.Observation",
            "status": JobStatus.FAILED,
            "scheduled_at": timezone.now(),
            **fields,
        }
    )


class TestJobs:
    """Operators retry and cancel."""

    def test_retry_makes_failed_jobs_due_and_says_what_it_refused(self, client, staff):
        failed, running = make_job(error_message="no sky"), make_job(status=JobStatus.RUNNING)
        told = act(client, [failed, running], "retry")
        failed.refresh_from_db()
        assert failed.status == JobStatus.PENDING
        assert "1 due again now" in told
        assert any("is running; only a failed or cancelled one" in words for words in told)
        entry = AuditLog.objects.get(entity_id=failed.pk)
        assert entry.user_id == str(staff.pk)
        assert entry.ip_address == "127.0.0.1"

    def test_cancel_takes_only_what_nobody_has_begun(self, client, staff):
        pending, done = make_job(status=JobStatus.PENDING), make_job(status=JobStatus.COMPLETED)
        told = act(client, [pending, done], "cancel")
        assert "1 cancelled" in told
        assert any("is completed; it becomes cancelled only from pending" in each for each in told)

    def test_the_list_links_to_the_row_and_gives_the_reason(self, client, staff):
        job = make_job(error_message="no stars in the frame")
        page = list_page(client, ProcessingJob).content.decode()
        assert reverse("admin:observations_observation_change", args=[job.entity_id]) in page
        assert "no stars in the frame" in page

    def test_the_list_names_what_jobs_are_about_in_one_query_for_each_table(
        self, client, staff, django_assert_max_num_queries
    ):
        for number in range(8):
            make_job(observation=make_observation(observation_id=f"night-{number}"))
        make_job(entity_type="gone.Table")
        with django_assert_max_num_queries(12):
            page = list_page(client, ProcessingJob).content.decode()
        assert all(f">night-{number}</a>" in page for number in range(8))

    @pytest.mark.parametrize("column", ["pk", "entity_id"])
    def test_a_job_is_found_by_its_id_and_by_its_entity(self, client, staff, column):
        job, _other = make_job(), make_job()
        page = list_page(client, ProcessingJob, f"?q={getattr(job, column)}")
        assert list(page.context["cl"].result_list) == [job]

    def test_a_word_is_no_id(self, client, staff):
        make_job()
        page = list_page(client, ProcessingJob, "?q=bias")
        assert not page.context["cl"].result_list
        assert "is not an id" in page.content.decode()

    def test_a_viewer_sees_jobs_but_no_actions(self, client):
        client.force_login(make_user(group="viewer", is_staff=True))
        job = make_job()
        page = list_page(client, ProcessingJob)
        assert page.status_code == 200
        assert 'value="retry"' not in page.content.decode()
        assert row_page(client, job).status_code == 200


def make_entries(number):
    for each in range(number):
        thing = SkyObject.objects.create(
            designation=f"AstrID J{each}",
            ra=150.0,
            dec=2.0 + each / 2,
            first_seen=timezone.now(),
            last_seen=timezone.now(),
        )
        CatalogEntry.objects.create(
            sky_object=thing,
            designation=thing.designation,
            object_class="supernova",
            posterior=0.99,
            ra=150.0,
            dec=2.0 + each / 2,
            magnitudes={"r": {"flux": 12.345678}},
        )


def test_a_catalog_entry_is_found_by_a_cone(client, staff):
    make_entries(3)
    page = list_page(client, CatalogEntry, "?q=150+2.5001+1")
    assert [str(entry) for entry in page.context["cl"].result_list] == ["AstrID J1 v1"]
    page = list_page(client, CatalogEntry, "?q=10:00:00+%2B02:30:00+2'")
    assert [str(entry) for entry in page.context["cl"].result_list] == ["AstrID J1 v1"]


def test_a_cone_off_the_sky_is_refused_in_words(client, staff):
    page = list_page(client, CatalogEntry, "?q=400+3+1")
    assert "ra is 400" in page.content.decode()
    page = list_page(client, CatalogEntry, "?q=10+95+1")
    assert page.status_code == 200
    assert "dec is 95" in page.content.decode()


def make_analytics(number):
    for each in range(number):
        Analytics.objects.create(day=timezone.now().date(), metric=f"m{each}", value=1.0)


def make_exports(number):
    user = make_user()
    for _ in range(number):
        ExportJob.objects.create(file_format="csv", requester=user)


def make_jobs(number):
    observation = make_observation()
    for _ in range(number):
        make_job(observation=observation)


def make_audit(number):
    with audited_as(1):
        for each in range(number):
            SystemConfig.objects.create(key=f"k{each}", value={})


@pytest.mark.parametrize(
    ("model", "make"),
    [
        (ProcessingJob, make_jobs),
        (CatalogEntry, make_entries),
        (Analytics, make_analytics),
        (ExportJob, make_exports),
        (AuditLog, make_audit),
    ],
)
def test_a_list_of_100_rows_takes_few_queries(
    client, staff, django_assert_max_num_queries, model, make
):
    make(100)
    list_page(client, model)  # session and content types
    with django_assert_max_num_queries(12):
        page = list_page(client, model)
    assert len(page.context["cl"].result_list) == 50


@pytest.mark.parametrize("model", [ProcessingJob, CatalogEntry, Analytics, ExportJob, AuditLog])
def test_what_the_pipeline_wrote_is_read_only(client, staff, model):
    makers = {
        ProcessingJob: make_jobs,
        CatalogEntry: make_entries,
        Analytics: make_analytics,
        ExportJob: make_exports,
        AuditLog: make_audit,
    }
    makers[model](1)
    row = model.objects.first()
    page = row_page(client, row)
    assert page.status_code == 200
    assert "_save" not in page.content.decode()
    name = f"admin:catalog_{model._meta.model_name}"
    # an export is asked for by a form: tests/catalog/test_exports.py
    may_add = 200 if model is ExportJob else 403
    assert client.get(reverse(f"{name}_add")).status_code == may_add
    assert client.post(reverse(f"{name}_delete", args=[row.pk])).status_code == 403


def test_an_audit_entry_shows_before_and_after(client, staff):
    group = staff.groups.create(name="before")
    client.post(reverse("admin:auth_group_change", args=[group.pk]), {"name": "after"})
    page = row_page(client, AuditLog.objects.get()).content.decode()
    assert "<td>name</td><td>before</td>" in page
    assert ">vera</div>" in page
    assert reverse("admin:auth_group_change", args=[group.pk]) in page


def test_the_log_is_filtered_by_table_and_action(client, staff):
    make_audit(2)
    page = list_page(client, AuditLog, "?table=catalog.SystemConfig&action=create")
    assert len(page.context["cl"].result_list) == 2
    assert not list_page(client, AuditLog, "?action=delete").context["cl"].result_list
