"""Saved queries: run by whom, with what they may see, when, and for how long they are kept."""

import io
import json

import pytest
from django.core.exceptions import ValidationError
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.urls import reverse
from django_celery_beat.models import PeriodicTask

from astrid.core import store
from astrid.core.models import RunStatus
from catalog import config, tasks
from catalog.exports import saved as saved_queries
from catalog.models import ExportJob, SavedQuery
from curation.models import Alert, AlertChannel, ChannelKind, Delivery
from tests import factories

pytestmark = pytest.mark.django_db
QUERY = "SELECT designation, ra, dec FROM astrid.objects ORDER BY ra"


@pytest.fixture
def rita():
    return factories.make_user("rita", group="researcher", is_staff=True)


@pytest.fixture
def other():
    return factories.make_user("otto", group="researcher", is_staff=True)


@pytest.fixture
def kept(rita):
    factories.make_sky_object(designation="A", ra=10.0)
    return SavedQuery.objects.create(name="objects", owner=rita, adql=QUERY, keep=2)


FORM = {"name": "mine", "adql": QUERY, "file_format": "csv", "hour": "3", "keep": "5"}


class TestInTheAdmin:
    """Where people keep them."""

    def test_a_query_is_kept_with_its_hour_and_beat_knows_it(self, client, rita):
        client.force_login(rita)
        assert client.post(reverse("admin:catalog_savedquery_add"), FORM).status_code == 302
        row = SavedQuery.objects.get()
        assert (row.owner, row.hour, row.keep, row.is_shared) == (rita, 3, 5, False)
        entry = PeriodicTask.objects.get(task=saved_queries.TASK)
        assert (entry.crontab.hour, entry.crontab.minute) == ("3", "0")
        assert str(entry.crontab.timezone) == "UTC"
        assert json.loads(entry.args) == [str(row.pk)]
        page = reverse("admin:catalog_savedquery_change", args=[row.pk])
        assert client.post(page, FORM | {"hour": ""}).status_code == 302
        assert not PeriodicTask.objects.filter(task=saved_queries.TASK).exists()
        client.post(page, FORM)
        client.post(reverse("admin:catalog_savedquery_delete", args=[row.pk]), {"post": "yes"})
        assert not PeriodicTask.objects.filter(task=saved_queries.TASK).exists()

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({"adql": "SELECT nothing FROM astrid.objects"}, "nothing"),
            ({"adql": "DELETE FROM astrid.objects"}, "DELETE"),
            ({"adql": "SELECT 1/0 AS x FROM astrid.objects"}, "division by zero"),
            ({"hour": "24"}, "less than or equal to 23"),
            ({"keep": "0"}, "greater than or equal to 1"),
            ({"name": "objects"}, "You have a query of this name already"),
        ],
    )
    def test_what_cannot_be_is_refused_in_words(self, client, rita, kept, wrong, said):
        client.force_login(rita)
        page = client.post(reverse("admin:catalog_savedquery_add"), FORM | wrong)
        assert page.status_code == 200
        assert said in page.content.decode()

    def test_others_see_what_is_shared_and_change_nothing(self, client, other, kept):
        client.force_login(other)
        listed = reverse("admin:catalog_savedquery_changelist")
        page = reverse("admin:catalog_savedquery_change", args=[kept.pk])
        assert not list(client.get(listed).context["cl"].result_list)
        SavedQuery.objects.update(is_shared=True)
        assert list(client.get(listed).context["cl"].result_list) == [kept]
        assert client.post(page, FORM).status_code == 403
        action = {"action": "run_now", "_selected_action": [str(kept.pk)]}
        client.post(listed, action)
        job = ExportJob.objects.get()
        assert (job.requester, job.saved_query) == (other, kept)


