"""Addresses of the catalog domain: path, viewset, base name."""

from rest_framework.viewsets import ReadOnlyModelViewSet

from catalog.api import crossmatch, keys, views

ROUTES: list[tuple[str, type[ReadOnlyModelViewSet], str]] = [
    ("catalog-entries", views.CatalogEntryViewSet, "catalog-entries"),
    ("jobs", views.ProcessingJobViewSet, "jobs"),
    ("settings", views.SystemConfigViewSet, "settings"),
    ("audit-log", views.AuditLogViewSet, "audit-log"),
    ("analytics", views.AnalyticsViewSet, "analytics"),
    ("exports", views.ExportJobViewSet, "exports"),
    ("saved-queries", views.SavedQueryViewSet, "saved-queries"),
    ("keys", keys.KeyViewSet, "keys"),
    ("crossmatches", crossmatch.CrossmatchJobViewSet, "crossmatches"),
]
