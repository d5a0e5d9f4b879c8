import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

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

    def die_holding():
        lock = holding(key)
        lock.__enter__()
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(die_holding).result()
    assert tried_elsewhere(key)
