"""Addresses of the pictures."""

from django.urls import path

from detection import views

app_name = "detection"
urlpatterns = [path("<uuid:detection_id>/<str:version>.png", views.picture, name="picture")]
