"""Which baseline is subtracted from a frame: by overlap and depth, never of the same night."""

import math
from datetime import timedelta
from importlib import import_module

import numpy as np
import pytest
from django.apps import apps
from django.db import IntegrityError, transaction

from astrid.core.errors import NoReference
from differencing.models import DifferenceRun, ReferenceImage
from differencing.parameters import DifferenceParameters
from differencing.references import overlap
from differencing.references.adoption import adopt
from differencing.references.choice import pairings
from differencing.references.depth import Depth, kept_share
from observations.models import ObservationStatus, Role
from preprocessing.calibrated import CalibratedFrame
from preprocessing.masks import MaskBit
from tests import factories
from tests.factories import FIRST_NIGHT, make_observation, make_preprocess_run, make_survey
from tests.preprocessing.synthetic import tan_wcs

DEFAULTS = DifferenceParameters()
SIDE = 0.04  # degrees


def corners(ra, dec, side=SIDE):
    half, wide = side / 2, side / 2 / math.cos(math.radians(dec))
    places = [(-wide, -half), (wide, -half), (wide, half), (-wide, half)]
    return [[(ra + east) % 360, dec + north] for east, north in places]


def calibrated(limit, source="catalogue"):
    """What a run keeps of a frame whose 5-sigma limit is ``limit`` mag."""
    system = "AB" if source == "catalogue" else source
    return {
        "run": {
            "limiting_magnitude": limit,
            "zero_point_source": source,
            "photometric_system": system,
        }
    }


def make_frame(survey, *, run=None, limit=100.0, ra=150.0, dec=2.0, days=60.0, **fields):
    """A preprocessed frame whose 5-sigma limit is ``limit`` ADU, ``days`` after the first night."""
    when = FIRST_NIGHT + timedelta(days=days)
    frame = make_observation(
        survey=survey,
        ra=ra,
        dec=dec,
        footprint=corners(ra, dec),
        observation_time=when,
        **{"status": ObservationStatus.PREPROCESSED, **fields},
    )
    make_preprocess_run(
        observation=frame,
        figures={"quality": {"limiting_flux": limit}},
        processed_fits_path=f"cas/{limit}",
        **(run or {}),
    )
    return frame


def make_reference(survey, **fields):
    return make_frame(survey, **{"role": Role.REFERENCE, "days": 0, **fields})


def make_stack(frames, *, limit=30.0, **fields):
    """A stack of frames, on the grid of the first."""
    first = frames[0]
    given = {
        "number_of_frames": len(frames),
        "grid_observation": first,
        "footprint": first.footprint,
        "exposure_time": first.exposure_time,
        "depth": limit,
        "seeing": first.seeing,
        "file_path": "cas/stack",
        "valid_from": FIRST_NIGHT,
    }
    place = {name: getattr(first, name) for name in ("ra", "dec", "radius_deg", "filter_band")}
    stack = ReferenceImage.objects.create(survey=first.survey, **place, **{**given, **fields})
    stack.observations.set(frames)
    return stack


@pytest.fixture
def survey():
    return make_survey()


