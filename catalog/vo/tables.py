"""The tables of this archive: catalog entries, objects, detections, candidates, observations."""

from typing import Any, TypeAlias

from django.db.models import Exists, Max, OuterRef, QuerySet

from catalog.models import CatalogEntry, PublicationState
from catalog.vo.adql.schema import Area, Table
from catalog.vo.areas import Region, corners
from catalog.vo.describe import (
    Source,
    degrees,
    identifier,
    moment,
    number,
    position,
    table,
    text,
    truth,
    whole,
)
from detection.models import SkyObject
from observations.models import Observation

Rows: TypeAlias = QuerySet[Any]


def published_entries() -> Rows:
    """Give the entries that everybody may see."""
    return CatalogEntry.objects.filter(publication_state=PublicationState.PUBLISHED)


def published_objects() -> Rows:
    """Give the objects that have a published entry."""
    entries = published_entries().filter(sky_object=OuterRef("pk"))
    return SkyObject.objects.filter(Exists(entries))


def entries(rows: Rows) -> Table:
    """Publish catalog entries."""
    return table("astrid.entries", "Confirmed objects: the final record of each.", rows, ENTRIES)


def objects(rows: Rows) -> Table:
    """Publish objects."""
    return table("astrid.objects", "Things in the sky, seen once or more often.", rows, OBJECTS)


def detections(rows: Rows) -> Table:
    """Publish detections."""
    meaning = "What the networks believe in, one row per exposure."
    return table("astrid.detections", meaning, rows, DETECTIONS)


def candidates(rows: Rows) -> Table:
    """Publish candidates."""
    meaning = "All that stood out of a difference image, believed or not."
    return table("astrid.candidates", meaning, rows, CANDIDATES)


def context(rows: Rows) -> Table:
    """Publish what other catalogues know, as far as they were taken in here."""
    meaning = "Stars, variables and asteroids of other catalogues, as taken in here."
    return table("astrid.context", meaning, rows, CONTEXT)


def widest_frame() -> float:
    """Give the largest radius of any exposure, degrees."""
    return float(Observation.objects.aggregate(widest=Max("radius_deg"))["widest"] or 0.0)


def observations(rows: Rows) -> Table:
    """Publish observations."""
    area = Area("s_region", "footprint", "radius_deg", widest_frame)
    meaning = "Exposures, and how far the pipeline has come with them."
    return table("astrid.observations", meaning, rows, OBSERVATIONS, area=area)


_ID = "meta.id;meta.main"
_BAND = "meta.id;instr.filter"


def _brightness() -> tuple[Source, ...]:
    return (
        number("flux", unit="adu", ucd="phot.count", description="PSF flux in the science frame."),
        number("flux_error", unit="adu", ucd="stat.error;phot.count", description="Its error."),
        number("magnitude", unit="mag", ucd="phot.mag", description="Where S/N is 3 or more."),
        number("magnitude_error", unit="mag", ucd="stat.error;phot.mag", description="Its error."),
        number(
            "upper_limit",
            unit="mag",
            ucd="phot.mag;stat.max",
            description="At 5 sigma, where there is no magnitude.",
        ),
        text(
            "photometric_system",
            ucd="meta.code;phot.mag",
            description="AB, Vega, or instrumental: -2.5 log10(adu/s).",
        ),
    )


ENTRIES: tuple[Source, ...] = (
    identifier("entry_id", "id", ucd=_ID, description="Key of the entry.", is_indexed=True),
    text("designation", ucd="meta.id", description="Name by position."),
    *position(),
    number(
        "position_error",
        "position_error_arcsec",
        unit="arcsec",
        ucd="stat.error;pos.eq",
        description="One sigma, per axis.",
    ),
    text("object_class", ucd="src.class", description="What people say it is."),
    number("posterior", ucd="stat.probability", description="Probability of being real."),
    identifier("object_id", "sky_object_id", ucd="meta.ref", description="Its object."),
    whole("version", ucd="meta.version", description="Counts up with each change."),
    text(
        "publication_state",
        ucd="meta.code.status",
        description="draft, published, superseded, retracted.",
    ),
    moment("updated_at", ucd="time.processing", description="When it was last changed, UTC."),
)

OBJECTS: tuple[Source, ...] = (
    identifier("object_id", "id", ucd=_ID, description="Key of the object.", is_indexed=True),
    text("designation", ucd="meta.id", description="Name by position.", is_indexed=True),
    *position(),
    whole("number_of_detections", ucd="meta.number", description="How often it was seen."),
    moment("first_seen", ucd="time.start;obs", description="First detection, UTC."),
    moment("last_seen", ucd="time.end;obs", description="Last detection, UTC.", is_indexed=True),
    text("best_class", ucd="src.class", description="Most probable kind."),
)

