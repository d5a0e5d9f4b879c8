"""The head of every page, of the console and of the admin alike."""

from typing import Any

from django import template

from astrid.navigation import menus_of

register = template.Library()


@register.inclusion_tag("_sections.html", takes_context=True)
def sections(context: template.Context) -> dict[str, Any]:
    """Lead to the pages that whoever is signed in may open."""
    request = context["request"]
    return {"menus": menus_of(request.user, request.path)}
