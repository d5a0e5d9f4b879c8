"""Addresses of the console."""

from django.urls import path, re_path, register_converter

from curation import endpoints, night_views, views
from curation.converters import NightConverter
from curation.pixels import pixels

register_converter(NightConverter, "night")

app_name = "curation"
urlpatterns = [
    path("", views.home, name="home"),
    path("review/", views.review, name="review"),
    path("review/<slug:slug>/", views.review, name="review"),
    path("sheet/", views.sheet, name="sheet"),
    path("sheet/<slug:slug>/", views.sheet, name="sheet"),
    path("nights/", night_views.night_list, name="nights"),
    path("nights/<night:night>/", night_views.certificate, name="night"),
    path("nights/<night:night>/candidates/", night_views.candidates, name="night-candidates"),
    path("nights/<night:night>/candidates.csv", night_views.as_csv, name="night-csv"),
    path("nights/<night:night>/candidates.json", night_views.as_json, name="night-json"),
    path("adjudicate/", views.adjudicate, name="adjudicate"),
    path("adjudicate/cases/", endpoints.open_cases, name="cases"),
    path("curators/", views.curators, name="curators"),
    path("curators/measure/", views.measure, name="measure"),
    path("queues/<slug:slug>/lease/", endpoints.lease, name="lease"),
    path("verdicts/", endpoints.verdicts, name="verdicts"),
    path("heartbeat/", endpoints.heartbeat, name="heartbeat"),
    path("release/", endpoints.release, name="release"),
    path("preferences/", endpoints.preferences, name="preferences"),
    re_path(r"^pixels/(?P<sha256>[0-9a-f]{64})\.bin$", pixels, name="pixels"),
]
