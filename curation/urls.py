"""Addresses of the console."""

from django.urls import path, re_path, register_converter

from curation import endpoints, night_views, views
from curation.converters import NightConverter
from curation.objectpage import views as objects
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
    path("objects/<uuid:key>/", objects.of_one_object, name="object"),
    path("detections/<uuid:key>/", objects.of_one_detection, name="detection"),
    path("detections/<uuid:key>/lineage/", objects.lineage, name="lineage"),
    path("detections/<uuid:key>/surroundings/", objects.surroundings, name="surroundings"),
    path("detections/<uuid:key>/verdict/", objects.verdict, name="verdict"),
    path("detections/<uuid:key>/facts.json", objects.as_json, name="facts"),
    path("detections/<uuid:key>/cutouts.fits", objects.cutouts_fits, name="cutouts"),
    path("detections/<uuid:key>/curve.<str:ending>", objects.light_curve, name="curve"),
    path("detections/<uuid:key>/files/<slug:name>.fits", objects.difference_file, name="file"),
    path("queues/<slug:slug>/lease/", endpoints.lease, name="lease"),
    path("verdicts/", endpoints.verdicts, name="verdicts"),
    path("heartbeat/", endpoints.heartbeat, name="heartbeat"),
    path("release/", endpoints.release, name="release"),
    path("preferences/", endpoints.preferences, name="preferences"),
    re_path(r"^pixels/(?P<sha256>[0-9a-f]{64})\.bin$", pixels, name="pixels"),
]
