"""A short version of ``make chaos``: real servers, one of which is killed at work."""

import pytest

from benchmarks import chaos, waiting
from tests import factories

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def test_no_verdict_is_lost_or_doubled_when_the_server_is_killed():
    factories.make_tasks(80)
    people = [factories.make_user(group="curator") for _ in range(4)]
    found = chaos.measure(
        chaos.address_of_database(),
        [waiting.cookies_of(person) for person in people],
        verdicts=80,
        kills=1,
        seed=3,
    )
    assert (found["kept"], found["lost"], found["unknown"], found["doubled"]) == (80, 0, 0, 0)
    assert (found["still_waiting"], found["refused"]) == (0, 0)
    assert found["unanswered_requests"] > 0
