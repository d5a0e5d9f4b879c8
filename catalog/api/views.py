"""The catalog domain over HTTP: list and fetch."""

from typing import Any

from astrid.core.api import ReadViewSet, SkyReadViewSet
from catalog.api import serializers
from catalog.models import (
    Analytics,
    AuditLog,
    CatalogEntry,
    ExportJob,
    ProcessingJob,
    SystemConfig,
)


class CatalogEntryViewSet(SkyReadViewSet):
    """Confirmed objects."""

    queryset = CatalogEntry.objects.order_by("-id")
    serializer_class = serializers.CatalogEntrySerializer

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


class ProcessingJobViewSet(ReadViewSet):
    """Work of the pipeline."""

    queryset = ProcessingJob.objects.order_by("-id")
    serializer_class = serializers.ProcessingJobSerializer
    filterset_fields = ["job_type", "status", "entity_id", "entity_type"]
    ordering_fields = ["id", "scheduled_at"]


class SystemConfigViewSet(ReadViewSet):
    """Settings of the science."""

    queryset = SystemConfig.objects.order_by("-id")
    serializer_class = serializers.SystemConfigSerializer
    filterset_fields = ["key", "is_active"]
    ordering_fields = ["key", "id"]


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
    filterset_fields = ["day", "metric", "survey", "filter_band"]
    ordering_fields = ["day", "id"]


class ExportJobViewSet(ReadViewSet):
    """Files of rows."""

    queryset = ExportJob.objects.order_by("-id")
    serializer_class = serializers.ExportJobSerializer
    filterset_fields = ["file_format", "status", "requester"]
    ordering_fields = ["id"]
