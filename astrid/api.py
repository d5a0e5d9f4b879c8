"""The API: every domain under one version, sign-in, schema and documentation."""

from typing import Any

from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from rest_framework.routers import DefaultRouter

import catalog.api.urls
import curation.api.urls
import detection.api.urls
import differencing.api.urls
import lightcurves.api.urls
import observations.api.urls
import preprocessing.api.urls
from astrid.signin import LoginView, LogoutAllView, LogoutView
from detection.api.infer import InferView

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
    re_path(r"^v1/infer/?$", InferView.as_view(), name="infer"),
    path("v1/", include(_router().urls)),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
]
