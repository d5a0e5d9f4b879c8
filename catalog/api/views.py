"""The catalog domain over HTTP."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.mixins import CreateModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from astrid.core.api import Moves, ReadViewSet, SkyReadViewSet
from astrid.core.errors import BadParameters, MissingFile
from astrid.core.hints import hint
from astrid.core.models import RunStatus
from astrid.core.permissions import ModelPermissions
from astrid.core.rest.refusals import Conflict
from catalog import changes, jobs, publication, tasks
from catalog.analytics import summary
from catalog.api import serializers
from catalog.exports import service as exports
from catalog.exports import serving
from catalog.models import (
    Analytics,
    AuditLog,
    CatalogEntry,
    ExportFormat,
    ExportJob,
    ProcessingJob,
    SavedQuery,
    SystemConfig,
)


class CatalogEntryViewSet(Moves, SkyReadViewSet):
    """Confirmed objects."""

    queryset = CatalogEntry.objects.order_by("-id")
    serializer_class = serializers.CatalogEntrySerializer
    search_fields = ["designation"]

    def get_queryset(self) -> Any:
        """Leave out drafts for guests."""
        entries: Any = super().get_queryset()
        return entries.shown_to(self.request.user)

    filterset_fields = [
        "sky_object",
        "designation",
        "object_class",
        "is_current",
        "publication_state",
    ]
    ordering_fields = ["id"]

    @extend_schema(request=None, responses=serializers.CatalogEntrySerializer)
    @action(detail=True, methods=["post"], own_parameters=())
    def publish(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Show the current version to everybody; the one shown before is superseded."""
        return self.moved(publication.make_public)

    @extend_schema(
        request=serializers.RetractionSerializer, responses=serializers.CatalogEntrySerializer
    )
    @action(detail=True, methods=["post"], own_parameters=())
    def retract(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Take a published version back for good, with a reason."""
        asked = serializers.RetractionSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        reason = asked.validated_data["reason"]
        return self.moved(lambda entry: publication.retract(entry, reason))


class ProcessingJobViewSet(Moves, ReadViewSet):
    """Work of the pipeline."""

    scope_domain = "jobs"
    queryset = ProcessingJob.objects.order_by("-id")
    serializer_class = serializers.ProcessingJobSerializer
    filterset_fields = ["job_type", "status", "entity_id", "entity_type"]
    ordering_fields = ["created_at", "id"]

    @extend_schema(request=None, responses=serializers.ProcessingJobSerializer)
    @action(detail=True, methods=["post"], own_parameters=())
    def retry(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Make a failed or cancelled job due now."""
        return self.moved(lambda job: jobs.retry(job, _person(request)))

    @extend_schema(request=None, responses=serializers.ProcessingJobSerializer)
    @action(detail=True, methods=["post"], own_parameters=())
    def cancel(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Call off a job that nobody has begun."""
        return self.moved(lambda job: jobs.cancel(job, _person(request)))


class SystemConfigViewSet(Moves, ReadViewSet):
    """Settings of the science, the rules of alerts among them."""

    scope_domain = "settings"
    permission_classes = (ModelPermissions,)
    http_method_names = ["get", "patch", "head", "options"]
    queryset = SystemConfig.objects.order_by("-id")
    serializer_class = serializers.SystemConfigSerializer
    search_fields = ["key"]
    filterset_fields = ["key", "is_active"]
    ordering_fields = ["key", "id"]

    @extend_schema(
        request=serializers.SettingWishSerializer, responses=serializers.SystemConfigSerializer
    )
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Bring another value into force, with a reason that is kept, as the admin does."""
        asked = serializers.SettingWishSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given, person = asked.validated_data, _person(request)
        return self.moved(lambda row: _change(row, given, person))


class AuditLogViewSet(ReadViewSet):
    """Who changed what."""

    queryset = AuditLog.objects.order_by("-id")
    serializer_class = serializers.AuditLogSerializer
    filterset_fields = ["entity_type", "entity_id", "action", "user_id"]
    ordering_fields = ["id"]


class AnalyticsViewSet(ReadViewSet):
    """Daily summaries."""

    queryset = Analytics.objects.order_by("-id")
    serializer_class = serializers.AnalyticsSerializer
    search_fields = ["metric"]
    filterset_fields = ["day", "metric", "survey", "filter_band"]
    ordering_fields = ["day", "id"]

    def get_queryset(self) -> Any:
        """Leave out what others judged, for those who may not see it."""
        return summary.shown_to(super().get_queryset(), self.request.user)


class SavedQueryViewSet(ReadViewSet):
    """Queries that people keep: one's own, and those that others share."""

    scope_domain = "exports"
    queryset = SavedQuery.objects.order_by("-id")
    serializer_class = serializers.SavedQuerySerializer
    search_fields = ["name"]
    filterset_fields = ["owner", "is_shared"]
    ordering_fields = ["id"]

    def get_queryset(self) -> Any:
        """Leave out what others keep for themselves."""
        rows: Any = super().get_queryset()
        return rows.shown_to(self.request.user)


class ExportJobViewSet(CreateModelMixin, ReadViewSet):
    """Files of rows: ask for one, look whether it is there, fetch it."""

    scope_domain = "exports"
    queryset = ExportJob.objects.order_by("-id")
    serializer_class = serializers.ExportJobSerializer
    filterset_fields = ["file_format", "status", "requester"]
    ordering_fields = ["id"]

    @extend_schema(
        request=serializers.ExportRequestSerializer,
        responses={202: serializers.ExportJobSerializer},
    )
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Ask for a file; it is made by a worker."""
        asked = serializers.ExportRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        try:
            job = _asked(_person(request), asked.validated_data)
        except exports.BadExport as error:
            raise ValidationError({"query": [str(error)]}) from error
        hint(tasks.export, str(job.pk))
        return Response(self.get_serializer(job).data, status=202)

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    @action(detail=True)
    def file(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        """Fetch the file, whole or by a range of bytes."""
        job = self.get_object()
        if job.status != RunStatus.COMPLETED:
            raise NotFound(f"the file is not made: the export is {job.status}")
        try:
            return serving.file_of(job, request)
        except MissingFile as error:
            raise NotFound(str(error)) from error


def _change(row: SystemConfig, given: dict[str, Any], person: Any) -> None:
    value, is_active = given.get("value", row.value), given.get("is_active", row.is_active)
    wish = changes.Wish(row.key, value, is_active, row.updated_at)
    try:
        changes.make([wish], by=person, reason=given["reason"])
    except changes.Overtaken as error:
        raise Conflict(str(error)) from error
    except BadParameters as error:
        raise ValidationError({"value": [str(error)]}) from error


def _person(request: Request) -> Any:
    """Give who asks: nobody is anonymous where a permission is asked."""
    return request.user


def _asked(person: Any, given: dict[str, Any]) -> ExportJob:
    """Note what is asked for."""
    if "query" in given:
        return exports.ask(person, given["query"], given.get("file_format", ExportFormat.CSV))
    saved = SavedQuery.objects.shown_to(person).filter(pk=given["saved_query"]).first()
    if saved is None:
        raise exports.BadExport(f"you have no saved query {given['saved_query']}, nor is it shared")
    file_format = given.get("file_format", saved.file_format)
    return exports.ask(person, saved.adql, file_format, saved=saved)
