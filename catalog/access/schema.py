"""How the OpenAPI schema names the ways to sign in."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.plumbing import build_bearer_security_scheme_object


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """``Authorization: Token KEY``."""

    target_class = "catalog.access.authentication.KeyAuthentication"
    name = "key"

    def get_security_definition(self, auto_schema: Any) -> Any:
        """Describe the header."""
        return build_bearer_security_scheme_object("Authorization", "Token")


class JwtScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """``Authorization: Bearer TOKEN``."""

    target_class = "catalog.access.tokens.JwtAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> Any:
        """Describe the header."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
