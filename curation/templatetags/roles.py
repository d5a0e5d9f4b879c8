"""The role of whoever is signed in, for pages."""

from typing import Any

from django import template

from curation.roles import role_of

register = template.Library()


@register.filter
def role(user: Any) -> str:
    """Name the role in one word; empty where there is none."""
    return role_of(user)
