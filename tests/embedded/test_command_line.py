"""What runs around Django: which commands get servers, and uv with pip's index."""

import importlib.util

import pytest

from tests.embedded.processes import PROJECT


def load(path):
    """Give a module that is a script, not part of a package."""
    spec = importlib.util.spec_from_file_location(path.rsplit("/", 1)[-1][:-3], PROJECT / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["help", "migrate"],
        ["migrate", "--help"],
        ["--version"],
        ["check", "--deploy"],
        ["difference", "new.fits", "old.fits", "--out", "there"],
    ],
)
def test_commands_that_need_no_database_start_none(words):
    assert load("manage.py").needed_services(["manage.py", *words]) == frozenset()


LISTING = r"""
:env:.extra-index-url='https://env.example/simple'
:env:.disable-pip-version-check='1'
global.cert='/etc/certificate.pem'
global.extra-index-url='https://one.example/simple https://two.example/simple'
global.find-links='\n/srv/wheels\n/srv/more'
global.index-url='https://global.example/simple'
install.index-url='https://install.example/simple'
list.format='columns'
"""


def test_uv_gets_the_index_that_pip_uses_the_strongest_section_winning():
    uv = load("deploy/uv_like_pip.py")
    assert uv.uv_variables(uv.read_pip_settings(LISTING)) == {
        "UV_DEFAULT_INDEX": "https://install.example/simple",
        "UV_INDEX": "https://env.example/simple",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": "/srv/wheels,/srv/more",
        "SSL_CERT_FILE": "/etc/certificate.pem",
    }


def test_without_pip_settings_uv_gets_none():
    uv = load("deploy/uv_like_pip.py")
    assert uv.uv_variables(uv.read_pip_settings("")) == {}
