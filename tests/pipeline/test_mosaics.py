"""Raw frames with several CCDs in one file: named to the user, or taken in one CCD a survey."""

import io

import numpy as np
import pytest
from astropy.io import fits

from observations import services as ingestion
from observations.models import CalibrationExposure, Observation
from preprocessing import services
from preprocessing.models import CalibrationFrame, PreprocessRun
from tests.pipeline.test_masters import (
    DETECTOR,
    GEOMETRY,
    SECONDS,
    SIDE,
    SKY,
    field,
    sensitivity,
    sky_cards,
    work_off,
)
from tests.pipeline.test_masters import exposure as expose

pytestmark = pytest.mark.django_db

# Offsets that only the masters of the same CCD take away, ADU.
PEDESTALS = (0.0, 150.0)
RULES = """
survey = "CCD {0}"
hdu = {0}
raw = true

[keywords]
instrument = "CCDNAME"
"""


def mosaic(rng, light, seconds, kind, minute):
    """One exposure: two CCDs in extensions, each with overscan and a WCS."""
    shared = {"INSTRUME": "camera", "FILTER": "r", "IMAGETYP": kind, "EXPTIME": seconds}
    shared["DATE-OBS"] = f"2024-03-05T01:{minute:02d}:00"
    units = [fits.PrimaryHDU(header=fits.Header(shared))]
    for number, pedestal in enumerate(PEDESTALS, start=1):
        image = expose(rng, light, seconds)
        image[:, -SIDE:] += pedestal * np.linspace(0, 1, SIDE)
        cards = GEOMETRY | DETECTOR | sky_cards() | {"CCDNAME": f"chip{number}"}
        units.append(fits.ImageHDU(image.astype(np.float32), fits.Header(cards)))
    stream = io.BytesIO()
    fits.HDUList(units).writeto(stream)
    return stream.getvalue()


@pytest.fixture
def night(tmp_path):
    rng = np.random.default_rng(4)
    folder = tmp_path / "mosaic"
    folder.mkdir()
    for n in range(3):
        (folder / f"bias{n}.fits").write_bytes(mosaic(rng, 0.0, 0.0, "Bias Frame", n))
        (folder / f"flat{n}.fits").write_bytes(mosaic(rng, 15_000.0, 2.0, "Flat Field", 20 + n))
    (folder / "light.fits").write_bytes(mosaic(rng, field(), SECONDS, "Light Frame", 50))
    return folder


def take_in(folder, ccd):
    rules = folder.parent / f"ccd{ccd}.toml"
    rules.write_text(RULES.format(ccd))
    return ingestion.ingest_directory(folder, rules_file=rules)


def test_a_light_with_several_ccds_is_refused_with_what_to_do(night):
    run = ingestion.ingest_directory(night)
    assert not Observation.objects.exists()
    (reason,) = [each["reason"] for each in run.refusals if each["file"] == "light.fits"]
    assert "is one of several images (HDUs 1, 2)" in reason
    assert "state which one to read as hdu in the rule file" in reason
    assert "of several CCDs, by a rule file and a survey for each" in reason


def test_a_rule_file_for_each_ccd_gives_an_observation_of_each_with_masters_of_its_own(night):
    for ccd in (1, 2):
        assert take_in(night, ccd).new == 1
    rows = Observation.objects.order_by("survey__name")
    assert [(row.hdu, row.instrument) for row in rows] == [(1, "chip1"), (2, "chip2")]
    assert CalibrationExposure.objects.count() == 12
    assert work_off().failed == {}
    for row in rows:
        run = PreprocessRun.objects.get(observation=row)
        masters = CalibrationFrame.objects.filter(instrument=row.instrument)
        for kind in ("bias", "flat"):
            assert run.provenance["inputs"][kind] == masters.get(kind=kind).file_path
        frame = services.load(run)
        assert frame.shape == (SIDE, SIDE)
        # The ramp of the second CCD is gone with its own bias: the sky is that of both.
        assert frame.sky_level == pytest.approx(SKY * np.median(sensitivity()), rel=0.15)
        assert frame.sky_range < 0.15 * max(PEDESTALS)
