"""Addresses of the preprocessing domain: path, viewset, base name."""

from rest_framework.viewsets import ReadOnlyModelViewSet

from preprocessing.api import views

ROUTES: list[tuple[str, type[ReadOnlyModelViewSet], str]] = [
    ("preprocess-runs", views.PreprocessRunViewSet, "preprocess-runs"),
    ("calibration-runs", views.CalibrationRunViewSet, "calibration-runs"),
    ("calibration-frames", views.CalibrationFrameViewSet, "calibration-frames"),
]
