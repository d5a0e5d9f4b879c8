"""Addresses of the catalog."""

from django.urls import path

from catalog import entrypages, views
from catalog.crossmatch.views import crossmatch

app_name = "catalog"
urlpatterns = [
    path("", views.entries, name="entries"),
    path("objects/<uuid:key>/versions/", entrypages.versions, name="versions"),
    path("entries/<uuid:key>/publish/", entrypages.publish, name="publish"),
    path("entries/<uuid:key>/retract/", entrypages.retract, name="retract"),
    path("crossmatch/", crossmatch, name="crossmatch"),
]
