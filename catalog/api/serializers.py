"""Rows of the catalog domain as JSON."""

from typing import Any

from rest_framework import serializers

from astrid.core.api import RowSerializer
from catalog.models import (
    Analytics,
    AuditLog,
    CatalogEntry,
    ExportFormat,
    ExportJob,
    ProcessingJob,
    SystemConfig,
)


class CatalogEntrySerializer(RowSerializer):
    """Confirmed objects."""

    class Meta:
        model = CatalogEntry
        exclude = ["hpx"]


class ProcessingJobSerializer(RowSerializer):
    """Work of the pipeline."""

    class Meta:
        model = ProcessingJob
        fields = "__all__"


class SystemConfigSerializer(RowSerializer):
    """Settings of the science."""

    class Meta:
        model = SystemConfig
        fields = "__all__"


class AuditLogSerializer(RowSerializer):
    """Who changed what."""

    class Meta:
        model = AuditLog
        fields = "__all__"


class AnalyticsSerializer(RowSerializer):
    """Daily summaries."""

    class Meta:
        model = Analytics
        fields = "__all__"


class ExportRequestSerializer(serializers.Serializer[Any]):
    """Which rows are wanted, and how they are to be written."""

    query = serializers.CharField(
        max_length=100_000, help_text="A table such as astrid.detections, or SELECT ... in ADQL."
    )
    file_format = serializers.ChoiceField(ExportFormat.choices, default=ExportFormat.CSV)


class ExportJobSerializer(RowSerializer):
    """Files of rows."""

    class Meta:
        model = ExportJob
        fields = "__all__"
