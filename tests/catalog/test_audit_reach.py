"""The audit log reaches every table that a person can change, and every operator's command."""

import getpass
from io import StringIO

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.urls import reverse
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule

from astrid.management.commands import process
from catalog import audit
from catalog.access import keys
from catalog.audit import audited_as, by_operator, entity_id, history
from catalog.models import AuditLog
from curation.models import ReviewTask
from detection import registry
from detection.models import Model
from lightcurves.models import Instrument, Mission, TESSObservation
from observations.models import ObservationStatus
from tests.factories import make_detection, make_observation, make_user

pytestmark = pytest.mark.django_db
PHRASE = "a long enough pass phrase"


@pytest.fixture
def superuser(client):
    user = make_user("vera", is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


def writable(request):
    """Give each table of the admin with what a person may do to its rows."""
    for model, page in admin.site._registry.items():
        allowed = {
            "INSERT": page.has_add_permission(request),
            "UPDATE": page.has_change_permission(request),
            "DELETE": page.has_delete_permission(request),
        }
        verbs = {verb for verb, is_allowed in allowed.items() if is_allowed}
        yield model._meta.db_table, verbs
        for field in model._meta.local_many_to_many:
            through = field.remote_field.through._meta
            if verbs and through.auto_created:
                yield through.db_table, {"INSERT", "DELETE"}


def triggers():
    """Give (table, verb) for all that the audit trigger sees."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT event_object_table, event_manipulation FROM information_schema.triggers"
            " WHERE trigger_name = 'astrid_audit'"
        )
        return set(cursor.fetchall())


def test_whatever_a_superuser_may_change_in_the_admin_is_watched(rf, superuser):
    request = rf.get("/")
    request.user = superuser
    wanted = {(table, verb) for table, verbs in writable(request) for verb in verbs}
    assert len(wanted) > 50
    assert not wanted - triggers()


# Written by machine only; leases come and go by the minute.
BULK = {
    "detection_contextsource",
    "catalog_auditlog",
    "catalog_analytics",
    "catalog_event",
    "catalog_tally",
    "differencing_candidate",
    "curation_lease",
    "detection_shadowscore",
    "detection_forcedmeasurement",
    "lightcurves_curvefeatures",
    "curation_goldtrial",
    "curation_injectiontest",
    "curation_agreementrun",
    "curation_labelprobability",
}


def test_every_table_of_our_apps_but_the_bulk_ones_is_watched():
    ours = ("observations", "preprocessing", "differencing", "detection", "curation", "catalog")
    names = connection.introspection.table_names()
    tables = {name for name in names if name.startswith((*ours, "lightcurves"))}
    assert not tables - BULK - {table for table, _ in triggers()}


def add(client, model, **values):
    """Fill in the form of the admin, its empty inlines included, and give the entry of the row."""
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add")
    inlines = client.get(address).context["inline_admin_formsets"]
    counts = [inline.formset.management_form for inline in inlines]
    for form in counts:
        values |= {form.add_prefix(name): form[name].value() for name in form.fields}
    assert client.post(address, values).status_code == 302
    (entry,) = history(model.objects.get())
    return entry


MISSION = {
    "name": "Vera",
    "time_unit": "d",
    "time_epoch": "2457000",
    "time_epoch_scale": "tdb",
    "time_epoch_format": "jd",
    "time_format_name": "veratime",
}


@pytest.mark.parametrize(
    ("model", "values"),
    [(Mission, MISSION), (IntervalSchedule, {"every": 7, "period": "hours"})],
    ids=["light curves", "schedules"],
)
def test_a_row_added_in_the_admin_is_logged(client, superuser, model, values):
    model.objects.all().delete()
    entry = add(client, model, **values)
    assert (entry.user_id, entry.action, entry.old_values) == (str(superuser.pk), "create", None)
    logged = {name: entry.new_values[name] for name in values}
    assert logged == values | ({"time_epoch": 2457000} if model is Mission else {})


def test_a_priority_changed_in_the_admin_is_logged(client, superuser):
    task = ReviewTask.objects.create(detection=make_detection(), score=0.9)
    address = reverse("admin:curation_reviewtask_change", args=[task.pk])
    assert client.post(address, {"priority": 5}).status_code == 302
    (entry,) = history(task)
    assert (entry.user_id, entry.action) == (str(superuser.pk), "update")
    assert (entry.old_values, entry.new_values) == ({"priority": 0}, {"priority": 5})


def test_what_judging_moves_on_a_task_leaves_no_entry():
    task = ReviewTask.objects.create(detection=make_detection(), score=0.9)
    with audited_as(7):
        ReviewTask.objects.update(votes=1, seen_by=[make_user().pk], done_at=timezone.now())
    assert not history(task)


def test_a_key_is_logged_without_what_it_is_made_of_and_without_its_use():
    with audited_as(7):
        key, secret = keys.sign_in(make_user())
        keys.note_use(key, timezone.now())
        keys.revoke(key)
    entries = list(AuditLog.objects.filter(entity_type="catalog.ApiKey").order_by("id"))
    assert [entry.action for entry in entries] == ["create", "update"]
    assert {entry.entity_id for entry in entries} == {key.pk}
    assert list(entries[1].new_values) == ["revoked_at"]
    told = str([entry.__dict__ for entry in entries])
    assert not any(text in told for text in (key.digest, secret))


def test_text_keys_make_the_same_id_here_and_in_the_database():
    texts = [f"key {number}" for number in range(64)]  # every variant digit occurs
    with connection.cursor() as cursor:
        cursor.execute("SELECT astrid_entity_id(unnest(%s::text[]))", [texts])
        found = [key for (key,) in cursor.fetchall()]
    assert found == [entity_id(text) for text in texts]


def test_every_binary_column_of_a_watched_table_is_masked():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE data_type = 'bytea' AND table_schema = current_schema()"
        )
        binary = cursor.fetchall()
        cursor.execute(
            "SELECT tgrelid::regclass::text, encode(tgargs, 'escape') FROM pg_trigger"
            " WHERE tgname = 'astrid_audit'"
        )
        arguments = dict(cursor.fetchall())
    assert ("lightcurves_dataset", "values") in binary
    for table, column in binary:
        if table in arguments:
            masked, ignored = arguments[table].split("\\000")[1:3]
            assert column in f"{masked},{ignored}".split(","), f"{table}.{column} is copied"


def test_a_proxy_has_the_history_of_its_table():
    with audited_as(7):
        row = TESSObservation.objects.create(
            instrument=Instrument.objects.create(name="Camera 1"),
            cadence_reference=[1, 2, 3],
            sector=1,
        )
    (entry,) = history(row)
    assert entry.entity_type == "lightcurves.Observation"
    assert entry.new_values["cadence_reference"] == "***"


def test_an_operator_without_a_name_is_known_by_the_number(monkeypatch):
    def nameless():
        raise OSError("no username set in the environment")

    monkeypatch.setattr(getpass, "getuser", nameless)
    monkeypatch.setattr(audit.os, "getuid", lambda: 1234)
    with by_operator("test"):
        observation = make_observation()
    assert history(observation)[0].user_id == "os:1234"


class TestCommands:
    """What operators do at the console has their name."""

    def who(self, row):
        entry = history(row).first()
        return entry.user_id, entry.user_agent

    def test_a_superuser_made_at_the_console(self, monkeypatch):
        monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PHRASE)
        options = {"username": "mira", "email": "mira@example.org", "interactive": False}
        call_command("createsuperuser", **options, stdout=StringIO())
        user = get_user_model().objects.get(username="mira")
        assert self.who(user) == (f"os:{getpass.getuser()}", "manage.py createsuperuser")
        assert set(history(user).last().new_values["password"]) == {"*"}

    def test_a_password_changed_at_the_console(self, monkeypatch):
        user = make_user("mira")
        monkeypatch.setattr(getpass, "getpass", lambda prompt: PHRASE)
        call_command("changepassword", "mira", stdout=StringIO())
        assert self.who(user) == (f"os:{getpass.getuser()}", "manage.py changepassword")
        user.refresh_from_db()
        assert user.check_password(PHRASE)

    def test_a_network_asked_for_at_the_console(self, monkeypatch):
        row = registry.active()
        first = Model.objects.create(
            name="other",
            version="1",
            model_type="classifier",
            model_path=row.model_path,
            sha256=row.sha256,
        )
        make_user("olga", group="operator", password=PHRASE)
        monkeypatch.setattr(getpass, "getpass", lambda prompt: PHRASE)
        call_command("promote_model", registered=["other", "1"], by="olga", stdout=StringIO())
        change = first.changes.get()
        assert self.who(change) == (f"os:{getpass.getuser()}", "manage.py promote_model")

    def test_an_observation_tried_again_at_the_console(self):
        row = make_observation(status=ObservationStatus.FAILED)
        process.reopen(str(row.pk))
        assert self.who(row) == (f"os:{getpass.getuser()}", "manage.py process")


@pytest.mark.django_db(transaction=True)
def test_the_migration_goes_back_and_forth():
    """Ends at the newest state, as other tests expect it."""
    newest = MigrationExecutor(connection).loader.graph.leaf_nodes()
    before = triggers()
    MigrationExecutor(connection).migrate([("catalog", "0009_words_for_people")])
    assert ("knox_authtoken", "INSERT") in before - triggers()
    MigrationExecutor(connection).migrate(newest)
    assert triggers() == before


ARRAYS = ["dataset", "observation", "qualityflagarray", "targetspecifictime"]


@pytest.mark.parametrize("table", [f"lightcurves_{name}" for name in ARRAYS])
def test_the_functions_of_tables_with_arrays_name_every_column(table):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT prosrc FROM pg_proc WHERE proname = '{table}_audit'")  # noqa: S608
        (source,) = cursor.fetchone()
        columns = connection.introspection.get_table_description(cursor, table)
    # a migration that adds one calls `watch` of catalog's 0031
    assert [each.name for each in columns if f"OLD.{each.name}" not in source] == []


def test_what_happens_to_arrays_is_told_without_the_numbers():
    instrument = Instrument.objects.create(name="Camera")
    with audited_as(7):
        row = TESSObservation.objects.create(
            instrument=instrument, cadence_reference=[1, 2], sector=1
        )
        row.cadence_reference = [1, 3]
        row.save()
        row.sector = 2
        row.save()
        key = row.pk
        row.delete()
    made, changed, renamed, gone = AuditLog.objects.filter(
        entity_type="lightcurves.Observation", entity_id=entity_id(key)
    ).order_by("created_at", "id")
    assert (made.action, made.new_values["cadence_reference"]) == ("create", "***")
    assert changed.new_values == {"cadence_reference": "***", "cadence_last": 3}
    assert renamed.old_values == {"extra": {"sector": 1}}
    assert (gone.action, gone.old_values["cadence_reference"], gone.old_values["n"]) == (
        "delete", "***", 2,
    )  # fmt: skip