@pytest.mark.django_db
class TestChoice:
    """The baselines of the database, as a frame finds them."""

    def test_the_deeper_of_two_references_is_chosen_and_the_run_says_why(self, survey):
        shallow = make_reference(survey, limit=200.0)
        deep = make_reference(survey, limit=50.0)
        (pair,) = pairings(make_frame(survey), DEFAULTS)
        assert pair.reference == deep
        # equal seeing: 1 / sqrt(1 + (50 / 100)^2) of the S/N is kept
        assert pair.choice["kept_snr"] == pytest.approx(0.8944, abs=1e-4)
        assert pair.choice["overlap"] == 1
        (other,) = pair.choice["left_out"]
        assert other["reference_image"] == str(shallow.reference_images.get().pk)
        assert other["reason"] == "a lower score"

    def test_depth_is_compared_per_second_of_exposure(self, survey):
        make_reference(survey, limit=100.0, exposure_time=60)
        long = make_reference(survey, limit=150.0, exposure_time=600)
        (pair,) = pairings(make_frame(survey), DEFAULTS)
        assert pair.reference == long

    def test_a_calibrated_frame_chooses_by_limiting_magnitudes(self, survey):
        # by counts the hazy frame is the deeper one: its stars gave fewer, and its noise too
        hazy = make_reference(survey, limit=50.0, **calibrated(20.0))
        clear = make_reference(survey, limit=80.0, **calibrated(21.5))
        (pair,) = pairings(make_frame(survey, **calibrated(21.0)), DEFAULTS)
        assert pair.reference == clear
        assert pair.choice["limiting_magnitude"] == 21.5
        # equal seeing, the reference half a magnitude deeper
        assert pair.choice["kept_snr"] == pytest.approx((1 + 10**-0.4) ** -0.5, abs=1e-4)
        (bare,) = pairings(make_frame(survey, days=61), DEFAULTS)
        assert bare.reference == hazy

    def test_instrumental_limits_of_frames_are_not_compared(self, survey):
        deep = make_reference(survey, limit=50.0, **calibrated(-5.0, "instrumental"))
        make_reference(survey, limit=80.0, **calibrated(-2.0, "instrumental"))
        assert deep.reference_images.first() is None
        (pair,) = pairings(make_frame(survey, **calibrated(-4.0, "instrumental")), DEFAULTS)
        assert pair.reference == deep
        assert pair.choice["limiting_magnitude"] is None

    def test_a_sharp_reference_beats_a_deeper_one_in_bad_seeing(self, survey):
        sharp = make_reference(survey, limit=60.0, seeing=1.0)
        make_reference(survey, limit=50.0, seeing=2.2)
        (pair,) = pairings(make_frame(survey, seeing=1.0), DEFAULTS)
        assert pair.reference == sharp

    def test_a_reference_of_the_same_night_is_never_used(self, survey):
        make_reference(survey, days=59.8, limit=10.0)
        earlier = make_reference(survey, days=59.0, limit=1000.0)
        (pair,) = pairings(make_frame(survey), DEFAULTS)
        assert pair.reference == earlier
        assert "same night" in pair.choice["left_out"][0]["reason"]

    def test_a_night_is_known_by_the_longitude_of_the_site(self, survey):
        # the frame was taken at 4:00 UTC; 149 deg east that is 13:56, a night after 3:00's
        make_reference(survey, days=60 - 3 / 24, site_longitude=149.0)
        frame = make_frame(survey, site_longitude=149.0)
        assert len(pairings(frame, DEFAULTS)) == 1
        ReferenceImage.objects.all().delete()
        frame.site_longitude = None
        with pytest.raises(NoReference, match="in the same night"):
            pairings(frame, DEFAULTS)

    def test_too_little_overlap_is_refused_with_both_numbers(self, survey):
        make_reference(survey, dec=2.0 + 0.95 * SIDE)
        with pytest.raises(NoReference, match=r"covers 4\.\d% of the frame, 10\.0% are needed"):
            pairings(make_frame(survey), DEFAULTS)

    def test_a_second_reference_is_used_where_the_first_has_nothing(self, survey):
        north = make_reference(survey, dec=2.0 + 0.4 * SIDE)
        south = make_reference(survey, dec=2.0 - 0.6 * SIDE)
        make_reference(survey, dec=2.0 + 0.42 * SIDE, limit=120.0)
        found = pairings(make_frame(survey), DEFAULTS)
        assert [pair.reference for pair in found] == [north, south]

    def test_only_frames_of_the_camera_and_filter_count(self, survey):
        other = make_survey()
        make_reference(other)
        make_reference(survey, filter_band="g")
        frame = make_frame(survey, instrument="DECam")
        with pytest.raises(NoReference, match="no reference image in filter r covers RA 150"):
            pairings(frame, DEFAULTS)
        theirs = make_reference(other, instrument="DECam")
        assert [pair.reference for pair in pairings(frame, DEFAULTS)] == [theirs]

    def test_a_stack_is_subtracted_itself_unless_it_holds_the_night(self, survey):
        frames = [make_reference(survey, days=day) for day in (0, 10, 20)]
        stack = make_stack(frames)
        (pair,) = pairings(make_frame(survey), DEFAULTS)
        assert (pair.reference, pair.image) == (None, stack)
        assert pair.choice["frames"] == 3
        (pair,) = pairings(make_frame(survey, days=20.2), DEFAULTS)
        assert pair.reference in frames[:2]

    def test_a_retired_stack_is_chosen_no_more(self, survey):
        frames = [make_reference(survey, days=day) for day in (0, 10)]
        make_stack(frames, is_active=False)
        (pair,) = pairings(make_frame(survey), DEFAULTS)
        assert pair.reference in frames

    def test_frames_are_adopted_once(self, survey):
        reference, frame = make_reference(survey), make_frame(survey)
        adopt(frame)
        adopt(frame)
        image = ReferenceImage.objects.get()
        assert list(image.observations.all()) == [reference]
        assert (image.grid_observation, image.depth, image.exposure_time) == (reference, 100, 60)

    def test_baselines_made_before_are_described_by_their_frames(self, survey):
        reference = make_reference(survey, instrument="DECam")
        adopt(make_frame(survey))
        nothing = {"footprint": None, "instrument": "", "exposure_time": None}
        ReferenceImage.objects.update(grid_observation=None, **nothing)
        migration = import_module("differencing.migrations.0007_describe_older_baselines")
        migration.describe(apps, None)
        image = ReferenceImage.objects.get()
        assert (image.footprint, image.instrument) == (reference.footprint, "DECam")
        assert (image.grid_observation, image.exposure_time) == (reference, 60)

    def test_the_queries_do_not_grow_with_the_archive(self, survey, django_assert_max_num_queries):
        frame = make_frame(survey)
        for day in range(12):
            make_reference(survey, days=day)
            make_reference(survey, ra=40.0, days=day)
        # two to find what is to be adopted and six to adopt it in a transaction of its own; two
        # for the images, one for their frames, one for the depth of this frame
        with django_assert_max_num_queries(13):
            pairings(frame, DEFAULTS)
        with django_assert_max_num_queries(8):
            pairings(frame, DEFAULTS)
        # those out of the field are left for a frame that needs them
        assert ReferenceImage.objects.count() == 12

    def test_one_stack_per_cell_is_in_force(self, survey):
        frames = [make_reference(survey, days=day) for day in (0, 10)]
        make_stack(frames)
        with pytest.raises(IntegrityError, match="one_stack_per_cell"), transaction.atomic():
            make_stack(frames)

    def test_a_stack_is_subtracted_once(self, survey):
        stack = make_stack([make_reference(survey, days=day) for day in (0, 10)])
        pair = {"observation": make_frame(survey), "reference_image": stack}
        factories.make_difference_run(reference_observation=None, **pair)
        with pytest.raises(IntegrityError, match="once_per_stack"), transaction.atomic():
            DifferenceRun.objects.create(**pair)


