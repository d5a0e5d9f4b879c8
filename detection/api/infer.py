"""Ask the networks: ``POST /api/v1/infer`` with cutouts or with the id of a candidate."""

import base64
import binascii
from typing import Any

import numpy as np
from django.utils.datastructures import MultiValueDict
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import APIException, NotFound, ValidationError
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from astrid.core.errors import BadImage, BadWeights, CorruptFile, MissingFile
from astrid.core.rest import bodies
from detection import answering
from detection.answering import NothingJudged, Reply
from detection.models import DetectionType, ModelType
from detection.uploads import MOST_BYTES, MOST_STAMPS, Cutouts, read_all
from differencing.models import Candidate

# A third more, as base64 writes it, and some for the form around.
MOST_REQUEST_BYTES = MOST_BYTES * 4 // 3 + 2**16


class Unavailable(APIException):
    """Networks that cannot be used; the message says what an operator has to do."""

    status_code = 503
    default_code = "networks_unavailable"


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string", "format": "binary"},
            {"type": "array", "items": {"type": "string", "format": "binary"}},
        ]
    }
)
class FilesField(serializers.Field):
    """The bytes of files: uploaded, or as base64 in JSON, one or a list of them."""

    def get_value(self, dictionary: Any) -> Any:
        """Take all files of a form, not the last one."""
        if isinstance(dictionary, MultiValueDict):
            return dictionary.getlist(self.field_name) or serializers.empty
        return super().get_value(dictionary)

    def to_internal_value(self, data: Any) -> list[bytes]:
        """Give the bytes of each."""
        files = data if isinstance(data, list) else [data]
        if not 1 <= len(files) <= MOST_STAMPS:
            raise ValidationError(f"{len(files)} files: send 1 to {MOST_STAMPS} at a time.")
        return [self._content(one) for one in files]

    def _content(self, data: Any) -> bytes:
        if hasattr(data, "read"):
            content: bytes = data.read()
            return content
        if not isinstance(data, str):
            raise ValidationError("Send a file, or its bytes as base64.")
        try:
            return base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError) as error:
            raise ValidationError(f"This is no base64: {error}.") from error


class QuestionSerializer(serializers.Serializer):
    """Cutouts (an npz, npy or FITS file), or the id of a candidate."""

    candidate = serializers.UUIDField(required=False)
    cutouts = FilesField(
        required=False,
        help_text="npz, npy or FITS with (n, 3 or 4, size, size) pixels: science, reference, "
        "difference and perhaps S_corr. Files of a form, or base64 in JSON; several by naming the "
        "field again, or as a list. One that cannot be read says why in its place.",
    )
    fwhm = serializers.FloatField(
        required=False,
        min_value=0.5,
        max_value=30.0,
        help_text="Seeing of the cutouts, px, where the file does not hold it.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Take one of both questions, and read the file."""
        if ("candidate" in attrs) == ("cutouts" in attrs):
            raise ValidationError("Send either cutouts or candidate.")
        if "cutouts" in attrs:
            attrs["cutouts"] = self._read(attrs)
        return attrs

    def _read(self, attrs: dict[str, Any]) -> list[Cutouts | str]:
        found = read_all(attrs["cutouts"])
        if len(found) == 1 and isinstance(found[0], str):
            raise ValidationError({"cutouts": [found[0]]})
        for one in found:
            if isinstance(one, Cutouts) and "fwhm" in attrs:
                one.facts.setdefault("fwhm", np.full(len(one), attrs["fwhm"]))
        return found


class NetworkSerializer(serializers.Serializer):
    """Which network answered."""

    name = serializers.CharField()
    version = serializers.CharField()
    model_type = serializers.ChoiceField(ModelType.choices)
    sha256 = serializers.CharField()


class AnswerSerializer(serializers.Serializer):
    """What the networks say of one cutout; numbers are null where ``error`` says why."""

    confidence = serializers.FloatField(
        allow_null=True, help_text="Calibrated probability of being real."
    )
    is_real = serializers.BooleanField(
        allow_null=True, help_text="Whether the confidence reaches the threshold."
    )
    uncertainty = serializers.FloatField(
        allow_null=True, help_text="Standard deviation of the confidence in the ensemble."
    )
    detection_type = serializers.ChoiceField(DetectionType.choices, allow_null=True)
    class_probabilities = serializers.DictField(child=serializers.FloatField(), allow_null=True)
    novelty = serializers.FloatField(
        allow_null=True, help_text="Above 1 it is like nothing that was learned."
    )
    error = serializers.CharField(allow_blank=True)


class ReplySerializer(serializers.Serializer):
    """The answers, in the order of the cutouts, and who gave them."""

    model = NetworkSerializer()
    anomaly_detector = NetworkSerializer(allow_null=True)
    threshold = serializers.FloatField()
    results = AnswerSerializer(many=True)


class MayAskNetworks(BasePermission):
    """Who may see detections may ask what networks say."""

    message = "You may not see detections, so you may not ask the networks."

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Look at the user's permissions."""
        return bool(request.user and request.user.has_perm("detection.view_detection"))


class InferView(APIView):
    """Score cutouts or a candidate with the networks in force; nothing is stored."""

    permission_classes = [MayAskNetworks]
    scope_domain = "infer"
    parser_classes = bodies.up_to(
        MOST_REQUEST_BYTES, bodies.JsonParser, bodies.FormParser, bodies.MultiPartParser
    )
    refusals = {"503": "The networks cannot be used; an operator has to see to it."}

    @extend_schema(request=QuestionSerializer, responses=ReplySerializer, operation_id="infer")
    def post(self, request: Request) -> Response:
        """Judge what was sent; a cutout that cannot be judged says why beside the others."""
        question = QuestionSerializer(data=request.data)
        question.is_valid(raise_exception=True)
        return Response(answered(question.validated_data).as_json())


def answered(question: dict[str, Any]) -> Reply:
    """Ask the networks, and say what is wrong in the words of HTTP."""
    try:
        if "cutouts" in question:
            return answering.judge_cutouts(question["cutouts"])
        return answering.judge_candidate(candidate_of(question))
    except NothingJudged as error:
        faults = {str(row): [fault] for row, fault in enumerate(error.faults)}
        raise ValidationError({"cutouts": faults}) from error
    except BadWeights as error:
        raise Unavailable(str(error)) from error
    except (BadImage, MissingFile, CorruptFile) as error:
        raise ValidationError({"candidate": [str(error)]}) from error


def candidate_of(question: dict[str, Any]) -> Candidate:
    """Find the candidate that is asked about."""
    rows = Candidate.objects.select_related("difference_run")
    found = rows.filter(pk=question["candidate"]).first()
    if found is None:
        raise NotFound(f"There is no candidate {question['candidate']}.")
    return found
