"""Keys for programs: a name and password give one, and it can be taken back."""

from django.contrib.auth import authenticate
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.access import keys, lockout
from catalog.access.authentication import KeyAuthentication
from catalog.access.models import ApiKey
from catalog.access.scopes import ANY


class CredentialsSerializer(serializers.Serializer):
    """A name and a password."""

    username = serializers.CharField()
    password = serializers.CharField(style={"input_type": "password"}, trim_whitespace=False)


class TokenSerializer(serializers.Serializer):
    """A token; it is shown once, only its hash is kept."""

    token = serializers.CharField()
    expiry = serializers.DateTimeField(allow_null=True)


class LoginView(APIView):
    """Give a token for ``Authorization: Token …``; wrong passwords lock out after a while."""

    authentication_classes = ()
    permission_classes = [AllowAny]
    rate_group = "sign_in"

    def get_authenticate_header(self, request: Request) -> str:
        """Name the scheme by which what is given here opens the other addresses: RFC 9110, 15.5.2.

        Without one a wrong password would be told as 403.
        """
        return KeyAuthentication().authenticate_header(request)  # type: ignore[no-any-return]

    @extend_schema(request=CredentialsSerializer, responses=TokenSerializer, auth=[])
    def post(self, request: Request) -> Response:
        """Check the password and make a token."""
        given = CredentialsSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        user = authenticate(request._request, **given.validated_data)
        if user is None:
            lockout.check(request._request, given.validated_data["username"])
            raise AuthenticationFailed("wrong name or password")
        key, token = keys.sign_in(user)
        return Response(TokenSerializer({"token": token, "expiry": key.expires_at}).data)


class LogoutView(APIView):
    """Take back the key that is used."""

    permission_classes = [IsAuthenticated]
    scope_domain = ANY

    @extend_schema(request=None, responses={204: None})
    def post(self, request: Request) -> Response:
        """Revoke the key."""
        if isinstance(request.auth, ApiKey):
            keys.revoke(request.auth)
        return Response(status=204)


class LogoutAllView(APIView):
    """Take back every key of the user; a key itself needs the scope ``everything`` for this."""

    permission_classes = [IsAuthenticated]

    @extend_schema(request=None, responses={204: None})
    def post(self, request: Request) -> Response:
        """Revoke the keys."""
        keys.revoke_all(request.user)
        return Response(status=204)
