"""Messages to the broker: after the commit, and never a reason to fail."""

import socket

import pytest
from celery import Celery
from django.conf import settings
from django.db import transaction

from astrid.core.hints import hint

REFUSED = "redis://127.0.0.1:1/0"  # nothing listens at port 1


def task_of(url, **options):
    """Give a task of an application with our settings, but another broker."""
    app = Celery("elsewhere", set_as_current=False)
    app.config_from_object("django.conf:settings", namespace="CELERY")
    app.conf.broker_url = url
    app.conf.broker_transport_options = {**settings.CELERY_BROKER_TRANSPORT_OPTIONS, **options}
    return app.task(look, name="look", shared=False)


def look(word):
    raise AssertionError(f"no worker is there to look at {word}")


@pytest.fixture
def mute_broker():
    """A broker that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"redis://127.0.0.1:{listening.getsockname()[1]}/0"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("url", [REFUSED, "redis+socket:///nowhere.sock?virtual_host=0"])
def test_a_broker_that_is_away_costs_a_line_in_the_log(url, caplog):
    hint(task_of(url), "job")
    assert "no broker for look('job')" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_mute_does_not_hold_up_the_work(mute_broker, caplog):
    hint(task_of(mute_broker, socket_timeout=0.2), "job")
    assert "no broker for look('job')" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_nothing_is_said_before_the_commit_and_nothing_after_a_rollback(caplog):
    task = task_of(REFUSED)
    with transaction.atomic():
        hint(task, "kept")
        assert "look" not in caplog.text
    with transaction.atomic():
        hint(task, "undone")
        transaction.set_rollback(True)
    assert "no broker for look('kept')" in caplog.text
    assert "undone" not in caplog.text
