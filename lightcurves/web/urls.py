"""Addresses of the pages of the light-curve store."""

from django.urls import path

from lightcurves.web import views

app_name = "lightcurves"
urlpatterns = [
    path("", views.target_list, name="targets"),
    path("targets/<int:key>/", views.target, name="target"),
    path("datasets/<int:key>/", views.dataset, name="dataset"),
    path("datasets/<int:key>/points.bin", views.points, name="points"),
    path("datasets/<int:key>/sparkline.svg", views.small, name="sparkline"),
]
