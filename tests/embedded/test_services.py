"""The servers' life: one keeper, shared by clients, gone with the last of them."""

import os
import signal
import subprocess
import sys

import psycopg
import pytest
import redis
from kombu import Connection

from astrid import embedded
from astrid.embedded import locks
from tests.embedded.processes import (
    PROJECT,
    Client,
    alive,
    eventually,
    everything,
    keepers,
    postmaster,
    servers,
)

LIBPQ = "postgresql"


def database(state):
    return psycopg.connect(LIBPQ + embedded.database_url(state).removeprefix("postgres"))


def test_the_first_start_gives_a_database_a_broker_and_a_cache(fresh):
    with embedded.services(state=fresh):
        with database(fresh) as connection:
            settings = ("server_encoding", "listen_addresses", "fsync")
            shown = [connection.execute(f"SHOW {name}").fetchone()[0] for name in settings]
            words = connection.execute("SELECT lower('É') = 'é', 'Z' < 'a', 'z' < 'ä'").fetchone()
        with redis.Redis.from_url(embedded.cache_url(fresh)) as cache:
            port = cache.config_get("port")["port"]
            cache.set("in", "the cache")
        with (
            Connection(embedded.broker_url(fresh)) as broker,
            broker.SimpleQueue("letters") as queue,
        ):
            queue.put({"dear": "worker"})
            letter = queue.get(timeout=10)
            letter.ack()
        with redis.Redis.from_url(embedded.redis_url(fresh)) as messages:
            leaked = messages.get("in")
    assert shown == ["UTF8", "", "on"]
    assert words == (True, True, True)  # cases of all letters, order of code points
    assert port == "0"
    assert letter.payload == {"dear": "worker"}
    assert leaked is None  # broker and cache are different databases


def test_a_second_start_finds_rows_and_messages_again(state):
    with embedded.services(state=state):
        with database(state) as connection:
            connection.execute("CREATE TABLE star AS SELECT 'Vega' AS name")
        with redis.Redis.from_url(embedded.redis_url(state)) as broker:
            broker.lpush("queue", "a task")
    eventually(lambda: not everything(state), "the servers stop")
    with embedded.services(state=state):
        with database(state) as connection:
            assert connection.execute("SELECT name FROM star").fetchone() == ("Vega",)
        with redis.Redis.from_url(embedded.redis_url(state)) as broker:
            assert broker.lrange("queue", 0, -1) == [b"a task"]


def test_clients_share_the_servers_and_the_last_one_out_stops_them(state):
    with Client(state) as first, Client(state) as second:
        assert [first.said(), second.said()] == ["up", "up"]
        shared = postmaster(state)
        first.leave()
        assert len(keepers(state)) == 1
        assert postmaster(state) == shared
        with database(state) as connection:
            connection.execute("SELECT 1")
        second.leave()
        eventually(lambda: not everything(state), "the servers stop")


def test_clients_that_come_together_start_one_keeper(state):
    clients = [Client(state) for _ in range(4)]
    try:
        assert [client.said() for client in clients] == ["up"] * 4
        assert len(keepers(state)) == 1
    finally:
        for client in clients:
            client.kill()
    eventually(lambda: not everything(state), "the servers stop")


def test_a_client_that_comes_while_the_servers_stop_gets_new_ones(state):
    for _ in range(2):
        with Client(state) as client:
            assert client.said() == "up"
            with database(state) as connection:
                connection.execute("SELECT 1")


def test_a_killed_client_stops_the_servers(state):
    with Client(state) as client:
        assert client.said() == "up"
        assert servers(state)
        client.kill()
        eventually(lambda: not everything(state), "the servers stop")


def test_a_client_killed_while_the_servers_start_leaves_nothing(fresh):
    with Client(fresh) as client:
        eventually(lambda: keepers(fresh), "the keeper starts")
        client.kill()
        eventually(lambda: not everything(fresh), "the servers stop")
    with Client(fresh) as client:
        assert client.said() == "up"


def test_a_killed_keeper_leaves_no_orphan_and_no_damage(state):
    with Client(state) as client:
        assert client.said() == "up"
        with database(state) as connection:
            connection.execute("CREATE TABLE planet AS SELECT 'Mars' AS name")
        os.kill(keepers(state)[0], signal.SIGKILL)
        eventually(lambda: not everything(state), "the kernel ends the servers")
        with Client(state) as successor:
            assert successor.said() == "up"
            with database(state) as connection:
                assert connection.execute("SELECT name FROM planet").fetchone() == ("Mars",)


def test_a_server_that_dies_is_started_again(state):
    with Client(state) as client:
        assert client.said() == "up"
        with redis.Redis.from_url(embedded.redis_url(state)) as broker:
            broker.config_set("appendfsync", "always")
            broker.lpush("letters", "one", "two")
            victim = broker.info("server")["process_id"]
        os.kill(victim, signal.SIGKILL)
        eventually(lambda: not alive(victim), "it dies")

        def queued():
            try:
                with redis.Redis.from_url(embedded.redis_url(state)) as again:
                    return again.llen("letters")
            except redis.ConnectionError:
                return 0

        assert eventually(queued, "it answers again") == 2


def test_a_child_that_inherits_the_hold_keeps_the_servers(state):
    with embedded.services(state=state) as held:
        child = subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE, pass_fds=held)
    try:
        assert not locks.is_free(embedded.Places(state).clients_lock)
        with database(state) as connection:
            connection.execute("SELECT 1")
    finally:
        child.communicate()
    eventually(lambda: not everything(state), "the servers stop")


def test_a_hold_without_a_block_lasts_until_the_process_ends(state):
    program = (
        "from astrid import embedded; embedded.hold(); "
        "from astrid.embedded.wire import ask_postgres; "
        "ask_postgres(embedded.Places(embedded.state_folder()).sockets / '.s.PGSQL.5432', 'astrid')"
    )
    environment = {**os.environ, "ASTRID_STATE": str(state)}
    command = [sys.executable, "-c", program]
    subprocess.run(command, cwd=PROJECT, env=environment, check=True)  # noqa: S603 - our own
    eventually(lambda: not everything(state), "the servers stop")


def test_variables_of_the_user_do_not_reach_the_servers(state):
    strange = {"PGPORT": "7777", "PGDATA": "/nowhere", "LC_ALL": "tr_TR.UTF-8", "PGOPTIONS": "-c x"}
    with Client(state, environment=strange) as client:
        assert client.said() == "up"


def test_without_needs_nothing_is_started(fresh):
    with embedded.services(frozenset(), state=fresh) as held:
        assert held == ()
    assert not fresh.exists()


@pytest.mark.parametrize(
    ("environment", "needs"),
    [
        ({}, {"postgres", "valkey"}),
        ({"DATABASE_URL": "postgres://x"}, {"valkey"}),
        ({"DATABASE_URL": "a", "BROKER_URL": "b", "CACHE_URL": "c"}, set()),
        ({"DATABASE_URL": "", "BROKER_URL": "b", "CACHE_URL": "c"}, {"postgres"}),
    ],
)
def test_a_server_stands_in_for_each_address_not_given(environment, needs):
    assert embedded.unset_services(environment) == needs
