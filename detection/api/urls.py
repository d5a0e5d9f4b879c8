"""Addresses of the detection domain: path, viewset, base name."""

from rest_framework.viewsets import ReadOnlyModelViewSet

from detection.api import views

ROUTES: list[tuple[str, type[ReadOnlyModelViewSet], str]] = [
    ("models", views.ModelViewSet, "models"),
    ("model-runs", views.ModelRunViewSet, "model-runs"),
    ("sky-objects", views.SkyObjectViewSet, "sky-objects"),
    ("context-catalogs", views.ContextCatalogViewSet, "context-catalogs"),
    ("context-sources", views.ContextSourceViewSet, "context-sources"),
    ("forced-photometry-runs", views.ForcedPhotometryRunViewSet, "forced-photometry-runs"),
    ("forced-measurements", views.ForcedMeasurementViewSet, "forced-measurements"),
    ("detections", views.DetectionViewSet, "detections"),
    ("drift-alarms", views.DriftAlarmViewSet, "drift-alarms"),
    ("training-datasets", views.TrainingDatasetViewSet, "training-datasets"),
    ("training-runs", views.TrainingRunViewSet, "training-runs"),
]
