"""What a monitor reads: how much waits, how old it is, what failed.

Everything is asked of the database when it is read, so any web process gives the same answer.
"""

from collections.abc import Iterator
from datetime import timedelta
from hmac import compare_digest
from typing import Any

from django.conf import settings
from django.db.models import Count, F, Min, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector
from rest_framework.exceptions import APIException, NotAuthenticated, PermissionDenied

from astrid import __version__
from astrid.core.ids import first_id
from catalog.access import scopes
from catalog.access.authentication import KeyAuthentication
from catalog.access.models import ApiKey
from catalog.access.tokens import JwtAuthentication
from catalog.models import ProcessingJob
from curation.models import Delivery, ReviewTask, ValidationEvent
from detection.models import Detection
from observations.models import Observation

LOOPBACK = frozenset({"127.0.0.1", "::1"})
PERMISSION = "catalog.view_processingjob"


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Give the figures in Prometheus' text format to whom they are meant for."""
    try:
        check(request)
    except APIException as error:
        return _refusal(str(error.detail), error.status_code)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Figures())
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(registry), content_type=content_type)


def _refusal(words: str, status: int) -> HttpResponse:
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    return HttpResponse(f"{words}\n", content_type="text/plain", status=status, headers=headers)


def check(request: HttpRequest) -> None:
    """Let those read who have the token, may see jobs, or ask from this very host.

    With a token set, or behind a proxy, where every request seems to come from this host, the
    address opens nothing.

    Raises
    ------
    APIException
        If nobody is named, what names somebody opens nothing, or that account may not see jobs.
    """
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if token := settings.METRICS_TOKEN:
        is_open = compare_digest(given.encode(), token.encode())
    else:
        is_open = request.META.get("REMOTE_ADDR") in LOOPBACK and not _is_forwarded(request)
    if is_open:
        return
    reader = _reader(request)
    if not reader.is_authenticated:
        raise NotAuthenticated(
            "Send the METRICS_TOKEN of this installation, or a key with the scope metrics:read: "
            "Authorization: Bearer TOKEN"
        )
    if not reader.has_perm(PERMISSION):
        raise PermissionDenied(
            f"The account {reader.get_username()} may not see jobs; ask an operator for the role "
            "viewer or one above it."
        )


def _reader(request: HttpRequest) -> Any:
    for way in (KeyAuthentication(), JwtAuthentication()):
        if found := way.authenticate(request):
            reader, by = found
            if isinstance(by, ApiKey):
                scopes.check(by.scopes, scopes.METRICS)
            return reader
    return request.user


def _is_forwarded(request: HttpRequest) -> bool:
    return bool(
        settings.SECURE_PROXY_SSL_HEADER
        or request.headers.get("X-Forwarded-For")
        or request.headers.get("Forwarded")
    )


class Figures(Collector):
    """The state of the installation."""

    def collect(self) -> Iterator[Any]:
        """Give every figure; a handful of queries, each served by an index."""
        yield InfoMetricFamily("astrid", "Which AstrID.", {"version": __version__})
        yield _grouped(
            "astrid_jobs",
            "Jobs that are not done, and those that failed.",
            ProcessingJob.objects.filter(status__in=("pending", "running", "failed")),
            {"type": "job_type", "status": "status"},
        )
        yield _grouped(
            "astrid_deliveries",
            "Alerts that are not delivered.",
            Delivery.objects.filter(status__in=("pending", "sending", "failed")),
            {"status": "status"},
        )
        waiting = ReviewTask.objects.waiting().aggregate(
            number=Count("pk"), oldest=Min("created_at")
        )
        yield _gauge("astrid_review_waiting", "Detections without verdict.", waiting["number"])
        yield _gauge(
            "astrid_review_oldest_seconds",
            "Since when the oldest of them waits; 0 where none does.",
            (timezone.now() - waiting["oldest"]).total_seconds() if waiting["oldest"] else 0,
        )
        yield from _last_day()


def _last_day() -> Iterator[Any]:
    since = first_id(timezone.now() - timedelta(days=1))
    yield _grouped(
        "astrid_frames_last_day",
        "Frames taken in within 24 hours, by how far they have come.",
        Observation.objects.filter(pk__gte=since),
        {"status": "status"},
    )
    for name, model, what in (
        ("detections", Detection, "Detections made"),
        ("verdicts", ValidationEvent, "Verdicts given"),
    ):
        number = model._default_manager.filter(pk__gte=since).count()
        yield _gauge(f"astrid_{name}_last_day", f"{what} within 24 hours.", number)


def _gauge(name: str, meaning: str, value: float) -> Any:
    return GaugeMetricFamily(name, meaning, value=value)


def _grouped(name: str, meaning: str, rows: QuerySet[Any], labels: dict[str, str]) -> Any:
    """Count rows by the columns that labels stand for."""
    family = GaugeMetricFamily(name, meaning, labels=list(labels))
    given = {f"label_{label}": F(column) for label, column in labels.items()}
    for *values, number in (
        rows.order_by().values(**given).annotate(number=Count("pk")).values_list(*given, "number")
    ):
        family.add_metric(values, number)
    return family
