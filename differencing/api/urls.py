"""Addresses of the differencing domain: path, viewset, base name."""

from rest_framework.viewsets import ReadOnlyModelViewSet

from differencing.api import views

ROUTES: list[tuple[str, type[ReadOnlyModelViewSet], str]] = [
    ("reference-images", views.ReferenceImageViewSet, "reference-images"),
    ("reference-runs", views.ReferenceRunViewSet, "reference-runs"),
    ("difference-runs", views.DifferenceRunViewSet, "difference-runs"),
    ("candidates", views.CandidateViewSet, "candidates"),
]
