"""Pictures and figures in templates."""

import json
from typing import Any

from django import template
from django.utils.html import format_html

from detection.models import Detection
from detection.pictures import image_of
from detection.provenance import Step

register = template.Library()


@register.simple_tag
def triplet(detection: Detection) -> str:
    """Show the picture of a detection, small."""
    return image_of(detection)


@register.simple_tag
def large_triplet(detection: Detection) -> str:
    """Show the picture of a detection as the subject of its page."""
    return image_of(detection, "triplet triplet-large", "eager")


@register.simple_tag
def lineage_link(step: Step, seen: set[int]) -> str:
    """Name the row of a step, with a link for those who may open it."""
    if step.url and id(step) in seen:
        return format_html('<a href="{}">{}</a>', step.url, step.name)
    return step.name


@register.filter
def figure(value: Any) -> str:
    """Write a measured value: four digits, words for truth and for what is not known."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.1f}" if 1000 <= abs(value) < 1e7 else f"{value:.4g}"
    return "unknown" if value is None else str(value)


@register.filter
def as_json(value: Any) -> str:
    """Write a value as indented JSON."""
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)


@register.filter
def grouped(number: int) -> str:
    """Write a whole number with thin spaces between its thousands."""
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
