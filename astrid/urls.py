"""Every URL of the site."""

from django.contrib import admin
from django.urls import include, path

from astrid import health

urlpatterns = [
    path("admin/", admin.site.urls),
    path("pictures/", include("detection.urls")),
    path("health/live", health.live, name="live"),
    path("health/ready", health.ready, name="ready"),
]
