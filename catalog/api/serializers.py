"""Rows of the catalog domain as JSON."""

from astrid.core.api import RowSerializer
from catalog.models import (
    Analytics,
    AuditLog,
    CatalogEntry,
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


class ExportJobSerializer(RowSerializer):
    """Files of rows."""

    class Meta:
        model = ExportJob
        fields = "__all__"
