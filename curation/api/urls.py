"""Addresses of the curation domain: path, viewset, base name."""

from rest_framework.viewsets import ReadOnlyModelViewSet

from curation.api import views

ROUTES: list[tuple[str, type[ReadOnlyModelViewSet], str]] = [
    ("labels", views.ValidationLabelViewSet, "labels"),
    ("curators", views.CuratorViewSet, "curators"),
    ("validation-events", views.ValidationEventViewSet, "validation-events"),
    ("review-tasks", views.ReviewTaskViewSet, "review-tasks"),
    ("alert-channels", views.AlertChannelViewSet, "alert-channels"),
    ("alert-rules", views.AlertRuleViewSet, "alert-rules"),
    ("alerts", views.AlertViewSet, "alerts"),
    ("deliveries", views.DeliveryViewSet, "deliveries"),
]
