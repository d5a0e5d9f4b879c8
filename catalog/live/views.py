"""The address at which programs and pages listen."""

from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import APIException, PermissionDenied, ValidationError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from astrid.core.rest.parameters import check
from catalog.live import events, seats
from catalog.live.events import BadPlace, Place
from catalog.live.models import EventKind
from catalog.live.stream import AsyncStream, Stream

_KINDS = OpenApiParameter(
    "kinds",
    description=f"Any of {', '.join(EventKind.values)}, with commas between; all that you may "
    "hear of unless given.",
)
_LAST_HEADER = OpenApiParameter(
    "Last-Event-ID",
    location=OpenApiParameter.HEADER,
    description="The id of the last event that you have: what came after it is sent at once.",
)
_LAST = OpenApiParameter("last_event_id", description="The same, for who cannot set headers.")


class Occupied(APIException):
    """As many listen as may."""

    status_code = 503
    default_code = "too_many_listeners"
    wait = 60  # seconds; becomes Retry-After


class AnyAnswer(DefaultContentNegotiation):
    """Takes ``Accept: text/event-stream``; a refusal comes as on all other addresses."""

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        """Take the first."""
        return renderers[0], renderers[0].media_type


class EventsView(APIView):
    """What happens, as server-sent events."""

    permission_classes = [IsAuthenticated]
    content_negotiation_class = AnyAnswer

    @extend_schema(
        operation_id="events",
        parameters=[_KINDS, _LAST_HEADER, _LAST],
        responses={(200, "text/event-stream"): OpenApiTypes.STR},
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """Listen to new detections, verdicts, jobs, exports, one's own cross-matches, and alerts.

        A connection ends after five minutes; come back with `Last-Event-ID`, as browsers do by
        themselves. An event `reset` says that some between are no longer kept: fetch anew.
        """
        check(request.query_params, ["kinds", "last_event_id"])
        kinds, place = _kinds(request), _place(request)
        person: Any = request.user
        try:
            stream = Stream(kinds, place, seats.take(person.pk), person.pk)
        except seats.Full as error:
            raise Occupied(str(error)) from error
        is_async = isinstance(request._request, ASGIRequest)
        return StreamingHttpResponse(
            AsyncStream(stream) if is_async else stream,
            content_type="text/event-stream",
            # Proxies (nginx) must not collect what is to be told at once.
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )


def _kinds(request: Request) -> set[EventKind]:
    allowed = events.kinds_for(request.user)
    asked = {one for one in request.query_params.get("kinds", "").split(",") if one}
    if unknown := asked - set(EventKind.values):
        known = ", ".join(EventKind.values)
        raise ValidationError({"kinds": [f"{', '.join(sorted(unknown))}: there are {known}"]})
    refused = sorted(asked - allowed)
    if refused or not allowed:
        what = ", ".join(refused) or "anything"
        raise PermissionDenied(f"you may not hear of {what}; ask an operator for another role")
    return {EventKind(one) for one in asked} or allowed


def _place(request: Request) -> Place | None:
    given = request.headers.get("Last-Event-ID") or request.query_params.get("last_event_id")
    try:
        return Place.of(given) if given else None
    except BadPlace as error:
        raise ValidationError({"last_event_id": [str(error)]}) from error
