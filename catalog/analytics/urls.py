"""Addresses of the daily summaries."""

from django.urls import path

from catalog.analytics import views

app_name = "analytics"
urlpatterns = [
    path("", views.page, name="page"),
    path("report.html", views.download, name="report"),
]
