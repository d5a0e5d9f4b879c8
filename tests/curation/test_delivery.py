import contextlib
import hashlib
import hmac
import json
import socket
import threading
import time
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address

import pytest
from aiosmtpd.controller import Controller
from django.utils import timezone

from astrid.core.errors import InvalidTransition
from catalog import config
from curation import delivery as outbox
from curation.alerts import raise_alerts
from curation.destinations import NotPublic, addresses_for
from curation.models import Alert, AlertChannel, Delivery, Trigger
from curation.parameters import AlertRuleSpec, DeliveryPolicy
from curation.services import judge
from tests import factories

pytestmark = pytest.mark.django_db

SECRET = "only the two of us know"  # noqa: S105
QUICK = DeliveryPolicy(timeout_seconds=5.0, max_attempts=3)


@pytest.fixture(autouse=True)
def private_receivers(settings):
    """The receivers of these tests stand on this host."""
    settings.WEBHOOK_PRIVATE_HOSTS = ["127.0.0.1"]


@pytest.fixture
def receiver():
    """A web server that answers with ``codes`` one after another and keeps what it got."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.server.got.append((self.headers, body))
            time.sleep(self.server.wait)
            code = self.server.codes.pop(0) if self.server.codes else 200
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self.send_response(code)
                if code == 302:
                    self.send_header("Location", "http://elsewhere.example/")
                self.end_headers()
                self.wfile.write(self.server.words)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.codes, server.got, server.wait, server.words = [], [], 0.0, b"thanks"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


class Mailbox:
    """An SMTP server that refuses one recipient, and keeps the rest."""

    def __init__(self):
        self.got = []

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return f"550 <{address}>: no such person here"
        if address.startswith("busy@"):
            return "451 come back later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.got.append((envelope.rcpt_tos, envelope.content.decode()))
        return "250 accepted"


@pytest.fixture
def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def mailbox(settings, free_port):
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_port)
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port
    yield box
    controller.stop()


def alert_to(address, kind="webhook", secret=SECRET):
    channel = AlertChannel.objects.create(name="desk", kind=kind, address=address, secret=secret)
    rule = AlertRuleSpec(name="all", trigger=Trigger.DETECTED, channels=(channel.name,))
    [alert] = raise_alerts([factories.make_detection()], [rule], Trigger.DETECTED)
    return alert, alert.deliveries.get()


def url_of(server):
    return f"http://127.0.0.1:{server.server_address[1]}/hook"


def make_due(row):
    past = timezone.now() - timedelta(seconds=1)
    Delivery.objects.filter(pk=row.pk).update(next_attempt_at=past)


def attempt(row, policy=QUICK):
    done = outbox.deliver(row.pk, policy)
    row.refresh_from_db()
    row.alert.refresh_from_db()
    return done


def test_a_webhook_gets_the_signed_body_once(receiver):
    alert, row = alert_to(url_of(receiver))
    attempt(row)
    assert (row.status, row.attempts, row.response_code, row.response) == (
        "delivered", 1, 200, "thanks"
    )  # fmt: skip
    assert (row.alert.status, row.alert.delivery_attempts) == ("delivered", 1)
    [(headers, body)] = receiver.got
    expected = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert headers["X-AstrID-Signature"] == f"sha256={expected}"
    assert headers["Idempotency-Key"] == row.idempotency_key
    content = json.loads(body)
    assert content["alert"] == str(alert.pk)
    assert content["facts"]["score"] == alert.detection.confidence_score
    assert content["url"].startswith("https://astrid.example/console/detections/")


def test_a_server_error_is_tried_again_with_the_same_key_and_body(receiver):
    receiver.codes = [500]
    _, row = alert_to(url_of(receiver))
    attempt(row)
    assert (row.status, row.response_code, row.alert.status) == ("pending", 500, "pending")
    assert row.next_attempt_at > timezone.now()
    make_due(row)
    attempt(row)
    assert (row.status, row.attempts, row.alert.status) == ("delivered", 2, "delivered")
    (first_headers, first_body), (second_headers, second_body) = receiver.got
    assert first_headers["Idempotency-Key"] == second_headers["Idempotency-Key"]
    assert first_body == second_body
    assert [line.get("code") for line in row.log] == [500, 200]


def test_a_dead_host_is_tried_to_the_limit_and_fails_the_alert(free_port):
    _, row = alert_to(f"http://127.0.0.1:{free_port}/")
    for _ in range(QUICK.max_attempts):
        make_due(row)
        attempt(row)
    assert (row.status, row.attempts, row.alert.status) == ("failed", 3, "failed")
    assert "could not be reached" in row.alert.error_message
    assert row.pk not in outbox.due_deliveries()


def test_viewers_read_why_a_webhook_failed_but_not_where_it_leads(receiver, free_port):
    receiver.codes, receiver.words = [500], f"{url_of(receiver)} is down".encode()
    _, answered = alert_to(url_of(receiver))
    attempt(answered)
    assert "channel desk answered 500: (address) is down" in answered.error_message
    AlertChannel.objects.update(address=f"http://127.0.0.1:{free_port}/token")
    make_due(answered)
    attempt(answered)
    assert "channel desk could not be reached: Connection refused" in answered.error_message
    assert not [word for word in ("127.0.0.1", "token") if word in str(answered.log)]


def test_viewers_do_not_read_an_address_that_the_mail_server_repeats(mailbox):
    _, row = alert_to("nobody@example.org", kind="email")
    attempt(row)
    assert "channel desk was not accepted: 550" in row.alert.error_message
    assert "nobody@" not in row.alert.error_message


def test_a_slow_host_is_given_up_at_the_timeout(receiver):
    receiver.wait = 1.0
    _, row = alert_to(url_of(receiver))
    attempt(row, DeliveryPolicy(timeout_seconds=0.2))
    assert row.status == "pending"
    assert "timed out" in row.error_message


@pytest.mark.parametrize(("code", "words"), [(404, "answered 404"), (302, "redirects (302)")])
def test_an_answer_that_will_not_change_is_final(receiver, code, words):
    receiver.codes = [code]
    _, row = alert_to(url_of(receiver))
    attempt(row)
    assert (row.status, row.attempts) == ("failed", 1)
    assert words in row.error_message
    assert len(receiver.got) == 1


def test_too_many_requests_is_not_final(receiver):
    receiver.codes = [429]
    _, row = alert_to(url_of(receiver))
    attempt(row)
    assert row.status == "pending"


def test_a_long_binary_answer_is_cut_and_kept_as_text(receiver):
    receiver.words = b"\0\xff" * 5000
    _, row = alert_to(url_of(receiver))
    attempt(row)
    assert row.status == "delivered"
    assert 0 < len(row.response) <= 2000


def test_a_channel_without_secret_sends_no_signature(receiver):
    _, row = alert_to(url_of(receiver), secret="")
    attempt(row)
    assert receiver.got[0][0]["X-AstrID-Signature"] is None


def test_waits_grow_geometrically_to_the_limit():
    policy = DeliveryPolicy(first_wait_seconds=60, backoff=4, max_wait_seconds=1000)
    assert [policy.wait_after(n) for n in (1, 2, 3, 4)] == [60, 240, 960, 1000]


def test_mail_reaches_every_recipient_with_numbers_and_link(mailbox):
    alert, row = alert_to("a@example.org, b@example.org", kind="email")
    attempt(row)
    assert (row.status, row.alert.status) == ("delivered", "delivered")
    [(recipients, text)] = mailbox.got
    assert recipients == ["a@example.org", "b@example.org"]
    assert f"Message-ID: <{row.pk}@astrid>" in text
    assert str(alert.detection.pk) in text


def test_a_wrong_address_fails_at_once(mailbox):
    _, row = alert_to("nobody@example.org", kind="email")
    attempt(row)
    assert (row.status, row.attempts, row.response_code) == ("failed", 1, 550)
    assert "no such person here" in row.alert.error_message


def test_a_busy_mail_server_is_tried_again(mailbox):
    _, row = alert_to("busy@example.org", kind="email")
    attempt(row)
    assert (row.status, row.response_code) == ("pending", 451)


def test_a_dead_mail_server_is_tried_again(settings, free_port):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port
    _, row = alert_to("a@example.org", kind="email")
    attempt(row)
    assert (row.status, row.alert.status) == ("pending", "pending")


def test_nothing_is_sent_before_its_time_or_twice(receiver):
    receiver.codes = [500]
    _, row = alert_to(url_of(receiver))
    attempt(row)
    assert attempt(row) is None
    make_due(row)
    attempt(row)
    assert attempt(row) is None
    assert len(receiver.got) == 2


def test_a_row_whose_sender_died_is_taken_up_after_its_lease(receiver):
    _, row = alert_to(url_of(receiver))
    outbox._claim(row.pk, QUICK)  # the sender dies here
    assert row.pk not in outbox.due_deliveries()
    assert attempt(row) is None
    later = timezone.now() + timedelta(seconds=QUICK.lease_seconds + 1)
    assert outbox.due_deliveries(later) == [row.pk]
    make_due(row)
    attempt(row)
    assert (row.status, row.attempts, len(receiver.got)) == ("delivered", 2, 1)
    assert "went silent" in row.log[0]["outcome"]


def test_a_sender_that_dies_every_time_ends_in_failure():
    _, row = alert_to("http://127.0.0.1:1/")
    for _ in range(QUICK.max_attempts):
        outbox._claim(row.pk, QUICK)
        make_due(row)
    assert attempt(row) is None
    assert (row.status, row.alert.status) == ("failed", "failed")


def test_a_late_sender_does_not_overwrite_the_one_that_took_over(receiver):
    _, row = alert_to(url_of(receiver))
    late = outbox._claim(row.pk, QUICK)
    make_due(row)
    attempt(row)
    outbox._record_failure(late, outbox.NotDelivered("late", is_final=True), QUICK)
    row.refresh_from_db()
    assert (row.status, row.alert.delivery_attempts) == ("delivered", 1)


def test_an_alert_is_sent_when_one_of_two_channels_took_it(receiver, free_port):
    first = AlertChannel.objects.create(name="up", kind="webhook", address=url_of(receiver))
    dead = f"http://127.0.0.1:{free_port}/"
    second = AlertChannel.objects.create(name="down", kind="webhook", address=dead)
    rule = AlertRuleSpec(name="all", trigger=Trigger.DETECTED, channels=("up", "down"))
    [alert] = raise_alerts([factories.make_detection()], [rule], Trigger.DETECTED)
    up, down = alert.deliveries.get(channel=first), alert.deliveries.get(channel=second)
    attempt(up)
    attempt(down)
    alert.refresh_from_db()
    assert (alert.status, alert.sent_at is not None) == ("sent", True)
    outbox.cancel(down)
    alert.refresh_from_db()
    assert alert.status == "delivered"


def test_a_failed_delivery_can_be_put_back_and_succeeds(receiver):
    receiver.codes = [404]
    _, row = alert_to(url_of(receiver))
    attempt(row)
    outbox.redeliver(row)
    row.alert.refresh_from_db()
    assert row.alert.status == "pending"
    attempt(row)
    assert (row.status, row.alert.status, row.alert.error_message) == (
        "delivered", "delivered", None
    )  # fmt: skip


def test_a_delivered_message_cannot_be_cancelled_or_put_back(receiver):
    _, row = alert_to(url_of(receiver))
    attempt(row)
    with pytest.raises(InvalidTransition, match="is delivered"):
        outbox.cancel(row)
    with pytest.raises(InvalidTransition, match="is delivered"):
        outbox.redeliver(row)


def test_cancelling_the_only_delivery_cancels_the_alert():
    alert, row = alert_to("http://127.0.0.1:1/")
    outbox.cancel(row)
    alert.refresh_from_db()
    assert alert.status == "cancelled"
    assert outbox.due_deliveries() == []


def test_a_channel_switched_off_cancels_what_waits_for_it():
    alert, row = alert_to("http://127.0.0.1:1/")
    AlertChannel.objects.update(is_active=False)
    assert attempt(row) is None
    assert (row.status, Alert.objects.get(pk=alert.pk).status) == ("cancelled", "cancelled")


def test_a_lease_shorter_than_the_wait_for_an_answer_is_refused():
    with pytest.raises(ValueError, match="more than twice"):
        DeliveryPolicy(timeout_seconds=10, lease_seconds=15)


def test_a_letter_that_is_out_of_date_is_held_back(curator, policy):
    detection = factories.make_detection(sky_object=factories.make_sky_object())
    AlertChannel.objects.create(name="desk", kind="email", address="desk@example.org")
    config.put("alert_rules", [{"name": "found", "channels": ["desk"]}])
    judge(detection, by=curator, is_valid=True, label="supernova", policy=policy)
    judge(detection, by=curator, is_valid=False, label="artifact", policy=policy)
    letter = Delivery.objects.get()
    assert (letter.status, letter.alert.status) == ("cancelled", "cancelled")
    assert outbox.deliver(letter.pk) is None


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
def test_a_webhook_into_a_private_network_is_refused_before_it_connects(receiver, settings, host):
    settings.WEBHOOK_PRIVATE_HOSTS = []
    port = receiver.server_address[1]
    _, row = alert_to(f"http://{host}:{port}/hook")
    attempt(row)
    assert (row.status, row.attempts, receiver.got) == ("failed", 1, [])
    assert "private network; an operator of this host can name it" in row.error_message


@pytest.mark.parametrize("named", ["localhost", "127.0.0.0/8"])
def test_a_private_host_that_is_named_gets_its_messages(receiver, settings, named):
    settings.WEBHOOK_PRIVATE_HOSTS = [named]
    _, row = alert_to(f"http://localhost:{receiver.server_address[1]}/hook")
    attempt(row)
    assert row.status == "delivered"
    [(headers, _)] = receiver.got
    assert headers["Host"].startswith("localhost:")  # the name that was asked for


# RFC 1918, 6598, 3927, 4193, 4291; version 4 inside version 6 by RFC 4291, 3056 and 6052.
@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254",
        "224.0.0.1", "::1", "fd00::1", "fe80::1", "::ffff:10.0.0.1", "2002:a00:1::1",
        "64:ff9b::10.0.0.1",
    ],
)  # fmt: skip
def test_special_addresses_are_not_the_internet(settings, address):
    settings.WEBHOOK_PRIVATE_HOSTS = []
    with pytest.raises(NotPublic):
        addresses_for(address, 80)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::8.8.8.8"])
def test_addresses_of_the_internet_may_be_asked(settings, address):
    settings.WEBHOOK_PRIVATE_HOSTS = []
    [found] = addresses_for(address, 80)
    assert ip_address(found) == ip_address(address)
