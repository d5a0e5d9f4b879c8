"""The finder chart and what lies near: drawn on the server from what AstrID itself holds."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from django.core.cache import cache

from astrid.core import store
from astrid.core.conekeys import keys_within
from astrid.core.errors import CorruptFile, MissingFile
from astrid.core.store import digest
from curation.figures import neighbour_of
from curation.objectpage.subject import Subject
from curation.seriesrows import is_known_variable
from detection import finder
from detection.finder import Star
from detection.known import NEAR, known_at, spot_of
from detection.models import ContextKind, Detection, SkyObject
from detection.wording import sexagesimal
from preprocessing.calibrated import from_fits
from preprocessing.photometry.star_catalog import StarCatalog, read_star_catalog

RADIUS_ARCSEC = 60.0
ON_STAR_ARCSEC = 2.0
OFFSET_STARS = 3
MOST_STARS = 300  # that a chart shows: the brightest
MOST_OBJECTS = 50
KEPT_S = 86_400
_LARGEST, _SMALLEST, _PER_MAGNITUDE = 3.6, 0.7, 0.42  # radii of the dots, arcsec of the chart


@dataclass(frozen=True)
class Dot:
    """A star as the chart shows it: x to the right, y downwards, arcsec; a letter or none."""

    star: Star
    x: float
    y: float
    radius: float
    letter: str = ""

    @property
    def place(self) -> str:
        """The position in hours and degrees."""
        return sexagesimal(self.star.ra, self.star.dec)

    @property
    def to_target(self) -> str:
        """How to step from this star to the target."""
        east, north = -self.star.east, -self.star.north
        return (
            f"{abs(east):.1f}″ {'E' if east >= 0 else 'W'} "
            f"{abs(north):.1f}″ {'N' if north >= 0 else 'S'}"
        )


@dataclass(frozen=True)
class Near:
    """Another object within the chart's radius."""

    thing: SkyObject
    x: float
    y: float
    separation: float  # arcsec


@dataclass(frozen=True)
class Surroundings:
    """All that is known around a place."""

    dots: Sequence[Dot]
    source: str  # where the stars come from, or why there are none
    near: Sequence[Near]
    facts: Sequence[tuple[str, str]]

    @property
    def lettered(self) -> list[Dot]:
        """The offset stars."""
        return [dot for dot in self.dots if dot.letter]


def around(subject: Subject) -> Surroundings:
    """Collect what lies around the subject of a page."""
    stars, source = _stars(subject)
    return Surroundings(_dots(stars), source, _others(subject), _facts(subject, stars))


# --- stars


def _stars(subject: Subject) -> tuple[list[Star], str]:
    """Give the stars of the chart, and where they come from."""
    detection = subject.epoch
    survey = detection.observation.survey
    run = detection.model_run.difference_run
    reference = run.provenance.get("inputs", {}).get("reference", "") if run else ""
    try:
        if survey.star_catalog_path:
            stars = _remembered(survey.star_catalog_path, subject, detection, _of_catalog)
            return stars, f"Stars: the catalogue of {survey}."
        if reference:
            stars = _remembered(reference, subject, detection, _of_frame)
            return stars, "Stars and galaxies: sources of the reference frame."
    except (MissingFile, CorruptFile, ValueError) as error:
        return [], f"No stars can be shown: {error}."
    return [], "No stars can be shown: the reference of this epoch is not known."


def _remembered(path: str, subject: Subject, detection: Detection, make: Any) -> list[Star]:
    """Make the stars once for each file and place; files never change under their name."""
    ra, dec = subject.place
    frame = detection.observation
    words = f"{path}/{ra:.6f}/{dec:.6f}/{frame.filter_band}/{frame.mjd_utc:.0f}"
    key = f"finder-{digest(words.encode())}"
    kept = cache.get(key)
    if kept is None:
        kept = [asdict(star) for star in make(path, subject, detection)[:MOST_STARS]]
        cache.set(key, kept, KEPT_S)
    return [Star(**facts) for facts in kept]


