"""Who is at work: told to the database, whose triggers write the audit log.

A trigger writes one row of AuditLog per changed row, in the same transaction, but only where
that transaction names somebody. So nothing that a person does can be forgotten (bulk updates
and raw SQL included), and the work of the pipeline, which names nobody, costs nothing.

The name is set for the transaction alone (``SET LOCAL``) before every writing statement: it
cannot outlive the transaction, whatever becomes of the request or the connection.
"""

import getpass
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from hashlib import md5
from ipaddress import ip_address
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.db import connection, models, transaction
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from psycopg.pq import TransactionStatus

from catalog.models import AuditLog

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
# Statements that change no row: before these nobody needs to be named.
_READS = frozenset({"SELECT", "SAVEPOINT", "RELEASE", "ROLLBACK", "SET", "SHOW", "EXPLAIN"})
_NAME = (
    "SELECT set_config('astrid.user', %s, true), set_config('astrid.ip', %s, true),"
    " set_config('astrid.agent', %s, true)"
)
_LONGEST_AGENT = 500


@dataclass(frozen=True)
class Actor:
    """A person at work, and from where."""

    user_id: str
    ip: str = ""
    agent: str = ""


NOBODY = Actor("")

# Asked anew before each write, because an API user is known only after the view has begun.
_source: ContextVar[Callable[[], Actor] | None] = ContextVar("astrid_actor", default=None)


@contextmanager
def audited_as(user_id: object, ip: str = "", agent: str = "") -> Iterator[None]:
    """Write what the block changes to the audit log, under this user's id.

    Inside a block (or request) of the same user nothing changes, so that its address stays.
    """
    outer = _source.get()
    if outer is not None and outer().user_id == str(user_id):
        yield
        return
    actor = Actor(str(user_id), ip, agent[:_LONGEST_AGENT])
    with _naming(lambda: actor):
        yield


def by_operator(command: str) -> AbstractContextManager[None]:
    """Write what a command changes to the audit log, under the name its operator has here."""
    return audited_as(f"os:{_operator()}", agent=f"manage.py {command}")


def _operator() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number that has no name
        return str(os.getuid())


@contextmanager
def _naming(source: Callable[[], Actor]) -> Iterator[None]:
    outer = _source.get()
    token = _source.set(source)
    try:
        if outer is None:
            with connection.execute_wrapper(_name_before_writes):
                yield
        else:
            yield
    finally:
        _source.reset(token)
        _forget()


def _forget() -> None:
    # Only a transaction that goes on after the block still holds the name. One that failed
    # takes no statement, and loses the name when it is rolled back.
    session = connection.connection
    if session and session.info.transaction_status == TransactionStatus.INTRANS:
        _tell(NOBODY)


def _tell(actor: Actor) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_NAME, [actor.user_id, actor.ip, actor.agent])


def _name_before_writes(
    execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    source = _source.get()
    if source is None or not _writes(sql):
        return execute(sql, params, many, context)
    # Outside a transaction the name would be gone before the statement.
    with nullcontext() if connection.in_atomic_block else transaction.atomic():
        _tell(source())
        return execute(sql, params, many, context)


def _writes(sql: Any) -> bool:
    words = str(sql).lstrip(" \t\r\n(").split(maxsplit=1)
    return bool(words) and words[0].upper().rstrip(";") not in _READS


class AuditMiddleware:
    """Name the user of each request that may change something."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request; who is signed in is asked at its first write."""
        if request.method in SAFE_METHODS:
            return self.get_response(request)

        def source() -> Actor:
            return actor_of(request)

        with _naming(source):
            response = self.get_response(request)
        if isinstance(response, StreamingHttpResponse) and not response.is_async:
            pieces = cast(Iterable[bytes], response.streaming_content)
            response.streaming_content = _named_pieces(pieces, source)
        return response


def _named_pieces(pieces: Iterable[bytes], source: Callable[[], Actor]) -> Iterator[bytes]:
    # The body is made after the middleware has returned: name the user around each piece.
    end = object()
    iterator = iter(pieces)
    while True:
        with _naming(source):
            piece = next(iterator, end)
        if piece is end:
            return
        yield cast(bytes, piece)


def actor_of(request: HttpRequest) -> Actor:
    """Give who sent a request; nobody while no one is signed in."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return NOBODY
    agent = request.headers.get("User-Agent", "")[:_LONGEST_AGENT]
    return Actor(str(user.pk), address_of(request), agent)


def address_of(request: HttpRequest) -> str:
    """Give the address of the client: the one our own proxy saw, where there is a proxy.

    The last entry of X-Forwarded-For is the proxy's; those before it may be invented.
    """
    forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    if settings.SECURE_PROXY_SSL_HEADER and _is_address(forwarded):
        return forwarded
    return str(request.META.get("REMOTE_ADDR") or "")


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def entity_id(key: object) -> UUID:
    """Give the id under which the log knows a row.

    That is its UUID, or one that ends with its integer, or one made from its text.
    """
    if isinstance(key, UUID):
        return key
    if isinstance(key, int):
        return UUID(f"00000000-0000-8000-8000-{key:012x}")
    return UUID(bytes=md5(str(key).encode(), usedforsecurity=False).digest(), version=3)


def key_of(entity: UUID) -> UUID | int:
    """Give the key of a row from the id under which the log knows it."""
    return entity if entity.version != 8 else entity.int & 0xFFFFFFFFFFFF


def history(row: models.Model) -> models.QuerySet[AuditLog]:
    """Give what people did to a row, latest first."""
    table = row._meta.concrete_model or type(row)  # a proxy has no table of its own
    found = AuditLog.objects.filter(entity_type=table._meta.label, entity_id=entity_id(row.pk))
    return found.order_by("-id")


def watched() -> list[str]:
    """Name the tables whose changes are logged, as "app.Model", from the database itself."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT split_part(encode(tgargs, 'escape'), E'\\\\000', 1) FROM pg_trigger"
            " WHERE tgname = 'astrid_audit' ORDER BY 1"
        )
        return [label for (label,) in cursor.fetchall()]
