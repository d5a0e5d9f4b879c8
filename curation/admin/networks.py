"""Networks with the page on which they are watched."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from curation import model_page, policy
from detection.admin.networks import DECIDE, MLModelAdmin
from detection.models import Model
from detection.parameters import WatchParameters


@admin.register(Model)
class WatchedModelAdmin(MLModelAdmin):
    """Networks: which is in force, which challenges it, and how they do on the sky."""

    def get_urls(self) -> list[URLPattern]:
        """Add the page on which a network is watched."""
        view = self.admin_site.admin_view(self.watch_view)
        return [
            path("<uuid:key>/watch/", view, name="detection_model_watch"),
            *super().get_urls(),
        ]

    def watch_view(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Show drift, the random sample and, to those who decide, what challengers would do."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = get_object_or_404(Model, pk=key)
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            **model_page.context_of(row, policy.in_force(WatchParameters)),
            "title": f"Watching {row}",
            "opts": self.opts,
            "row": row,
            "beside": model_page.beside(row) if request.user.has_perm(DECIDE) else [],
        }
        return TemplateResponse(request, "admin/detection/model/watch.html", context)
