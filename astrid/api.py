"""The API: every domain under one version, sign-in, schema and documentation."""

from typing import Any

from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.routers import DefaultRouter

import catalog.api.urls
import curation.api.urls
import detection.api.urls
import differencing.api.urls
import lightcurves.api.urls
import observations.api.urls
import preprocessing.api.urls
from astrid.signin import LoginView, LogoutAllView, LogoutView
from catalog.live.views import EventsView
from detection.api.infer import InferView


class ByFormat(DefaultContentNegotiation):
    """Chooses by ``?format=`` too, which is no parameter of the other addresses."""

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        """Choose what the address or else the header asks for."""
        asked = request.query_params.get("format")
        return super().select_renderer(request, renderers, asked or format_suffix)


class SchemaView(SpectacularAPIView):
    """The description of the API as OpenAPI, in YAML or JSON."""

    content_negotiation_class = ByFormat


DOMAINS = (observations, preprocessing, differencing, detection, curation, catalog)


def _router() -> DefaultRouter:
    router = DefaultRouter()
    router.include_format_suffixes = False
    for domain in DOMAINS:
        for prefix, viewset, name in domain.api.urls.ROUTES:
            router.register(prefix, viewset, name)
    for prefix, viewset, name in lightcurves.api.urls.ROUTES:
        router.register(f"lightcurves/{prefix}", viewset, name)
    return router


api_urls: list[Any] = [
    path("v1/auth/login/", LoginView.as_view(), name="api-login"),
    path("v1/auth/logout/", LogoutView.as_view(), name="api-logout"),
    path("v1/auth/logoutall/", LogoutAllView.as_view(), name="api-logout-all"),
    path("v1/events/", EventsView.as_view(), name="events"),
    re_path(r"^v1/infer/?$", InferView.as_view(), name="infer"),
    path("v1/", include(_router().urls)),
    path("schema/", SchemaView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
]