DETECTIONS: tuple[Source, ...] = (
    identifier("detection_id", "id", ucd=_ID, description="Key of the detection.", is_indexed=True),
    *position(),
    identifier(
        "object_id", "sky_object_id", ucd="meta.ref", description="Its object.", is_indexed=True
    ),
    identifier(
        "observation_id",
        "observation__id",
        ucd="meta.ref",
        description="The exposure it was found in.",
        is_indexed=True,
    ),
    number(
        "mjd_utc",
        "observation__mjd_utc",
        unit="d",
        ucd="time.start;obs.exposure",
        description="Start of the exposure, modified Julian date, UTC.",
    ),
    text("filter_band", "observation__filter_band", ucd=_BAND, description="Filter."),
    number(
        "confidence",
        "confidence_score",
        ucd="stat.probability",
        description="Of being real, calibrated.",
        is_indexed=True,
    ),
    text(
        "detection_type", ucd="src.class", description="What the network thinks.", is_indexed=True
    ),
    text("human_label", ucd="src.class", description="What people said."),
    text("status", ucd="meta.code.status", description="How far people have come with it."),
    *_brightness(),
    number(
        "pixel_x", unit="pixel", ucd="pos.cartesian.x;instr.pixel", description="Column, from 0."
    ),
    number("pixel_y", unit="pixel", ucd="pos.cartesian.y;instr.pixel", description="Row from 0."),
    text("model_version", ucd="meta.version", description="Of the network."),
)

CANDIDATES: tuple[Source, ...] = (
    identifier("candidate_id", "id", ucd=_ID, description="Key of the candidate.", is_indexed=True),
    *position(),
    identifier(
        "observation_id",
        "observation__id",
        ucd="meta.ref",
        description="The exposure it stood out in.",
        is_indexed=True,
    ),
    number("significance", ucd="stat.snr", description="Peak of |S_corr|.", is_indexed=True),
    number("snr", ucd="stat.snr;phot.count", description="Flux over its error."),
    *_brightness(),
    number("fwhm", unit="pixel", ucd="phys.angSize;src", description="Width."),
    number("ellipticity", ucd="src.ellipticity", description="1 - b/a."),
    degrees("position_angle", ucd="pos.posAng", description="Of the long axis, east of north."),
    truth("is_negative", ucd="meta.code", description="Fainter than in the reference."),
    truth("is_dipole", ucd="meta.code.qual", description="Looks like a misplaced star."),
    number("network_score", ucd="stat.probability", description="Of being real."),
    text("status", ucd="meta.code.status", description="What became of it.", is_indexed=True),
)

CONTEXT: tuple[Source, ...] = (
    identifier("source_id", "id", ucd=_ID, description="Key of the source.", is_indexed=True),
    text("name", ucd="meta.id", description="As its catalogue has it."),
    *position(),
    text("kind", "catalog__kind", ucd="meta.code.class", description="star, variable, asteroid."),
    number("magnitude", ucd="phot.mag", unit="mag", description="As its catalogue has it."),
    text("magnitude_band", ucd=_BAND, description="Band of the magnitude."),
    text("variable_type", ucd="meta.code.class;src.var", description="How it varies."),
    number("period_days", unit="d", ucd="time.period", description="Of the variation."),
    number("mjd_utc", unit="d", ucd="time.epoch", description="When an asteroid was here."),
    text("catalog", "catalog__name", ucd="meta.curation", description="gaia, vsx, asteroids."),
    text("release", "catalog__release", ucd="meta.version", description="Of the catalogue."),
)

OBSERVATIONS: tuple[Source, ...] = (
    identifier("observation_id", "id", ucd=_ID, description="Key.", is_indexed=True),
    text("name", "observation_id", ucd="meta.id", description="The survey's own name for it."),
    text("survey", "survey__name", ucd="meta.curation", description="Who took it."),
    *position(),
    number(
        "mjd_utc",
        unit="d",
        ucd="time.start;obs.exposure",
        description="Start, modified Julian date, UTC.",
    ),
    number("exposure_time", unit="s", ucd="time.duration;obs.exposure", description="Open."),
    text("filter_band", ucd=_BAND, description="Filter."),
    text("instrument", ucd="meta.id;instr", description="Camera."),
    text("site", ucd="meta.id;instr.obsty", description="Observatory."),
    number("seeing", unit="arcsec", ucd="instr.obsty.seeing", description="FWHM of stars."),
    number("airmass", ucd="obs.airMass", description="Of the exposure."),
    number(
        "limiting_magnitude",
        unit="mag",
        ucd="phot.mag;stat.max",
        description="Of a point source at 5 sigma.",
    ),
    number("pixel_scale", unit="arcsec.pixel**-1", ucd="instr.scale", description="Of the camera."),
    whole("image_width", unit="pixel", ucd="meta.number;instr.pixel", description="Columns."),
    whole("image_height", unit="pixel", ucd="meta.number;instr.pixel", description="Rows."),
    text("role", ucd="meta.code.class", description="science or reference."),
    text("status", ucd="meta.code.status", description="How far it has come.", is_indexed=True),
    text("s_region", Region(corners()), ucd="pos.outline;obs.field", description="Outline, ICRS.",
         xtype="adql:REGION"),
    number("footprint", corners(), is_hidden=True),
    degrees("radius_deg", ucd="phys.angSize", description="From the centre to the last corner."),
)  # fmt: skip
