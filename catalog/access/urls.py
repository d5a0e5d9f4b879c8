"""Addresses of the page on which people keep their keys."""

from django.urls import path

from catalog.access import pages

app_name = "access"
urlpatterns = [
    path("", pages.held, name="keys"),
    path("make/", pages.make, name="make"),
    path("<uuid:key>/revoke/", pages.revoke, name="revoke"),
    path("services/make/", pages.make_service, name="make-service"),
]