class TestOnThePage:
    """Where people without the admin keep them."""

    def test_a_query_is_kept_run_and_its_file_fetched(self, client, rita):
        factories.make_sky_object(designation="A", ra=10.0)
        client.force_login(rita)
        page = client.get(reverse("queries:make")).content.decode()
        assert "astrid.detections" in page
        assert client.post(reverse("queries:make"), FORM).status_code == 302
        row = SavedQuery.objects.get()
        assert (row.owner, PeriodicTask.objects.filter(task=saved_queries.TASK).count()) == (
            rita,
            1,
        )
        client.post(reverse("queries:change", args=[row.pk]), FORM | {"hour": ""})
        assert not PeriodicTask.objects.filter(task=saved_queries.TASK).exists()
        page = client.post(reverse("queries:run", args=[row.pk]), follow=True).content.decode()
        assert "mine is asked for" in page
        job = ExportJob.objects.get()
        tasks.export(str(job.pk))
        page = client.get(reverse("queries:kept")).content.decode()
        assert f"/api/v1/exports/{job.pk}/file/" in page
        assert "1 row" in page
        client.post(reverse("queries:delete", args=[row.pk]))
        assert not SavedQuery.objects.exists()
        assert ExportJob.objects.exists()

    def test_what_cannot_be_is_refused_beside_its_field(self, client, rita):
        client.force_login(rita)
        page = client.post(reverse("queries:make"), FORM | {"adql": "SELECT x FROM <b>"})
        assert page.status_code == 400
        assert "errorlist" in page.content.decode()
        assert "<b>" not in page.content.decode()
        assert not SavedQuery.objects.exists()

    def test_others_run_what_is_shared_and_change_nothing(self, client, other, kept):
        client.force_login(other)
        addresses = [reverse(f"queries:{verb}", args=[kept.pk]) for verb in ("change", "delete")]
        assert [client.post(each, FORM).status_code for each in addresses] == [404, 404]
        assert client.post(reverse("queries:run", args=[kept.pk])).status_code == 404
        SavedQuery.objects.update(is_shared=True)
        assert [client.post(each, FORM).status_code for each in addresses] == [403, 403]
        client.post(reverse("queries:run", args=[kept.pk]))
        assert ExportJob.objects.get().requester == other

    def test_the_page_costs_the_same_few_queries_however_many_are_kept(
        self, client, rita, kept, django_assert_num_queries
    ):
        for number in range(5):
            row = SavedQuery.objects.create(name=f"q{number}", owner=rita, adql=QUERY)
            ExportJob.objects.create(
                requester=rita, query={"adql": QUERY}, file_format="csv", saved_query=row
            )
        client.force_login(rita)
        # session, person, rights, queries, files
        with django_assert_num_queries(5):
            client.get(reverse("queries:kept"))


class TestOverTheApi:
    """Where programs run them."""

    def ask(self, client, **body):
        return client.post("/api/v1/exports/", body, content_type="application/json")

    def test_a_saved_query_is_run_by_its_id(self, client, rita, kept):
        client.force_login(rita)
        (row,) = client.get("/api/v1/saved-queries/").json()["results"]
        answer = self.ask(client, saved_query=row["id"])
        assert answer.status_code == 202
        assert answer.json()["query"] == {"adql": QUERY}
        tasks.export(answer.json()["id"])
        text = b"".join(client.get(f"/api/v1/exports/{answer.json()['id']}/file/"))
        assert text.decode().splitlines() == ["designation,ra,dec", "A,10,2"]

    def test_what_others_keep_for_themselves_is_not_there(self, client, other, kept):
        client.force_login(other)
        assert client.get("/api/v1/saved-queries/").json()["results"] == []
        refused = self.ask(client, saved_query=str(kept.pk))
        assert refused.status_code == 400
        assert "nor is it shared" in refused.content.decode()

    def test_both_and_neither_are_refused(self, client, rita, kept):
        client.force_login(rita)
        for body in ({}, {"query": QUERY, "saved_query": str(kept.pk)}):
            assert "either a query or a saved_query" in self.ask(client, **body).content.decode()


