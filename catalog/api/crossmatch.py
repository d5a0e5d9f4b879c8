"""Tables that people send, over HTTP."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.mixins import CreateModelMixin
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from astrid.core.api import ReadViewSet, RowSerializer
from astrid.core.errors import MissingFile
from astrid.core.hints import hint
from astrid.core.models import RunStatus
from catalog import tasks
from catalog.crossmatch import service
from catalog.crossmatch.errors import BadCrossmatch
from catalog.crossmatch.forms import question_of
from catalog.exports import serving
from catalog.models import CrossmatchJob, CrossmatchTarget, ExportFormat


class CrossmatchRequestSerializer(serializers.Serializer[Any]):
    """A table, what to match it with, and how."""

    file = serializers.FileField(help_text="CSV, ECSV, VOTable, FITS or Parquet.")
    target = serializers.ChoiceField(CrossmatchTarget.choices)
    radius = serializers.FloatField(
        min_value=0, max_value=service.MOST_RADIUS_ARCSEC, help_text="Arcseconds."
    )
    best = serializers.BooleanField(
        default=True, help_text="The nearest of each position, or all within the radius."
    )
    ra_column = serializers.CharField(
        default="", allow_blank=True, max_length=100, help_text="Found by its UCD or name if empty."
    )
    dec_column = serializers.CharField(default="", allow_blank=True, max_length=100)
    file_format = serializers.ChoiceField(ExportFormat.choices, default=ExportFormat.VOTABLE)


class CrossmatchJobSerializer(RowSerializer):
    """Tables that were sent, and what became of them."""

    class Meta:
        model = CrossmatchJob
        fields = "__all__"


class CrossmatchJobViewSet(CreateModelMixin, ReadViewSet):
    """Tables matched with ours: send one, look how far it is, fetch the answer."""

    queryset = CrossmatchJob.objects.order_by("-id")
    serializer_class = CrossmatchJobSerializer
    parser_classes = [MultiPartParser]
    filterset_fields = ["status", "target", "file_format"]
    ordering_fields = ["id"]

    def get_queryset(self) -> Any:
        """Give everybody their own tables."""
        jobs: Any = super().get_queryset()
        return jobs.filter(requester=self.request.user.pk)

    @extend_schema(
        request={"multipart/form-data": CrossmatchRequestSerializer},
        responses={201: CrossmatchJobSerializer, 202: CrossmatchJobSerializer},
    )
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Send a table: a small one is matched at once, a large one by a worker."""
        asked = CrossmatchRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        file = asked.validated_data["file"]
        person: Any = request.user
        try:
            job = service.ask(person, file.read(), file.name, question_of(asked.validated_data))
        except BadCrossmatch as error:
            raise ValidationError({error.field: [str(error)]}) from error
        if not job.file_path:
            hint(tasks.crossmatch, str(job.pk))
        return Response(self.get_serializer(job).data, status=201 if job.file_path else 202)

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    @action(detail=True)
    def file(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        """Fetch the matches, whole or by a range of bytes."""
        job = self.get_object()
        if job.status != RunStatus.COMPLETED:
            raise NotFound(f"the matches are not there: the job is {job.status}")
        try:
            return serving.file_of(job, request)
        except MissingFile as error:
            raise NotFound(str(error)) from error
