"""Addresses of the console."""

from django.urls import path, re_path

from curation import endpoints, views
from curation.pixels import pixels

app_name = "curation"
urlpatterns = [
    path("", views.home, name="home"),
    path("review/", views.review, name="review"),
    path("review/<slug:slug>/", views.review, name="review"),
    path("sheet/", views.sheet, name="sheet"),
    path("sheet/<slug:slug>/", views.sheet, name="sheet"),
    path("queues/<slug:slug>/lease/", endpoints.lease, name="lease"),
    path("verdicts/", endpoints.verdicts, name="verdicts"),
    path("heartbeat/", endpoints.heartbeat, name="heartbeat"),
    path("release/", endpoints.release, name="release"),
    path("preferences/", endpoints.preferences, name="preferences"),
    re_path(r"^pixels/(?P<sha256>[0-9a-f]{64})\.bin$", pixels, name="pixels"),
]
