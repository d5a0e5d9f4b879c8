"""Fixtures and servers shared by every app's tests."""

import os
from contextlib import ExitStack

import pytest
from django.conf import settings

from astrid import embedded
from tests.celery_worker import redis_database

SERVERS = {"db", "transactional_db", "django_db_setup", "live_server", "broker"}


def pytest_configure(config):
    """Start the embedded servers for the whole run where the environment names no others."""
    stack = ExitStack()
    stack.enter_context(embedded.services(embedded.unset_services(os.environ)))
    config.add_cleanup(stack.close)
    if hasattr(config, "workerinput"):
        settings.CACHES["default"]["LOCATION"] = cache_of(config.workerinput["workerid"])


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
def product_files(settings, tmp_path):
    """Keep the files of every test apart from each other and from those of the installation."""
    settings.STORAGES = local_storages(tmp_path / "files")
    return tmp_path / "files"
