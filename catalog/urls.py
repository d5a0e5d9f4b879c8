"""Addresses of the catalog."""

from django.urls import path

from catalog import views
from catalog.crossmatch.views import crossmatch

app_name = "catalog"
urlpatterns = [
    path("", views.entries, name="entries"),
    path("crossmatch/", crossmatch, name="crossmatch"),
]
