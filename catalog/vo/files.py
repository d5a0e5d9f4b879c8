"""The files behind images: sent to those who may see them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import models
from django.http import HttpResponse
from django.utils.http import content_disposition_header
from rest_framework.request import Request

from astrid.core import store
from astrid.core.errors import MissingFile
from catalog.vo.cutouts import as_fits
from catalog.vo.doors import VoView, needs_sign_in
from catalog.vo.errors import NotFound
from catalog.vo.visible import Caller
from detection.models import Detection
from differencing.models import DifferenceRun
from observations.models import Observation
from preprocessing.models import PreprocessRun

FITS, PNG = "application/fits", "image/png"


@dataclass(frozen=True)
class Kind:
    """A kind of file: whose it is, who may see it, and how its content is got."""

    model: type[models.Model]
    permission: str
    content: Callable[[Any], bytes]
    content_type: str = FITS


def _stored(column: str) -> Callable[[Any], bytes]:
    def content(row: Any) -> bytes:
        name = getattr(row, column)
        if not name:
            raise NotFound(f"{row} has no such file")
        try:
            return store.get(name)
        except MissingFile as error:
            raise NotFound(str(error)) from error

    return content


_DIFFERENCE = "differencing.view_differencerun"
_DETECTION = "detection.view_detection"
KINDS: Mapping[str, Kind] = {
    "frame": Kind(Observation, "observations.view_observation", _stored("fits_file_path")),
    "calibrated": Kind(
        PreprocessRun, "preprocessing.view_preprocessrun", _stored("processed_fits_path")
    ),
    "difference": Kind(DifferenceRun, _DIFFERENCE, _stored("difference_image_path")),
    "significance": Kind(DifferenceRun, _DIFFERENCE, _stored("significance_map_path")),
    "cutout": Kind(Detection, _DETECTION, as_fits),
    "preview": Kind(Detection, _DETECTION, _stored("thumbnail_path"), PNG),
}


class FileView(VoView):
    """``/vo/files/KIND/KEY``."""

    def get(self, request: Request, kind: str, key: UUID) -> HttpResponse:
        """Send a file."""
        content = content_of(self.caller(), kind, key)
        wanted = KINDS[kind]
        ending = "fits" if wanted.content_type == FITS else "png"
        response = HttpResponse(content, content_type=wanted.content_type)
        name = content_disposition_header(True, f"{kind}-{key}.{ending}")
        response["Content-Disposition"] = name or "attachment"
        response["Cache-Control"] = "private, max-age=3600"
        return response


def content_of(caller: Caller, kind: str, key: UUID) -> bytes:
    """Give the content of a file.

    Raises
    ------
    VoError
        If there is none, or the caller may not see it.
    """
    wanted = KINDS[kind]
    if not caller.may(wanted.permission):
        raise needs_sign_in(caller, "this file")
    row = wanted.model._default_manager.filter(pk=key).first()
    if row is None:
        raise NotFound(f"there is no {kind} {key}")
    return wanted.content(row)
