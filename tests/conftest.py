"""Fixtures and servers shared by every app's tests."""

import os
import sys
from contextlib import ExitStack
from uuid import uuid4

import hypothesis
import pytest
from django.conf import settings
from django.db import connection

from astrid import embedded
from tests.celery_worker import redis_database

END_OTHER_SESSIONS = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
# A change is judged by itself, not by what comes up: --hypothesis-profile=default draws others.
hypothesis.settings.register_profile("same", derandomize=True)
hypothesis.settings.load_profile("same")
SERVERS = {"db", "transactional_db", "django_db_setup", "live_server", "broker"}


def pytest_addoption(parser):
    """Let the tests be asked for that need another program."""
    parser.addoption(
        "--peer-vo", action="store_true", help="compare with a server of GAVO DaCHS, built here"
    )


def pytest_configure(config):
    """Start the embedded servers for the whole run where the environment names no others."""
    stack = ExitStack()
    stack.enter_context(embedded.services(embedded.unset_services(os.environ)))
    config.add_cleanup(stack.close)
    if hasattr(config, "workerinput"):
        settings.CACHES["default"]["LOCATION"] = cache_of(config.workerinput["workerid"])


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Take the test database away even from a browser that keeps its connections alive.

    Each of them holds a thread of the live server, and that a session: none may be left when the
    database is dropped.
    """
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(END_OTHER_SESSIONS)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item):
    """End what a test listened to, live, before its database is taken away."""
    if "catalog.live.hub" in sys.modules:
        from tests.browsers import let_listeners_go

        let_listeners_go()


def cache_of(worker):
    """Give the address of a cache that only this one of several test processes empties."""
    number = 2 + int(worker.removeprefix("gw"))
    return redis_database(settings.CACHES["default"]["LOCATION"], number)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark the tests that use the database or the broker: ``-m served`` runs them on others."""
    for item in items:
        if item.get_closest_marker("django_db") or not SERVERS.isdisjoint(item.fixturenames):
            item.add_marker("served")


def local_storages(folder):
    """Give settings that keep products below ``folder``."""
    local = {
        "BACKEND": "astrid.core.files.WholeFiles",
        "OPTIONS": {"location": str(folder)},
    }
    return settings.STORAGES | {"products": local}


@pytest.fixture(autouse=True)
def _counted_apart(monkeypatch):
    """Count the requests of every test by themselves, by the limits of the default setting."""
    from catalog.access import limits  # after Django has started
    from catalog.access.parameters import RateParameters

    monkeypatch.setattr(limits, "PREFIX", f"test-{uuid4().hex}")
    monkeypatch.setattr(limits, "remembered", {"rates": (float("inf"), RateParameters())})


@pytest.fixture(autouse=True)
def product_files(settings, tmp_path):
    """Keep the files of every test apart from each other and from those of the installation."""
    settings.STORAGES = local_storages(tmp_path / "files")
    return tmp_path / "files"
