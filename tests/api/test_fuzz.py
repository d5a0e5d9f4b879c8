"""The whole schema, asked by chance as two roles: nothing breaks, and answers are as described."""

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks as conformance

from astrid.wsgi import application
from benchmarks import samplerows
from catalog.access import keys
from catalog.access.scopes import EVERYTHING
from tests.factories import make_user

pytestmark = pytest.mark.django_db

CHECKS = [
    not_a_server_error,
    conformance.status_code_conformance,
    conformance.content_type_conformance,
    conformance.response_headers_conformance,
    conformance.response_schema_conformance,
]
EACH = 2  # requests per operation, role and kind of data: some 900 in all
# They take back the key that the others are asked with, or give an answer that does not end.
LEFT_OUT = ("/auth/logout", "/v1/events/")


@pytest.fixture(autouse=True)
def kept_connection():
    """Keep the connection of the test, as Django's own client does."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def operations():
    schema = schemathesis.openapi.from_wsgi("/api/schema/?format=json", application)
    found = [each.ok() for each in schema.get_all_operations()]
    return [each for each in found if not any(part in each.path for part in LEFT_OUT)]


def ask_all(headers, mode):
    """Ask each operation, and gather what is wrong with the answers."""
    faults = []
    for operation in operations():
        try:
            _ask(operation, headers, mode)
        except Exception as fault:  # noqa: BLE001 -- every operation is to be told of, not the first
            faults.append(f"{operation.label}: {fault}")
    return faults


def _ask(operation, headers, mode):
    @settings(
        max_examples=EACH,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def once(case):
        case.call_and_validate(headers=headers, checks=CHECKS)

    once()


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
@pytest.mark.parametrize("role", ["viewer", "superuser"])
def test_nothing_that_can_be_sent_breaks_the_server(role, mode):
    samplerows.make()
    is_super = role == "superuser"
    user = make_user(role, group=None if is_super else role, is_superuser=is_super)
    _key, secret = keys.issue(user, keys.Wanted("a fuzzer", [EVERYTHING]), by=user)
    faults = ask_all({"Authorization": f"Token {secret}"}, mode)
    assert not faults, "\n\n".join(faults)
