"""The picture of a detection: science, reference and difference side by side."""

from django.urls import reverse
from django.utils.html import format_html

from detection.models import Detection
from detection.wording import in_one_sentence


def version_of(detection: Detection) -> str:
    """Give the hash at the end of the picture's stored name; empty without a picture."""
    return detection.thumbnail_path.rpartition("/")[2]


def url_of(detection: Detection) -> str:
    """Give the address of the picture; it changes when the picture does."""
    return reverse("detection:picture", args=[detection.pk, version_of(detection)])


def image_of(detection: Detection, css_class: str = "triplet", loading: str = "lazy") -> str:
    """Give the picture as an HTML image with the numbers as its text alternative.

    ``loading`` is ``eager`` for the one picture that a page is about.
    """
    if not detection.thumbnail_path:
        return format_html('<span class="{} no-picture">no picture</span>', css_class)
    return format_html(
        '<img class="{}" src="{}" alt="{}" loading="{}" decoding="async">',
        css_class,
        url_of(detection),
        in_one_sentence(detection),
        loading,
    )