class TestByNight:
    """What beat runs."""

    def test_as_many_files_as_asked_for_are_kept(self, kept, rita):
        mine = ExportJob.objects.create(requester=rita, query={"adql": QUERY}, file_format="csv")
        for number in range(4):
            factories.make_sky_object(designation=f"B{number}", ra=20.0 + number)
            tasks.run_saved_query(str(kept.pk))
        jobs = list(ExportJob.objects.filter(saved_query=kept).order_by("id"))
        assert [job.rows for job in jobs] == [4, 5]
        assert all(job.is_scheduled and job.status == RunStatus.COMPLETED for job in jobs)
        files = [job.file_path for job in jobs]
        assert all(storages[store.ALIAS].exists(name) for name in files)
        assert ExportJob.objects.filter(pk=mine.pk).exists()

    def test_a_file_that_another_export_names_stays(self, kept, rita):
        for _ in range(4):  # the same rows, the same file
            tasks.run_saved_query(str(kept.pk))
        (name,) = set(ExportJob.objects.values_list("file_path", flat=True))
        assert ExportJob.objects.count() == 2
        assert storages[store.ALIAS].exists(name)

    def test_older_files_go_from_the_storage_too(self, kept):
        tasks.run_saved_query(str(kept.pk))
        first = ExportJob.objects.get().file_path
        for number in range(2):
            factories.make_sky_object(designation=f"C{number}", ra=30.0 + number)
            tasks.run_saved_query(str(kept.pk))
        assert not storages[store.ALIAS].exists(first)

    def test_a_failure_is_told_of_through_the_channels(self, kept):
        AlertChannel.objects.create(name="ops", kind=ChannelKind.EMAIL, address="ops@example.org")
        rule = {"name": "nightly", "trigger": "export", "channels": ["ops"]}
        config.put("alert_rules", [rule])
        SavedQuery.objects.update(adql="SELECT gone FROM astrid.objects")
        tasks.run_saved_query(str(kept.pk))
        job = ExportJob.objects.get()
        alert = Alert.objects.get()
        assert job.status == RunStatus.FAILED
        assert (alert.entity_id, alert.alert_type) == (job.pk, "export")
        assert "gone" in alert.message
        assert Delivery.objects.get().channel.name == "ops"

    def test_without_a_rule_the_alert_says_that_nobody_heard(self, kept):
        SavedQuery.objects.update(adql="SELECT gone FROM astrid.objects")
        tasks.run_saved_query(str(kept.pk))
        alert = Alert.objects.get()
        assert "no rule of the setting alert_rules has the trigger export" in alert.error_message

    def test_what_somebody_asked_for_by_hand_is_not_told_of(self, kept, rita):
        job = saved_queries.run(kept, rita)
        ExportJob.objects.update(query={"adql": "SELECT gone FROM astrid.objects"})
        tasks.export(str(job.pk))
        assert ExportJob.objects.get().status == RunStatus.FAILED
        assert not Alert.objects.exists()

    def test_a_query_that_is_gone_is_nothing_to_do(self, kept):
        key = str(kept.pk)
        kept.delete()
        tasks.run_saved_query(key)
        assert not ExportJob.objects.exists()


class TestByCommand:
    """What operators run."""

    def test_a_saved_query_is_written_by_its_name(self, kept, tmp_path):
        out = tmp_path / "objects.csv"
        call_command("export", saved="objects", out=out, stderr=io.StringIO())
        assert out.read_text().splitlines()[0] == "designation,ra,dec"

    def test_two_of_a_name_are_told_apart_by_their_owners(self, kept, other, tmp_path):
        SavedQuery.objects.create(name="objects", owner=other, adql="astrid.objects")
        with pytest.raises(CommandError, match=r"2 saved queries fit 'objects'.*--owner"):
            call_command("export", saved="objects")
        out = tmp_path / "objects.csv"
        call_command("export", saved="objects", owner="rita", out=out, stderr=io.StringIO())
        assert out.exists()

    def test_a_query_and_a_saved_one_are_too_much(self):
        with pytest.raises(CommandError, match="either a query or --saved"):
            call_command("export", "astrid.objects", saved="objects")


def test_the_database_refuses_hours_that_no_day_has(rita):
    row = SavedQuery(name="x", owner=rita, adql=QUERY, hour=24)
    with pytest.raises(ValidationError, match="23"):
        row.full_clean()
    with pytest.raises(IntegrityError, match="savedquery_hour"), transaction.atomic():
        row.save()
