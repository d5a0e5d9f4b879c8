"""Addresses below ``lightcurves/``: path, viewset, base name."""

from rest_framework.viewsets import ReadOnlyModelViewSet

from lightcurves.api import views

ROUTES: list[tuple[str, type[ReadOnlyModelViewSet], str]] = [
    ("missions", views.MissionViewSet, "lightcurve-mission"),
    ("catalogs", views.MissionCatalogViewSet, "lightcurve-catalog"),
    ("targets", views.TargetViewSet, "lightcurve-target"),
    ("instruments", views.InstrumentViewSet, "lightcurve-instrument"),
    ("observations", views.LightcurveObservationViewSet, "lightcurve-observation"),
    ("frames", views.FITSFrameViewSet, "lightcurve-frame"),
    ("photometric-sources", views.PhotometricSourceViewSet, "lightcurve-photometric-source"),
    ("processing-methods", views.ProcessingMethodViewSet, "lightcurve-processing-method"),
    ("datasets", views.DataSetViewSet, "lightcurve-dataset"),
    ("features", views.CurveFeaturesViewSet, "lightcurve-features"),
    ("dataset-hierarchy", views.DataSetHierarchyViewSet, "lightcurve-dataset-hierarchy"),
    ("times", views.TargetSpecificTimeViewSet, "lightcurve-time"),
    ("quality-flags", views.QualityFlagArrayViewSet, "lightcurve-quality-flags"),
]
