"""The audit log: what is written, by whom, and what is never written."""

import uuid

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, connection, transaction
from django.http import HttpResponse, StreamingHttpResponse
from django.test import RequestFactory
from django_celery_beat.models import CrontabSchedule
from rest_framework.response import Response
from rest_framework.test import APIClient, APIRequestFactory
from rest_framework.views import APIView

from astrid.core.errors import InvalidTransition
from astrid.core.ids import new_id
from astrid.core.states import transition
from catalog import audit
from catalog.access import keys
from catalog.audit import AuditMiddleware, audited_as, entity_id, history
from catalog.models import AuditLog
from curation.models import AlertChannel
from observations.models import Observation, ObservationStatus, Survey
from tests.factories import make_observation, make_survey, make_user

pytestmark = pytest.mark.django_db
SIGNING = "correct horse"


def entries(row):
    return list(history(row).order_by("id"))


def test_every_table_that_people_change_is_watched():
    watched = set(audit.watched())
    models = {model._meta.label: model for model in apps.get_models(include_auto_created=True)}
    assert watched <= set(models)
    assert watched >= {
        "observations.Survey",
        "observations.Observation",
        "detection.Detection",
        "curation.ValidationEvent",
        "curation.AlertChannel",
        "catalog.SystemConfig",
        "catalog.ProcessingJob",
        "auth.User",
        "auth.User_groups",
        "django_celery_beat.PeriodicTask",
    }


def test_work_of_the_machine_leaves_no_entry():
    survey = make_survey()
    Survey.objects.update(description="seen")
    survey.delete()
    assert not AuditLog.objects.exists()


def test_a_named_change_keeps_old_and_new_values_of_the_changed_columns_only():
    survey = make_survey(name="North")
    with audited_as(7, ip="192.0.2.1", agent="manage.py shell"):
        survey.description = "deep"
        survey.save()
    (entry,) = entries(survey)
    assert entry.action == "update"
    assert entry.entity_type == "observations.Survey"
    assert entry.user_id == "7"
    assert entry.old_values == {"description": None}
    assert entry.new_values == {"description": "deep"}
    assert entry.change_summary == "changed description from nothing to deep"
    assert (entry.ip_address, entry.user_agent) == ("192.0.2.1", "manage.py shell")


def test_creating_and_deleting_keep_the_whole_row():
    with audited_as(7):
        survey = make_survey(name="South")
        key = survey.pk
        survey.delete()
    made, gone = AuditLog.objects.filter(entity_id=key).order_by("id")
    assert (made.action, gone.action) == ("create", "delete")
    assert made.new_values["name"] == gone.old_values["name"] == "South"
    assert made.old_values is None
    assert gone.new_values is None
    assert (made.change_summary, gone.change_summary) == ("created South", "deleted South")


def test_saving_without_a_change_leaves_no_entry():
    survey = make_survey()
    with audited_as(7):
        survey.save()
    assert entries(survey) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda row: Observation.objects.filter(pk=row.pk).update(status="archived"),
        lambda row: transition(row, ObservationStatus.ARCHIVED),
        lambda row: connection.cursor().execute(
            "/* by hand */ UPDATE observations_observation SET status = 'archived'"
        ),
        lambda row: Observation.objects.bulk_update([_archived(row)], ["status"]),
    ],
    ids=["queryset update", "transition", "raw SQL", "bulk update"],
)
def test_no_way_of_writing_escapes_the_log(change):
    row = make_observation()
    with audited_as("operator"):
        change(row)
    (entry,) = entries(row)
    assert (entry.old_values, entry.new_values) == ({"status": "ingested"}, {"status": "archived"})


def _archived(row):
    row.status = "archived"
    return row


def test_a_refused_change_leaves_no_entry():
    row = make_observation(status="archived")
    with audited_as(7), pytest.raises(InvalidTransition):
        transition(row, ObservationStatus.INGESTED)
    assert entries(row) == []


def test_secrets_and_passwords_are_masked_but_their_change_is_seen():
    user = make_user()
    channel = AlertChannel.objects.create(
        name="hook", kind="webhook", address="http://x", secret=SIGNING
    )
    with audited_as(7):
        user.set_password("another long pass phrase")
        user.save()
        channel.secret = SIGNING[::-1]
        channel.save()
    (of_user,) = entries(user)
    (of_channel,) = entries(channel)
    assert of_user.new_values == of_user.old_values == {"password": "***"}
    assert of_channel.new_values == {"secret": "***"}
    assert SIGNING[::-1] not in str(of_channel.change_summary)


