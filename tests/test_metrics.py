import secrets

import pytest
from prometheus_client.parser import text_string_to_metric_families

from catalog import jobs
from catalog.access import keys
from catalog.models import JobType, ProcessingJob
from curation.models import ReviewTask
from tests import factories

pytestmark = pytest.mark.django_db

ADDRESS = "/metrics"
TOKEN = secrets.token_urlsafe()


def figures(client, **headers):
    answer = client.get(ADDRESS, **headers)
    assert answer.status_code == 200, answer.content
    return {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


def test_a_monitor_reads_what_waits_and_what_failed(client):
    factories.make_tasks(3)
    done = ReviewTask.objects.first()
    done.done_at = done.created_at
    done.save()
    for status in ("pending", "failed", "failed", "completed"):
        job = jobs.open_job(JobType.PREPROCESS, factories.make_observation())
        ProcessingJob.objects.filter(pk=job.pk).update(status=status)
    found = figures(client)
    assert found["astrid_review_waiting",] == 2
    assert found["astrid_review_oldest_seconds",] > 0
    assert found["astrid_jobs", "failed", "preprocess"] == 2
    assert found["astrid_jobs", "pending", "preprocess"] == 1
    assert ("astrid_jobs", "completed", "preprocess") not in found
    assert found["astrid_detections_last_day",] == 3
    assert found["astrid_frames_last_day", "ingested"] >= 4


def test_reading_costs_the_same_few_queries_however_much_waits(client, django_assert_num_queries):
    factories.make_tasks(4)
    with django_assert_num_queries(6):
        figures(client)


def test_where_a_token_is_set_it_is_wanted_from_everybody(client, settings):
    settings.METRICS_TOKEN = TOKEN
    assert client.get(ADDRESS).status_code == 401
    assert client.get(ADDRESS, headers={"Authorization": "Bearer other"}).status_code == 401
    figures(client, headers={"Authorization": f"Bearer {TOKEN}"})


@pytest.mark.parametrize(
    "elsewhere", [{"REMOTE_ADDR": "192.0.2.7"}, {"HTTP_X_FORWARDED_FOR": "192.0.2.7"}]
)
def test_without_a_token_other_hosts_read_nothing(client, elsewhere):
    answer = client.get(ADDRESS, **elsewhere)
    assert answer.status_code == 401
    assert b"METRICS_TOKEN" in answer.content


def test_behind_a_proxy_nobody_passes_for_this_host(client, settings):
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert client.get(ADDRESS).status_code == 401


def test_who_may_see_jobs_reads_from_anywhere(client):
    client.force_login(factories.make_user(group="operator"))
    figures(client, REMOTE_ADDR="192.0.2.7")


def test_who_is_known_and_may_not_see_jobs_is_told_so(client):
    guest = factories.make_user("gina", group="guest")
    _, secret = keys.issue(guest, keys.Wanted("monitor", ["metrics:read"]), by=guest)
    headers = {"Authorization": f"Bearer {secret}"}
    answer = client.get(ADDRESS, headers=headers, REMOTE_ADDR="192.0.2.7")
    assert answer.status_code == 403
    assert "WWW-Authenticate" not in answer.headers
    assert b"gina may not see jobs" in answer.content
