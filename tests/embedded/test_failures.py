"""A start that fails says why, and leaves nothing running."""

import pytest

from astrid import embedded
from tests.embedded.processes import Client, eventually, everything


def test_a_server_that_does_not_come_up_is_shown_with_the_end_of_its_log(state):
    control = state / "services/postgres/data/global/pg_control"
    control.rename(control.with_name("away"))
    with (
        pytest.raises(embedded.EmbeddedError, match=r"(?s)PostgreSQL ended.*pg_control"),
        embedded.services(state=state),
    ):
        pytest.fail("it started")
    eventually(lambda: not everything(state), "nothing is left")
    control.with_name("away").rename(control)
    with Client(state) as client:
        assert client.said() == "up"


def test_data_of_another_major_version_are_refused_with_both_versions(state):
    version = state / "services/postgres/data/PG_VERSION"
    version.write_text("17\n")
    with (
        pytest.raises(embedded.EmbeddedError, match=r"written by PostgreSQL 17.* has 18"),
        embedded.services(state=state),
    ):
        pytest.fail("it started")
    version.write_text("18\n")


def test_a_pid_file_whose_number_belongs_to_another_process_now_is_no_obstacle(state):
    pid_file = state / "services/postgres/data/postmaster.pid"
    pid_file.write_text(f"1\n{pid_file.parent}\n")
    with embedded.services(state=state):
        assert not pid_file.read_text().startswith("1\n")


def test_an_interrupted_initdb_is_done_again(fresh):
    home = fresh / "services/postgres"
    (home / "data.partial/base").mkdir(parents=True)
    home.chmod(0o700)
    with embedded.services(state=fresh):
        assert (home / "data/PG_VERSION").exists()
        assert not (home / "data.partial").exists()


def test_a_state_folder_that_cannot_be_made_is_named(folder):
    obstacle = folder / "file"
    obstacle.touch()
    with (
        pytest.raises(
            embedded.EmbeddedError, match=r"cannot make the state folder .*file.*ASTRID_STATE"
        ),
        embedded.services(state=obstacle),
    ):
        pytest.fail("it started")
