"""The published catalog for everybody who is signed in."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from astrid.core import cones, keyset
from astrid.core.rights import for_people_who_may
from catalog.models import CatalogEntry, PublicationState

_PAGE = 50


@require_safe
@for_people_who_may("catalog.view_catalogentry")
def entries(request: HttpRequest) -> HttpResponse:
    """Show the published entries, newest first, or those in a cone."""
    words = request.GET.get("q", "").strip()
    found = _searched(request, words).order_by("-id")
    try:
        page = keyset.page(found, request.GET.get("p", keyset.FIRST), _PAGE)
    except keyset.BadPlace as error:
        messages.warning(request, f"This is the first page: {error}.")
        page = keyset.page(found, keyset.FIRST, _PAGE)
    context = {"title": "Catalog", "words": words, "page": page, "help": cones.HELP}
    return render(request, "catalog/entries.html", context)


def _searched(request: HttpRequest, words: str) -> Any:
    """Look for a cone, or else for the start of a designation."""
    published = CatalogEntry.objects.filter(publication_state=PublicationState.PUBLISHED)
    try:
        cone = cones.cone_of(words)
        if cone is not None:
            return published.cone_search(cone.ra, cone.dec, cone.radius_deg)
    except ValueError as error:
        messages.error(request, f"{words!r}: {error}")
        return published.none()
    clean = words.replace("\x00", "")
    return published.filter(designation__startswith=clean) if clean else published
