"""Parts of images at once: ``/vo/soda/sync``.

Reference: Bonnarel et al. 2017, IVOA Server-side Operations for Data Access 1.0.
"""

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from catalog.vo.doors import VoView, told_of
from catalog.vo.errors import BadValue, NotFound
from catalog.vo.files import FITS, KINDS, content_of
from catalog.vo.identifiers import ANY, Identifier, read
from catalog.vo.requests import Asked
from catalog.vo.soda import regions
from catalog.vo.soda.cutting import cut

SHAPES = ("CIRCLE", "POLYGON")
_IMAGE_OF = {"observation": "frame", "detection": "cutout"}
_FAULTS = {401: "AuthenticationFault", 403: "AuthorizationFault"}


class CutView(VoView):
    """Cuts an image to a region."""

    def get(self, request: Request) -> HttpResponse:
        """Answer ID and one of POS, CIRCLE and POLYGON; without them, the whole file is sent."""
        asked, caller = self.asked(), self.caller()
        identifier = _image(asked.needed("ID"), caller.settings.authority)
        region = region_of(asked)
        content: bytes | None = content_of(caller, identifier.kind, identifier.key)
        if region is not None and content is not None:
            content = cut(content, region)
        if content is None:  # as the standard wants it: nothing of the region is in the image
            return HttpResponse(status=204)
        response = HttpResponse(content, content_type=FITS)
        name = f"{identifier.kind}-{identifier.key}-part.fits"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response

    post = get

    def handle_exception(self, exc: Exception) -> Any:
        """Tell what is wrong in the words of the standard, as plain text."""
        response = super().handle_exception(exc)
        if told := told_of(exc):
            status, message = told
            fault = _FAULTS.get(status, "UsageFault" if status < 500 else "Fault")
            response.content = f"{fault}: {message}\n".encode()
            response["Content-Type"] = "text/plain; charset=utf-8"
        return response


def region_of(asked: Asked) -> regions.Region | None:
    """Read the region that is asked for.

    Raises
    ------
    BadValue
        If there are several, or one that cannot be.
    """
    given = [(name, each) for name in ("POS", *SHAPES) for each in asked.many(name)]
    if len(given) > 1:
        raise BadValue("MultiValuedParamNotSupported: ask for one region at a time")
    if not given:
        return None
    name, text = given[0]
    if name != "POS":
        return regions.read(name, text)
    kind, _, numbers = text.partition(" ")
    return regions.read(kind.upper(), numbers)


def _image(text: str, authority: str) -> Identifier:
    """Read which image is meant; a key alone, or what an image belongs to, means that image."""
    found = read(text, authority)
    for name, kind in KINDS.items():
        is_named = name == _IMAGE_OF.get(found.kind, found.kind)
        if kind.content_type != FITS or not (is_named or found.kind == ANY):
            continue
        if is_named or kind.model._default_manager.filter(pk=found.key).exists():
            return Identifier(name, found.key)
    raise NotFound(f"{text[:100]!r} is no image of this archive")
