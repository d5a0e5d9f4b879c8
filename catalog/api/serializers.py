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
    SavedQuery,
    SystemConfig,
)


class CatalogEntrySerializer(RowSerializer):
    """Confirmed objects."""

    class Meta:
        model = CatalogEntry
        exclude = ["hpx"]


class RetractionSerializer(serializers.Serializer[Any]):
    """Why an entry is taken back."""

    reason = serializers.CharField(max_length=2000, help_text="It is kept with the entry.")


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


class SettingWishSerializer(serializers.Serializer[Any]):
    """What a setting shall be; what is left out stays."""

    value = serializers.JSONField(
        required=False, help_text="The whole value: fields that are left out take their defaults."
    )
    is_active = serializers.BooleanField(
        required=False, help_text="False: the defaults are in force."
    )
    reason = serializers.CharField(max_length=1000, help_text="Why; it is kept with the change.")


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
        max_length=100_000,
        required=False,
        help_text="A table such as astrid.detections, or SELECT ... in ADQL.",
    )
    file_format = serializers.ChoiceField(ExportFormat.choices, required=False)
    saved_query = serializers.UUIDField(
        required=False, help_text="One's own saved query, or a shared one, in place of a query."
    )

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        """Take a query or a saved one."""
        if ("query" in given) == ("saved_query" in given):
            raise serializers.ValidationError({"query": ["Give either a query or a saved_query."]})
        return given


class SavedQuerySerializer(RowSerializer):
    """Queries that people keep."""

    class Meta:
        model = SavedQuery
        fields = "__all__"


class ExportJobSerializer(RowSerializer):
    """Files of rows."""

    class Meta:
        model = ExportJob
        fields = "__all__"
