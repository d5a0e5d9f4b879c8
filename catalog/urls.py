"""Addresses of the catalog."""

from django.urls import path

from catalog import views

app_name = "catalog"
urlpatterns = [path("", views.entries, name="entries")]
