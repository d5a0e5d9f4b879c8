"""The versions of an entry, on the page about the object: shown, published, retracted."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from astrid.core.errors import AstridError
from astrid.core.rights import for_people_who_may
from catalog import publication
from catalog.models import CatalogEntry
from curation.errors import NotFound
from curation.objectpage.page import Part
from curation.objectpage.subject import Subject, of_object
from curation.objectpage.views import for_viewers, person_of


def part_of(subject: Subject) -> Part | None:
    """Give where the versions are shown; nothing to someone who is yet to judge."""
    if subject.thing is None or subject.is_held:
        return None
    return Part("Catalog entry", reverse("catalog:versions", args=[subject.thing.pk]))


@require_safe
@for_viewers
def versions(request: HttpRequest, key: UUID) -> HttpResponse:
    """Show every version of the entry of an object, the newest first."""
    if of_object(key, person_of(request)).is_held:
        raise NotFound(f"what is said of object {key} is shown once you have judged it")
    context = {
        "entries": CatalogEntry.objects.filter(sky_object=key).order_by("-version"),
        "may_publish": request.user.has_perm(publication.MAY),
    }
    return render(request, "catalog/_versions.html", context)


@require_POST
@for_people_who_may(publication.MAY)
def publish(request: HttpRequest, key: UUID) -> HttpResponse:
    """Show a version to everybody."""
    return _moved(request, key, publication.make_public, "is published.")


@require_POST
@for_people_who_may(publication.MAY)
def retract(request: HttpRequest, key: UUID) -> HttpResponse:
    """Take a published version back."""
    reason = request.POST.get("reason", "")
    return _moved(request, key, lambda entry: publication.retract(entry, reason), "is retracted.")


def _moved(request: HttpRequest, key: UUID, move: Callable[[Any], None], done: str) -> HttpResponse:
    entry = get_object_or_404(CatalogEntry.objects.select_related("sky_object"), pk=key)
    try:
        with transaction.atomic():
            move(entry)
    except AstridError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{entry} {done}")
    return redirect(entry.sky_object)
