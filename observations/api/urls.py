"""Addresses of the observations domain: path, viewset, base name."""

from rest_framework.viewsets import ReadOnlyModelViewSet

from observations.api import views

ROUTES: list[tuple[str, type[ReadOnlyModelViewSet], str]] = [
    ("surveys", views.SurveyViewSet, "surveys"),
    ("observations", views.ObservationViewSet, "observations"),
    ("calibration-exposures", views.CalibrationExposureViewSet, "calibration-exposures"),
    ("observation-runs", views.ObservationRunViewSet, "observation-runs"),
]
