"""Fixtures and servers shared by every app's tests."""

import os
from contextlib import ExitStack

import pytest

from astrid import embedded


def pytest_configure(config):
    """Start the embedded servers for the whole run where the environment names no others."""
    stack = ExitStack()
    stack.enter_context(embedded.services(embedded.unset_services(os.environ)))
    config.add_cleanup(stack.close)


@pytest.fixture(autouse=True)
def product_files(settings, tmp_path):
    """Keep the files of every test apart from each other and from those of the installation."""
    local = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(tmp_path / "files")},
    }
    settings.STORAGES = settings.STORAGES | {"products": local}
    return tmp_path / "files"