def test_a_row_with_an_integer_key_is_found_by_it():
    with audited_as(7):
        schedule = CrontabSchedule.objects.create(hour="3")
        user = make_user("mira")
    assert entity_id(11) == uuid.UUID("00000000-0000-8000-8000-00000000000b")
    assert entity_id(11).version == 8
    assert [each.action for each in entries(schedule)] == ["create"]
    assert entries(user)[0].change_summary == "created mira"


def test_group_membership_is_logged():
    user = make_user()
    with audited_as(7):
        user.groups.create(name="testers")
    entry = AuditLog.objects.get(entity_type="auth.User_groups")
    assert entry.new_values["user_id"] == user.pk


def test_keys_made_by_the_database_are_version_7_and_ordered():
    with connection.cursor() as cursor:
        cursor.execute("SELECT astrid_uuid7(), pg_sleep(0.0001) FROM generate_series(1, 200)")
        keys = [row[0] for row in cursor.fetchall()]
    assert {key.version for key in keys} == {7}
    assert {key.variant for key in keys} == {uuid.RFC_4122}
    assert keys == sorted(keys)
    # the first 48 bits are milliseconds: both clocks are this machine's
    assert abs((new_id().int >> 80) - (keys[-1].int >> 80)) < 10_000


@pytest.mark.parametrize("verb", ["delete", "update"])
def test_the_log_cannot_be_changed(verb):
    with audited_as(7):
        make_survey()
    rows = AuditLog.objects.all()
    with pytest.raises(IntegrityError, match="never changed or deleted"), transaction.atomic():
        rows._raw_delete("default") if verb == "delete" else rows.update(user_id="8")
    assert AuditLog.objects.filter(user_id="7").exists()


def test_a_column_added_later_is_logged():
    survey = make_survey()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # PostgreSQL asks for this before ALTER
        cursor.execute("ALTER TABLE observations_survey ADD COLUMN seeing_limit float")
        with audited_as(7):
            cursor.execute("UPDATE observations_survey SET seeing_limit = 1.5")
    assert entries(survey)[0].new_values == {"seeing_limit": 1.5}


def test_the_name_is_gone_after_the_block_in_the_same_transaction():
    survey = make_survey()
    with audited_as(7):
        Survey.objects.update(description="by hand")
    Survey.objects.update(description="by machine")
    assert [each.new_values["description"] for each in entries(survey)] == ["by hand"]


def test_the_inner_of_two_names_counts_and_the_outer_returns():
    survey = make_survey()
    with audited_as(7, ip="192.0.2.1"):
        with audited_as(8):
            Survey.objects.update(description="b")
        with audited_as(7):
            Survey.objects.update(description="c")
    assert [(each.user_id, each.ip_address) for each in entries(survey)] == [
        ("8", None),
        ("7", "192.0.2.1"),
    ]


def break_a_constraint():
    with transaction.atomic(), audited_as(7), connection.cursor() as cursor:
        cursor.execute("UPDATE observations_survey SET name = 'a'")
        cursor.execute("UPDATE observations_survey SET adapter = 'none such'")


def test_a_failed_statement_in_the_block_raises_its_own_error():
    survey = make_survey()
    with pytest.raises(IntegrityError, match="observations_survey_adapter"):
        break_a_constraint()
    Survey.objects.update(description="by machine")
    assert entries(survey) == []


def answer(request, view):
    return AuditMiddleware(view)(request)


def request_of(user, method="post", **meta):
    request = getattr(RequestFactory(), method)("/", headers={"user-agent": "browser"}, **meta)
    request.user = user
    return request


def test_an_unsafe_request_names_its_user_address_and_agent():
    user, survey = make_user(), make_survey()

    def view(request):
        Survey.objects.update(description="posted")
        return HttpResponse()

    answer(request_of(user, REMOTE_ADDR="192.0.2.9"), view)
    (entry,) = entries(survey)
    assert (entry.user_id, entry.ip_address) == (str(user.pk), "192.0.2.9")
    assert entry.user_agent == "browser"


def test_an_exception_in_a_view_leaves_no_name_behind():
    survey = make_survey()

    def view(request):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        answer(request_of(make_user()), view)
    Survey.objects.update(description="by machine")
    assert entries(survey) == []


