"""The order in which the admin lists its sections, and their names there."""

from typing import Any

from django import template

register = template.Library()

# From what curators look at, down to what the site is run with.
TITLES = {
    "curation": "Review and alerts",
    "detection": "Detections and networks",
    "differencing": "Differences",
    "preprocessing": "Preprocessing",
    "observations": "Surveys and observations",
    "catalog": "Catalog, jobs and settings",
    "lightcurves": "Light-curve store",
    "django_celery_beat": "Schedules",
    "auth": "People and groups",
    "axes": "Sign-in attempts",
}


@register.filter
def in_working_order(sections: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Order the admin's sections by the work they belong to; one without a place comes last."""
    places = {label: place for place, label in enumerate(TITLES)}
    named = [
        {**section, "name": TITLES.get(section["app_label"], section["name"])}
        for section in sections
    ]
    return sorted(named, key=lambda section: places.get(section["app_label"], len(places)))
