"""What runs around Django: which commands get servers, and uv with pip's index."""

import importlib.util
import os
import subprocess
import sys

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


def run_beside_the_servers(state, *words, text=None):
    """Give what ``python -m astrid.embedded`` prints."""
    return subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "astrid.embedded", *words],
        cwd=PROJECT,
        env={**os.environ, "ASTRID_STATE": str(state)},
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_dump_can_be_loaded_again(state):
    make = "CREATE TABLE galaxy AS SELECT 'M31' AS name"
    assert run_beside_the_servers(state, "psql", "-c", make).returncode == 0
    dump = run_beside_the_servers(state, "pg_dump", "--table", "galaxy")
    assert run_beside_the_servers(state, "psql", "-c", "DROP TABLE galaxy").returncode == 0
    run_beside_the_servers(state, "psql", text=dump.stdout)
    names = run_beside_the_servers(state, "psql", "-At", "-c", "SELECT name FROM galaxy")
    assert names.stdout == "M31\n"


def test_the_exit_status_of_a_command_beside_the_servers_is_passed_on(state):
    assert run_beside_the_servers(state, "sh", "-c", "exit 3").returncode == 3


def test_a_command_that_does_not_exist_is_named(state):
    answer = run_beside_the_servers(state, "no-such-program")
    assert answer.returncode == 1
    assert answer.stderr == "cannot run no-such-program: No such file or directory\n"


def test_without_a_command_the_addresses_are_printed_and_nothing_starts(fresh):
    lines = run_beside_the_servers(fresh).stdout.splitlines()
    assert [line.partition("=")[0] for line in lines] == ["DATABASE_URL", "BROKER_URL", "CACHE_URL"]
    assert not fresh.exists()


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (KeyboardInterrupt(), "interrupted"),
        (FileNotFoundError(2, "No such file", "x.fits"), r"x\.fits: no such file"),
    ],
)
def test_what_no_command_foresaw_ends_in_a_sentence(monkeypatch, trouble, said):
    def fail(argv):
        raise trouble

    monkeypatch.setattr("django.core.management.execute_from_command_line", fail)
    monkeypatch.setattr(sys, "argv", ["manage.py", "check"])
    with pytest.raises(SystemExit, match=f"^manage.py: {said}"):
        load("manage.py").main()