def test_a_safe_request_costs_no_query(django_assert_num_queries):
    with django_assert_num_queries(0):
        answer(request_of(None, "get"), lambda request: HttpResponse())


def test_an_unsafe_request_that_writes_nothing_costs_one_reset_at_most(
    django_assert_max_num_queries,
):
    user = make_user()
    # 1: this test runs inside a transaction, which is told that nobody is at work any more
    with django_assert_max_num_queries(1):
        answer(request_of(user), lambda request: HttpResponse())


def test_a_stream_is_written_in_the_name_of_its_reader():
    user, survey = make_user(), make_survey()

    def body():
        Survey.objects.update(description="streamed")
        yield b"row"

    response = answer(request_of(user), lambda request: StreamingHttpResponse(body()))
    assert entries(survey) == []
    assert b"".join(response.streaming_content) == b"row"
    assert [each.user_id for each in entries(survey)] == [str(user.pk)]
    Survey.objects.update(description="by machine")
    assert len(entries(survey)) == 1


def test_a_request_nobody_is_signed_in_for_names_nobody():
    def view(request):
        Survey.objects.update(description="posted")
        return HttpResponse()

    survey = make_survey()
    answer(request_of(AnonymousUser()), view)
    assert entries(survey) == []


class Describe(APIView):
    """Writes to every survey."""

    permission_classes = []

    def post(self, request):
        """Write."""
        Survey.objects.update(description="by token")
        return Response()


def test_the_owner_of_an_api_token_is_named():
    user, survey = make_user(), make_survey()
    _, token = keys.sign_in(user)
    headers = {"authorization": f"Token {token}"}
    request = APIRequestFactory().post("/", headers=headers)
    request.user = AnonymousUser()  # as AuthenticationMiddleware leaves it
    answer(request, Describe.as_view())
    assert [each.user_id for each in entries(survey)] == [str(user.pk)]


def test_an_admin_form_is_logged_through_the_whole_site(client):
    user = make_user(is_staff=True, is_superuser=True)
    group = user.groups.create(name="before")
    client.force_login(user)
    response = client.post(f"/admin/auth/group/{group.pk}/change/", {"name": "after"})
    assert response.status_code == 302
    (entry,) = entries(group)
    assert (entry.user_id, entry.new_values) == (str(user.pk), {"name": "after"})


@pytest.mark.parametrize(
    ("forwarded", "is_behind_proxy", "found"),
    [
        ("203.0.113.5, 198.51.100.7", True, "198.51.100.7"),
        ("203.0.113.5, 198.51.100.7", False, "192.0.2.9"),
        ("unknown", True, "192.0.2.9"),
        ("2001:db8::1", True, "2001:db8::1"),
        ("", True, "192.0.2.9"),
    ],
)
def test_a_forwarded_address_counts_only_behind_a_proxy(
    settings, forwarded, is_behind_proxy, found
):
    header = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SECURE_PROXY_SSL_HEADER = header if is_behind_proxy else None
    request = RequestFactory().post("/", REMOTE_ADDR="192.0.2.9")
    request.META["HTTP_X_FORWARDED_FOR"] = forwarded
    assert audit.address_of(request) == found


@pytest.mark.django_db(transaction=True)
class TestOutsideATransaction:
    """Every statement commits by itself, as in production."""

    def test_a_single_statement_is_logged_and_names_nobody_afterwards(self):
        survey = make_survey()
        with audited_as(7):
            Survey.objects.update(description="by hand")
        Survey.objects.update(description="by machine")
        assert [each.user_id for each in entries(survey)] == ["7"]
        assert not connection.in_atomic_block

    @transaction.atomic
    def write_in_vain(self):
        Survey.objects.update(description="lost")
        raise IntegrityError

    def test_a_rolled_back_transaction_neither_logs_nor_leaves_a_name(self):
        survey = make_survey()
        with audited_as(7):
            with pytest.raises(IntegrityError):
                self.write_in_vain()
            Survey.objects.update(description="kept")
        Survey.objects.update(description="by machine")
        assert [each.new_values["description"] for each in entries(survey)] == ["kept"]

    def test_a_persistent_connection_serves_the_next_request_nameless(self):
        survey, client = make_survey(), APIClient()
        user = make_user(is_staff=True, is_superuser=True)
        client.force_login(user)
        client.post("/admin/auth/group/add/", {"name": "new"})
        assert AuditLog.objects.get().change_summary == "created new"
        Survey.objects.update(description="by machine")
        assert entries(survey) == []
