"""Tokens for programs: a name and password give one, and it can be taken back."""

from typing import Any

from django.contrib.auth import authenticate
from drf_spectacular.utils import extend_schema
from knox import views as knox
from knox.models import AuthToken
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


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

    @extend_schema(request=CredentialsSerializer, responses=TokenSerializer, auth=[])
    def post(self, request: Request) -> Response:
        """Check the password and make a token."""
        given = CredentialsSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        user = authenticate(request._request, **given.validated_data)
        if user is None:
            raise AuthenticationFailed("wrong name or password, or too many tries; wait a while")
        entry, token = AuthToken.objects.create(user)
        return Response(TokenSerializer({"token": token, "expiry": entry.expiry}).data)


class LogoutView(knox.LogoutView):
    """Take back the token that is used."""

    @extend_schema(request=None, responses={204: None})
    def post(self, request: Request, **options: Any) -> Response:
        """Delete the token."""
        answer: Response = super().post(request, **options)
        return answer


class LogoutAllView(knox.LogoutAllView):
    """Take back every token of the user."""

    @extend_schema(request=None, responses={204: None})
    def post(self, request: Request, **options: Any) -> Response:
        """Delete the tokens."""
        answer: Response = super().post(request, **options)
        return answer
