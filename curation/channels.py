"""How a message leaves the house: by e-mail, or as a signed HTTP request."""

import hashlib
import hmac
import json
import re
import smtplib
import time
from dataclasses import dataclass

import requests
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from astrid.core.errors import AstridError
from curation.destinations import NotPublic, PublicOnly
from curation.messages import link_to
from curation.models import Alert, AlertChannel, ChannelKind, Delivery

SIGNATURE = "X-AstrID-Signature"
# Of an answer, only this much is read and kept.
_KEPT_BYTES = 2000
# Busy, too early, too many, and every server error: worth another try.
_TRY_AGAIN = frozenset({408, 425, 429})


@dataclass(frozen=True)
class Answer:
    """What the other side said."""

    code: int | None
    text: str


class NotDelivered(AstridError):
    """A message the other side did not take.

    Attributes
    ----------
    is_final : bool
        Whether trying again is pointless.
    code : int or None
        HTTP status or SMTP reply code, where there was one.
    """

    def __init__(self, reason: str, *, is_final: bool, code: int | None = None) -> None:
        super().__init__(reason)
        self.is_final = is_final
        self.code = code


def send(delivery: Delivery, *, timeout_seconds: float) -> Answer:
    """Send a delivery's message over its channel; outside of any transaction.

    Raises
    ------
    NotDelivered
        If it was not taken, with the reason.
    """
    if delivery.channel.kind == ChannelKind.EMAIL:
        return _mail(delivery, timeout_seconds)
    return _post(delivery, timeout_seconds)


def body_of(alert: Alert) -> bytes:
    """Give the JSON body of a webhook: the same bytes at every try."""
    content = {
        "alert": str(alert.pk),
        "alert_type": alert.alert_type,
        "priority": alert.priority,
        "title": alert.title,
        "raised_at": alert.created_at.isoformat(),
        "url": link_to(alert),
        "facts": alert.alert_metadata,
    }
    return json.dumps(content, sort_keys=True).encode()


def signature(secret: str, body: bytes) -> str:
    """Sign a body: ``sha256=`` and the HMAC in hexadecimal."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _mail(delivery: Delivery, timeout_seconds: float) -> Answer:
    alert, recipients = delivery.alert, delivery.channel.recipients
    message = EmailMessage(
        subject=alert.title,
        body=f"{alert.message}\nLook         {link_to(alert)}\n",
        to=recipients,
        # Two mails of one delivery carry one Message-ID, so that a mailbox can show one.
        headers={"Message-ID": f"<{delivery.pk}@astrid>", "X-AstrID-Alert": str(alert.pk)},
        connection=_connection(timeout_seconds),
    )
    try:
        message.send()
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise _mail_failure(error, delivery.channel) from error
    return Answer(None, f"accepted for {', '.join(recipients)}")


def _connection(timeout_seconds: float) -> BaseEmailBackend:
    connection: BaseEmailBackend = get_connection()
    if hasattr(connection, "timeout"):
        connection.timeout = timeout_seconds
    return connection


def _mail_failure(error: Exception, channel: AlertChannel) -> NotDelivered:
    code = _smtp_code(error)
    # A 5xx reply is final by RFC 5321; an address that cannot be written down is, too.
    is_final = isinstance(error, ValueError) or (code is not None and code >= 500)
    reason = f"mail to channel {channel.name} was not accepted: {_told(error, channel)}"
    return NotDelivered(reason, is_final=is_final, code=code)


def _told(error: Exception, channel: AlertChannel) -> str:
    """Give what a mail server said, its own words where it refused recipients."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        answers = error.recipients.values()
        text = "; ".join(f"{code} {said.decode(errors='replace')}" for code, said in answers)
    else:
        text = str(error)
    return _without_address(text, channel)


def _without_address(text: str, channel: AlertChannel) -> str:
    """Hide where a channel leads: more people read why it failed than may see its address."""
    secret = sorted({channel.address, *channel.recipients}, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, secret)), "(address)", text, flags=re.IGNORECASE)


def _smtp_code(error: Exception) -> int | None:
    if isinstance(error, smtplib.SMTPResponseException):
        return int(error.smtp_code)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return max(int(code) for code, _text in error.recipients.values())
    return None


def _post(delivery: Delivery, timeout_seconds: float) -> Answer:
    channel = delivery.channel
    body = body_of(delivery.alert)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "AstrID",
        "Idempotency-Key": delivery.idempotency_key,
    }
    if channel.secret:
        headers[SIGNATURE] = signature(channel.secret, body)
    try:
        code, text = _exchange(channel.address, body, headers, timeout_seconds)
    except NotPublic as error:
        raise NotDelivered(f"channel {channel.name}: {error}", is_final=True) from error
    except requests.RequestException as error:
        reason = f"channel {channel.name} could not be reached: {_cause(error)}"
        raise NotDelivered(reason, is_final=_is_hopeless(error)) from error
    return _judged(channel, code, text)


def _exchange(
    address: str, body: bytes, headers: dict[str, str], timeout_seconds: float
) -> tuple[int, str]:
    # A redirect is not followed: the signed message is for this address and no other.
    with requests.Session() as session:
        for scheme in ("http://", "https://"):
            session.mount(scheme, PublicOnly())
        with session.post(
            address,
            data=body,
            headers=headers,
            timeout=timeout_seconds,
            allow_redirects=False,
            stream=True,
        ) as response:
            return response.status_code, _beginning(response, time.monotonic() + timeout_seconds)


def _beginning(response: requests.Response, deadline: float) -> str:
    """Read the first bytes of an answer, and give up on a server that drips them."""
    kept = b""
    for piece in response.iter_content(256):
        kept += piece
        if len(kept) >= _KEPT_BYTES or time.monotonic() > deadline:
            break
    # PostgreSQL's text holds no zero byte.
    return kept[:_KEPT_BYTES].decode(errors="replace").replace("\0", "�")


def _cause(error: requests.RequestException) -> str:
    """Say what went wrong without the host and path, which `requests` puts into its sentences."""
    if isinstance(error, requests.Timeout):
        return "it timed out"
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__


def _is_hopeless(error: requests.RequestException) -> bool:
    """Say whether the address itself is wrong; every other trouble may pass."""
    wrong = requests.exceptions
    return isinstance(error, (wrong.InvalidURL, wrong.InvalidSchema, wrong.MissingSchema))


def _judged(channel: AlertChannel, code: int, text: str) -> Answer:
    if 200 <= code < 300:
        return Answer(code, text)
    name = f"channel {channel.name}"
    if 300 <= code < 400:
        reason = f"{name} redirects ({code}); set it to the final address"
        raise NotDelivered(reason, is_final=True, code=code)
    is_final = code < 500 and code not in _TRY_AGAIN
    reason = f"{name} answered {code}: {_without_address(text, channel)}"
    raise NotDelivered(reason, is_final=is_final, code=code)
