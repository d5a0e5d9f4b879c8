"""Rows that AstrID and its peer hold alike: written by the ORM, and as CSV files."""

import csv
import io

import numpy as np
from django.db.models import F

from catalog.vo.bands import BANDS
from detection.models import Detection, SkyObject
from observations.models import Observation
from tests.catalog.vo.images import make_frames
from tests.catalog.vo.skies import CENTRES, around
from tests.factories import FIRST_NIGHT, make_model, make_model_run

# With what a pattern takes for signs of its own, with quotes, blanks and letters of others.
NAMES = ("AstrID J%", "astrid_j", 'O\'Neill "9"', "β Lyrae", "back\\slash", "two  words")
CLASSES = ("supernova", "variable", "transient", "unknown")
_ANGSTROM_M = 1e-10


def make_rows(seed=5):
    """Make objects, exposures and detections where searches go wrong."""
    rng = np.random.default_rng(seed)
    places = [around(rng, *c, 10 ** rng.uniform(-4, 1)) for c in CENTRES for _ in range(40)]
    flat = np.degrees(np.arcsin(rng.uniform(-1, 1, 60)))
    places += list(zip(rng.uniform(0, 360, 60), flat, strict=True))
    SkyObject.objects.bulk_create(
        SkyObject(
            designation=f"{NAMES[k % len(NAMES)]} {k:03d}",
            ra=float(ra),
            dec=float(dec),
            first_seen=FIRST_NIGHT,
            last_seen=FIRST_NIGHT,
            number_of_detections=k % 7,
            best_class=CLASSES[k % 4],
        )
        for k, (ra, dec) in enumerate(places)
    )
    things = list(SkyObject.objects.order_by("pk"))
    where = [around(rng, *c, rng.uniform(0, 1.5)) for c in CENTRES for _ in range(8)]
    frames = make_frames(where, rng.uniform(0, np.pi, len(where)))
    _detect(rng, things, frames)


def _detect(rng, things, frames):
    network = make_model()
    runs = [
        make_model_run(model=network, difference_run=None, observation=each) for each in frames[:5]
    ]
    Detection.objects.bulk_create(
        Detection(
            model_run=runs[k % 5],
            observation=frames[k % 5],
            sky_object=things[k % 90],
            ra=things[k % 90].ra,
            dec=things[k % 90].dec,
            pixel_x=float(k),
            pixel_y=float(rng.uniform(0, 2000)),
            confidence_score=float(rng.uniform(0, 1)),
            detection_type=CLASSES[k % 3],
            model_version=network.version,
            **({} if k % 3 else {"magnitude": 15 + k / 100, "magnitude_error": 0.01 * (k % 9)}),
        )
        for k in range(200)
    )


def tables():
    """Write the rows as the peer takes them: the text of a CSV file for each table."""
    things = SkyObject.objects.order_by("pk").values(
        "designation", "ra", "dec", "number_of_detections", "best_class",
        object_id=F("pk"), first=F("first_seen"),
    )  # fmt: skip
    found = Detection.objects.order_by("pk").values(
        "ra", "dec", "magnitude", "magnitude_error", "detection_type", "pixel_x",
        object_id=F("sky_object_id"), where=F("observation_id"), detection_id=F("pk"),
        filter_band=F("observation__filter_band"), confidence=F("confidence_score"),
    )  # fmt: skip
    return {
        "objects": _csv(map(_thing, things)),
        "detections": _csv({"observation_id": r.pop("where"), **r} for r in found),
        "images": _csv(_image(each) for each in Observation.objects.select_related("survey")),
    }


def _thing(row):
    return {"first_seen": f"{row.pop('first'):%Y-%m-%dT%H:%M:%S}", **row}


def _image(frame):
    """Describe a frame by the words of ObsCore, as its standard defines them."""
    centre, width = BANDS[frame.filter_band]
    return {
        "dataproduct_type": "image",
        "dataproduct_subtype": "frame",
        "calib_level": 2,
        "obs_collection": frame.survey.name,
        "obs_id": frame.observation_id,
        "obs_publisher_did": f"ivo://astrid.local/frame?{frame.pk}",
        "access_url": f"http://localhost/vo/files/frame/{frame.pk}",
        "access_format": "application/fits",
        "access_estsize": round(4 * frame.image_width * frame.image_height / 1000),
        "target_name": "",
        "s_ra": frame.ra,
        "s_dec": frame.dec,
        "s_fov": 2 * frame.radius_deg,
        "corners": " ".join(str(number) for corner in frame.footprint for number in corner),
        "s_resolution": frame.seeing,
        "s_xel1": frame.image_width,
        "s_xel2": frame.image_height,
        "s_pixel_scale": frame.pixel_scale,
        "t_min": frame.mjd_utc,
        "t_max": frame.mjd_utc + frame.exposure_time / 86_400,
        "t_exptime": frame.exposure_time,
        "t_xel": 1,
        "em_min": (centre - width / 2) * _ANGSTROM_M,
        "em_max": (centre + width / 2) * _ANGSTROM_M,
        "em_xel": 1,
        "pol_xel": 0,
        "o_ucd": "phot.count",
        "facility_name": frame.site,
        "instrument_name": frame.instrument,
    }


def _csv(rows):
    rows = list(rows)
    stream = io.StringIO()
    writer = csv.DictWriter(stream, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()
