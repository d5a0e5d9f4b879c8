"""Pictures and figures in templates."""

import json
from typing import Any

from django import template

from detection.models import Detection
from detection.pictures import image_of

register = template.Library()


@register.simple_tag
def triplet(detection: Detection, css_class: str = "triplet") -> str:
    """Show the picture of a detection."""
    return image_of(detection, css_class)


@register.filter
def as_json(value: Any) -> str:
    """Write a value as indented JSON."""
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)


@register.filter
def grouped(number: int) -> str:
    """Write a whole number with thin spaces between its thousands."""
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