def _of_catalog(path: str, subject: Subject, detection: Detection) -> list[Star]:
    frame = detection.observation
    return finder.stars_of_catalog(
        _catalog(path),
        *subject.place,
        radius_arcsec=RADIUS_ARCSEC,
        band=frame.filter_band,
        mjd=frame.mjd_utc,
    )


@lru_cache(maxsize=2)
def _catalog(path: str) -> StarCatalog:
    return read_star_catalog(store.get(path), path)


def _of_frame(path: str, subject: Subject, detection: Detection) -> list[Star]:
    scale = detection.observation.pixel_scale
    if not scale:
        raise ValueError(f"the pixel scale of {detection.observation} is not known")
    frame = from_fits(store.get(path))
    return finder.stars_of_frame(frame, *subject.place, radius_arcsec=RADIUS_ARCSEC, scale=scale)


def _dots(stars: Sequence[Star]) -> list[Dot]:
    inside = [star for star in stars if max(abs(star.east), abs(star.north)) <= RADIUS_ARCSEC]
    known = [star.magnitude for star in inside if star.magnitude is not None]
    brightest = min(known, default=0.0)
    chosen = finder.offset_stars(inside, OFFSET_STARS, RADIUS_ARCSEC)
    letters = dict(zip(map(id, chosen), "ABC", strict=False))
    return [
        Dot(
            star,
            round(-star.east, 2),
            round(-star.north, 2),
            _radius(star.magnitude, brightest),
            letters.get(id(star), ""),
        )
        for star in inside
    ]


def _radius(magnitude: float | None, brightest: float) -> float:
    if magnitude is None:
        return _SMALLEST
    return round(max(_SMALLEST, _LARGEST - _PER_MAGNITUDE * (magnitude - brightest)), 2)


# --- objects and facts


def _others(subject: Subject) -> list[Near]:
    ra, dec = subject.place
    own = subject.thing.pk if subject.thing else None
    keys = [key for key in keys_within(SkyObject, ra, dec, RADIUS_ARCSEC / 3600) if key != own]
    found = list(SkyObject.objects.in_bulk(keys).values()) if keys else []
    places = np.array([(one.ra, one.dec) for one in found]).reshape(-1, 2)
    east, north = finder.offsets(ra, dec, places[:, 0], places[:, 1])
    near = [
        Near(one, round(-e, 2), round(-n, 2), float(np.hypot(e, n)))
        for one, e, n in zip(found, east.tolist(), north.tolist(), strict=True)
    ]
    return sorted(near, key=lambda each: each.separation)[:MOST_OBJECTS]


def _facts(subject: Subject, stars: Sequence[Star]) -> list[tuple[str, str]]:
    (known,) = known_at([spot_of(subject.epoch)], NEAR)
    return [
        ("Nearest source of the reference", _nearest(subject.epoch)),
        ("Known variable", ", ".join(_variable(subject, stars)) or "not that AstrID knows"),
        *(
            (label, known[kind].in_words if kind in known else "none in the catalogues here")
            for kind, label in _LABELS.items()
        ),
    ]


_LABELS = {
    ContextKind.STAR: "Nearest catalogued star",
    ContextKind.VARIABLE: "Nearest catalogued variable",
    ContextKind.ASTEROID: "Asteroid at that time",
}


def _variable(subject: Subject, stars: Sequence[Star]) -> list[str]:
    near = [star for star in stars if np.hypot(star.east, star.north) <= ON_STAR_ARCSEC]
    says = ["the star catalogue says so"] if any(star.is_variable for star in near) else []
    # What people said is hidden from those who are yet to judge.
    if not subject.is_held and is_known_variable(subject.thing):
        says.append("people confirmed it")
    return says


def _nearest(detection: Detection) -> str:
    beside = neighbour_of(detection)
    if beside is None:
        return "none is known"
    kind = "point-like" if beside["is_point"] else "extended"
    scale = detection.observation.pixel_scale
    apart = beside["separation_px"]
    words = f"{apart * scale:.2f}″" if scale else f"{apart:.1f} px"
    return f"{kind}, {words} away ({beside['half_light_radii']:.1f} half-light radii)"
