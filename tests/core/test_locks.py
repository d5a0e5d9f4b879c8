import os
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from psycopg import conninfo

from astrid.core.locks import holding

pytestmark = pytest.mark.django_db(transaction=True)


def tried_elsewhere(key):
    def attempt():
        try:
            with holding(key) as held:
                return held
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(attempt).result()


def test_one_process_holds_a_key_at_a_time():
    key = uuid.uuid4()
    with holding(key) as held:
        assert held
        assert not tried_elsewhere(key)
    assert tried_elsewhere(key)


def test_a_connection_that_breaks_lets_go():
    key = uuid.uuid4()
    script = (
        "import sys, uuid, psycopg; from astrid.core.locks import number;"
        "held = psycopg.connect(sys.argv[1]); held.execute("
        "'SELECT pg_advisory_lock(%s)', [number(uuid.UUID(sys.argv[2]))]);"
        "print('held', flush=True); sys.stdin.read()"
    )
    address = conninfo.make_conninfo(**_address())
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", script, address, str(key)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "astrid.settings"},
    ) as holder:
        assert holder.stdout.readline() == b"held\n"
        assert not tried_elsewhere(key)
        holder.kill()
    # The server notices the broken connection at its own pace.
    assert any(tried_elsewhere(key) or time.sleep(0.05) for _ in range(200))


def _address():
    wanted = ("host", "port", "user", "password", "dbname")
    return {k: v for k, v in connection.get_connection_params().items() if k in wanted}