def test_the_kept_share_is_that_of_the_proper_difference():
    # the signal of the difference on a fine grid of k, straight from the definition
    k = np.linspace(0, 12, 200_001)

    def power(sky, width):
        return sky * np.exp((k * width) ** 2)

    for limit, sharpness in ((0.3, 0.7), (1.0, 1.0), (0.5, 1.6)):
        science, reference = Depth(1.0, 2.3548), Depth(limit, 2.3548 * sharpness)
        sky = (limit / sharpness) ** 2
        with np.errstate(over="ignore"):
            signal = (k / (power(1, 1) + power(sky, sharpness))).sum() / (k / power(1, 1)).sum()
        assert kept_share(science, reference) == pytest.approx(np.sqrt(signal), abs=1e-3)


def test_limits_are_compared_by_magnitude_where_both_are_calibrated():
    science, reference = Depth(1.0, 1.0), Depth(2.0, 1.0)
    # at equal seeing 1 / sqrt(1 + ratio^2) of the S/N is kept; by counts the ratio is 2
    assert kept_share(science, reference) == pytest.approx(5**-0.5)
    calibrated = science.calibrated(21.0, "AB")
    # one magnitude deeper: the ratio is 10^-0.4
    deeper = reference.calibrated(22.0, "AB")
    assert kept_share(calibrated, deeper) == pytest.approx((1 + 10**-0.8) ** -0.5)
    for other in (reference, reference.calibrated(22.0, "Vega")):
        assert kept_share(calibrated, other) == pytest.approx(5**-0.5)
    assert kept_share(science, deeper) == pytest.approx(5**-0.5)


def test_an_unknown_depth_keeps_nothing():
    assert kept_share(Depth(None, 1.0), Depth(1.0, 1.0)) == 0
    assert Depth.of(10.0, None, 1.0).flux is None


@pytest.mark.parametrize(("ra", "dec"), [(150, 2), (0, 0), (359.99, -75), (10, 89.9)])
def test_overlap_is_right_across_zero_and_at_the_poles(ra, dec):
    frame = overlap.square(ra, dec, 0.05)
    points = overlap.points_in(frame)
    assert overlap.inside(points, frame).all()
    assert overlap.inside(points, frame[::-1]).all()
    # a square moved north by half its side, 0.05 sqrt(2) / 2
    towards = np.radians(0.05 / math.sqrt(2)) * _north(ra, dec)
    shifted = frame + towards
    assert overlap.inside(points, shifted).mean() == pytest.approx(0.5, abs=0.02)
    assert not overlap.inside(points, -frame).any()


def _north(ra, dec):
    ra, dec = np.radians([ra, dec])
    return np.array([-np.sin(dec) * np.cos(ra), -np.sin(dec) * np.sin(ra), np.cos(dec)])


def test_pixels_without_a_reference_are_counted():
    def frame(missing):
        mask = np.zeros((40, 50), np.uint16)
        mask[missing] = MaskBit.NO_DATA
        planes = np.ones((2, 40, 50), np.float32)
        return CalibratedFrame(*planes, mask, tan_wcs((40, 50)), gain=1.0, saturation=1e4)

    science, reference = frame(np.s_[:, :10]), frame(np.s_[:, :20])
    # of 40 columns with data, 10 have no reference
    assert overlap.uncovered_share(science, reference) == pytest.approx(0.25)
