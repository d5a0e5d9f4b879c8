"""DataLink: from objects, detections and images to the files that belong to them.

Reference: Bonnarel et al. 2023, DataLink 1.1, IVOA Recommendation.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import astuple, dataclass
from functools import partial
from uuid import UUID

from astropy.io.votable.tree import Resource
from django.http import HttpResponse
from rest_framework.request import Request

from catalog.vo import formats
from catalog.vo.adql.schema import Column
from catalog.vo.answers import Answer
from catalog.vo.descriptors import cone_of, soda_of
from catalog.vo.doors import VoView
from catalog.vo.errors import BadValue, NotFound
from catalog.vo.files import FITS, KINDS
from catalog.vo.identifiers import ANY, Identifier, read
from catalog.vo.visible import BY_NAME, Caller
from detection.models import Detection, SkyObject
from differencing.models import DifferenceRun
from observations.models import Observation
from preprocessing.models import PreprocessRun

MOST_IDS = 200
_TYPE = "application/x-votable+xml;content=datalink"
_text = partial(Column, datatype="char", arraysize="*")
COLUMNS = (
    _text("ID", ucd="meta.id;meta.main", description="What was asked for."),
    _text("access_url", ucd="meta.ref.url", description="Where the file is."),
    _text("service_def", ucd="meta.ref", description="Descriptor of a service."),
    _text("error_message", ucd="meta.code.error", description="Why there is no file."),
    _text("semantics", ucd="meta.code", description="What the file is to it."),
    _text("description", ucd="meta.note", description="In words."),
    _text("content_type", ucd="meta.code.mime", description="What it is."),
    Column("content_length", "long", unit="byte", ucd="phys.size;meta.file",
           description="Not known before it is sent."),
    _text("content_qualifier", ucd="meta.code", description="Kind of product."),
)  # fmt: skip


@dataclass(frozen=True)
class Link:
    """One row."""

    id: str
    access_url: str | None = None
    service_def: str | None = None
    error_message: str | None = None
    semantics: str = "#this"
    description: str | None = None
    content_type: str | None = None
    content_length: int | None = None
    content_qualifier: str | None = None


@dataclass(frozen=True)
class Way:
    """A file that belongs to what was asked for: its kind and key, and what it is to it."""

    kind: str
    key: UUID
    semantics: str
    words: str


class LinksView(VoView):
    """``/vo/datalink/links``."""

    def get(self, request: Request) -> HttpResponse:
        """List the files that belong to each ID."""
        asked = self.asked()
        wanted = formats.chosen(asked.one("RESPONSEFORMAT"), default="tabledata")
        names = asked.many("ID")
        if len(names) > MOST_IDS:
            raise BadValue(f"ID is given {len(names)} times; at most {MOST_IDS} are taken")
        caller = self.caller()
        found = [each for name in names for each in links(caller, name)]
        answer = Answer(COLUMNS, [astuple(each) for each in found])
        extras = _services(caller, names[0]) if len(names) == 1 else []
        if any(each.service_def for each in found):
            extras.append(soda_of(caller, COLUMNS, "ID"))
        response = self.answer(answer, wanted, extras=extras)
        if wanted == "tabledata":
            response["Content-Type"] = _TYPE
        return response

    post = get


def links(caller: Caller, name: str) -> Iterator[Link]:
    """Give the files of one identifier that a caller may see, or why there are none."""
    try:
        ways = list(_ways(caller, read(name, caller.settings.authority)))
    except NotFound as error:
        yield Link(name, error_message=f"NotFoundFault: {error}")
        return
    seen = [each for each in ways if caller.may(KINDS[each.kind].permission)]
    if not seen:
        reason = "its files are for people who are signed in" if ways else "it has no files"
        yield Link(name, error_message=f"{'AuthorizationFault' if ways else 'Fault'}: {reason}")
    for each in seen:
        yield Link(
            name,
            f"{caller.root}/vo/files/{each.kind}/{each.key}",
            semantics=each.semantics,
            description=each.words,
            content_type=KINDS[each.kind].content_type,
            content_qualifier=each.kind,
        )
    for each in seen:
        if each.semantics == "#this" and KINDS[each.kind].content_type == FITS:
            yield _part_of(name, each)


def _part_of(name: str, way: Way) -> Link:
    """Lead to the service that cuts an image."""
    return Link(
        name,
        service_def="soda",
        semantics="#cutout",
        description="Any part of it",
        content_type=FITS,
        content_qualifier=way.kind,
    )


def _ways(caller: Caller, identifier: Identifier) -> Iterator[Way]:
    maker = _MAKERS.get(identifier.kind)
    if maker is None:
        raise NotFound(f"no product is called {identifier.kind}")
    return maker(caller, identifier.key)


def _of_object(caller: Caller, key: UUID) -> Iterator[Way]:
    rows = BY_NAME["astrid.objects"].rows(caller)
    thing = None if rows is None else rows.filter(pk=key).first()
    if thing is None:
        raise NotFound(f"there is no object {key} that you may see")
    believed = Detection.objects.believed().filter(sky_object=key)
    for detection in believed.select_related("observation").order_by("observation__mjd_utc"):
        when = f"{detection.observation.observation_id}, MJD {detection.observation.mjd_utc:.5f}"
        if detection.cutouts_path:
            yield Way("cutout", detection.pk, "#cutout", f"Pixels round it in {when}")
        if detection.thumbnail_path:
            yield Way("preview", detection.pk, "#preview-image", f"Picture of it in {when}")


def _of_detection(caller: Caller, key: UUID) -> Iterator[Way]:
    detection = Detection.objects.filter(pk=key).select_related("model_run").first()
    if detection is None:
        raise NotFound(f"there is no detection {key}")
    if detection.cutouts_path:
        yield Way("cutout", key, "#this", "Science, reference, difference, significance")
    if detection.thumbnail_path:
        yield Way("preview", key, "#preview-image", "Science, reference and difference")
    if detection.model_run.difference_run_id:
        yield Way(
            "difference", detection.model_run.difference_run_id, "#progenitor", "Difference image"
        )
    yield Way("frame", detection.observation_id, "#progenitor", "The exposure it was found in")


def _of_difference(caller: Caller, key: UUID) -> Iterator[Way]:
    run = DifferenceRun.objects.filter(pk=key).first()
    if run is None:
        raise NotFound(f"there is no difference {key}")
    yield Way("difference", key, "#this", "Difference image")
    if run.significance_map_path:
        yield Way("significance", key, "#auxiliary", "Significance of each pixel, sigma")
    yield Way("frame", run.observation_id, "#progenitor", "The exposure")
    if run.reference_observation_id:
        yield Way("frame", run.reference_observation_id, "#progenitor", "The reference")


def _of_frame(caller: Caller, key: UUID) -> Iterator[Way]:
    if not Observation.objects.filter(pk=key).exists():
        raise NotFound(f"there is no frame {key}")
    yield Way("frame", key, "#this", "The exposure as it came")
    done = PreprocessRun.objects.filter(observation=key, processed_fits_path__gt="")
    if run := done.order_by("-pk").first():
        yield Way("calibrated", run.pk, "#calibration-applied", "Calibrated and aligned")
    differences = DifferenceRun.objects.filter(
        observation=key, is_comparison=False, difference_image_path__gt=""
    )
    for run_id in differences.order_by("pk").values_list("pk", flat=True):
        yield Way("difference", run_id, "#derivation", "Difference image")


def _of_calibrated(caller: Caller, key: UUID) -> Iterator[Way]:
    run = PreprocessRun.objects.filter(pk=key).first()
    if run is None:
        raise NotFound(f"there is no calibrated frame {key}")
    yield Way("calibrated", key, "#this", "Calibrated and aligned")
    yield Way("frame", run.observation_id, "#progenitor", "The exposure as it came")


def _of_any(caller: Caller, key: UUID) -> Iterator[Way]:
    """Give the files of whatever row has a key, which no two rows share."""
    for maker, model in ((_of_object, SkyObject), (_of_detection, Detection)):
        if model.objects.filter(pk=key).exists():
            return maker(caller, key)
    return _of_frame(caller, key)


_MAKERS: Mapping[str, Callable[[Caller, UUID], Iterator[Way]]] = {
    ANY: _of_any,
    "object": _of_object,
    "detection": _of_detection,
    "cutout": _of_detection,
    "difference": _of_difference,
    "frame": _of_frame,
    "observation": _of_frame,
    "calibrated": _of_calibrated,
}


def _services(caller: Caller, name: str) -> list[Resource]:
    """Offer the cone search round an object."""
    try:
        identifier = read(name, caller.settings.authority)
    except NotFound:
        return []
    rows = BY_NAME["astrid.objects"].rows(caller)
    if rows is None or identifier.kind not in ("object", ANY):
        return []
    place = rows.filter(pk=identifier.key).values_list("ra", "dec").first()
    return [] if place is None else [cone_of(caller, "objects", *place)]
