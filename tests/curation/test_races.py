"""What happens when two people, or two workers, do the same thing at the same moment."""

import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.db import connection

from curation import delivery as outbox
from curation.alerts import raise_alerts
from curation.models import AlertChannel, Delivery, Trigger, ValidationEvent
from curation.parameters import AlertRuleSpec, DeliveryPolicy, ReviewPolicy
from curation.services import judge
from detection.models import Detection
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*jobs):
    """Run the jobs together, each with its own connection, and give their results."""
    start = threading.Barrier(len(jobs))

    def run(job):
        start.wait()
        try:
            return job()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


def test_verdicts_given_at_the_same_moment_all_count():
    detection = factories.make_detection()
    people = [factories.make_user(group="curator") for _ in range(4)]
    policy = ReviewPolicy(votes_required=4)

    def verdict(person):
        row = Detection.objects.get(pk=detection.pk)
        return lambda: judge(row, by=person, is_valid=True, label="supernova", policy=policy)

    at_once(*(verdict(person) for person in people))
    detection.refresh_from_db()
    assert (detection.status, ValidationEvent.objects.count()) == ("confirmed", 4)


def test_the_same_verdict_sent_twice_at_once_is_one():
    detection = factories.make_detection()
    person = factories.make_user(group="curator")
    key = ValidationEvent().client_uuid

    def verdict():
        row = Detection.objects.get(pk=detection.pk)
        return judge(
            row, by=person, is_valid=True, label=None, policy=ReviewPolicy(), client_uuid=key
        )

    first, second = at_once(verdict, verdict)
    assert first == second
    assert ValidationEvent.objects.count() == 1


def test_two_workers_send_one_message_once(settings):
    settings.WEBHOOK_PRIVATE_HOSTS = ["127.0.0.1"]
    got = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        address = f"http://127.0.0.1:{server.server_address[1]}/"
        channel = AlertChannel.objects.create(name="hook", kind="webhook", address=address)
        rule = AlertRuleSpec(name="all", trigger=Trigger.DETECTED, channels=(channel.name,))
        raise_alerts([factories.make_detection()], [rule], Trigger.DETECTED)
        key = Delivery.objects.get().pk
        policy = DeliveryPolicy(timeout_seconds=5.0)
        results = at_once(*[lambda: outbox.deliver(key, policy)] * 4)
        server.shutdown()
        thread.join()
    assert len(got) == 1
    assert sum(result is not None for result in results) == 1
    assert Delivery.objects.get().status == "delivered"
