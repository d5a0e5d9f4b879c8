"""Addresses of the pages on which people keep queries."""

from django.urls import path

from catalog.exports import pages

app_name = "queries"
urlpatterns = [
    path("", pages.kept, name="kept"),
    path("new/", pages.make, name="make"),
    path("<uuid:key>/", pages.change, name="change"),
    path("<uuid:key>/run/", pages.run, name="run"),
    path("<uuid:key>/delete/", pages.delete, name="delete"),
]
