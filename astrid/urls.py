"""Every URL of the site."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from astrid import health, metrics
from astrid.api import api_urls

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="curation:home"), name="front"),
    # What browsers ask for by themselves on pages that name no icon.
    path("favicon.ico", RedirectView.as_view(url=f"{settings.STATIC_URL}astrid/icon.svg")),
    path("console/keys/", include("catalog.access.urls")),
    path("console/queries/", include("catalog.exports.urls")),
    path("console/catalog/", include("catalog.urls")),
    path("console/lightcurves/", include("lightcurves.web.urls")),
    path("console/analytics/", include("catalog.analytics.urls")),
    path("console/", include("curation.urls")),
    path("admin/", admin.site.urls),
    path("pictures/", include("detection.urls")),
    path("api/", include(api_urls)),
    path("vo/", include("catalog.vo.urls")),
    path("health/live", health.live, name="live"),
    path("health/ready", health.ready, name="ready"),
    path("metrics", metrics.metrics, name="metrics"),
]
