"""One's own keys, over HTTP: what the page Keys of the console does."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from astrid.core.api import Moves, ReadViewSet, RowSerializer
from astrid.core.rest.bodies import JsonParser
from catalog.access import keys
from catalog.access.models import ApiKey, ServiceAccount
from catalog.access.scopes import SCOPES


class KeySerializer(RowSerializer):
    """Keys: how each begins, what it may do, until when; never the key or its hash."""

    class Meta:
        model = ApiKey
        exclude = ["digest"]


class KeyRequestSerializer(serializers.Serializer[Any]):
    """What a new key is to be."""

    name = serializers.CharField(
        max_length=100, help_text="What it is for, or on which machine it lies."
    )
    scopes = serializers.ListField(
        child=serializers.ChoiceField(sorted(SCOPES)),
        allow_empty=False,
        help_text="What it may do; never more than the account that it belongs to.",
    )
    days = serializers.IntegerField(
        min_value=1, required=False, help_text="For how long it holds; the setting says how long."
    )
    service = serializers.CharField(
        max_length=150,
        required=False,
        help_text="The name of the service account that it is for, by those who keep these.",
    )

    def validate_service(self, name: str) -> ServiceAccount:
        """Find the account."""
        found = ServiceAccount.objects.select_related("user").filter(user__username=name).first()
        if found is None:
            raise ValidationError(f"There is no service account {name!r}.")
        return found


class MadeKeySerializer(KeySerializer):
    """A new key with its secret, which is shown this once."""

    key = serializers.CharField(help_text="Send it as `Authorization: Token KEY`.")


class KeyViewSet(Moves, ReadViewSet):
    """One's own keys, and those of service accounts for those who keep these."""

    scope_domain = "keys"  # there is no such scope: a key makes others by `everything` alone
    permission_classes = (IsAuthenticated,)
    parser_classes = [JsonParser]
    queryset = ApiKey.objects.order_by("-id")
    serializer_class = KeySerializer
    filterset_fields = ["kind", "owner"]
    ordering_fields = ["id"]

    def get_queryset(self) -> Any:
        """Leave out what is another's."""
        rows: Any = super().get_queryset()
        return rows.filter(keys.kept_by(self.request.user))

    @extend_schema(request=KeyRequestSerializer, responses={201: MadeKeySerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Make a key; the answer shows it, and nothing ever does again."""
        asked = KeyRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        person: Any = request.user
        _check(person, asked.validated_data)
        try:
            key, secret = keys.make(person, **asked.validated_data)
        except keys.BadKey as error:
            raise ValidationError({"days": [str(error)]}) from error
        shown = {**self.get_serializer(key).data, "key": secret}
        return Response(shown, status=201, headers={"Cache-Control": "no-store"})

    @extend_schema(request=None, responses=KeySerializer)
    @action(detail=True, methods=["post"], own_parameters=())
    def revoke(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Take a key back for good; doing so again changes nothing."""
        return self.moved(keys.revoke)


def _check(person: Any, given: dict[str, Any]) -> None:
    if "service" in given and not person.has_perm(keys.MANAGES_SERVICES):
        raise PermissionDenied("You may not make keys for service accounts; ask an operator.")
    if ServiceAccount.objects.filter(user=person).exists():
        raise PermissionDenied("A program makes no keys; whoever keeps its account does.")
