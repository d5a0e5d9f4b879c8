"""Frames that cannot be differenced fail in one sentence, and the night goes on."""

import numpy as np
import pytest

from differencing.models import DifferenceRun
from observations.models import ObservationStatus
from preprocessing.models import PreprocessRun
from tests.bad_input.night import (
    BAD,
    PIXEL_DEG,
    REFERENCE,
    SIZE,
    failed,
    observation,
    said,
    went_through,
)

pytestmark = pytest.mark.django_db


def test_a_frame_of_another_field_fails(night):
    def elsewhere(pixels, header):
        header["CRVAL1"], header["RA"] = 170.0, 170.0
        return pixels

    night.add_like(elsewhere)
    night.run()
    sentence = failed(PreprocessRun)
    assert "no reference" in sentence
    assert "RA 170.0" in sentence
    assert "ingest a reference" in sentence
    assert went_through()


def test_a_frame_in_another_filter_fails(night):
    def in_another_filter(pixels, header):
        header["FILTER"] = "z"
        return pixels

    night.add_like(in_another_filter)
    night.run()
    assert "in filter z" in failed(PreprocessRun)
    assert went_through()


def test_a_strip_that_does_not_touch_the_reference_fails(night):
    def strip_beside(pixels, header):
        # 80 columns whose centre is 172 px east of the reference's: beyond its edge at 128,
        # but nearer than its corners at 181
        header["CRPIX1"] = 40.5 + 172.0
        return pixels[:, :80]

    night.add_like(strip_beside)
    night.run()
    sentence = failed(PreprocessRun)
    assert "covers 0.0% of the reference grid" in sentence
    assert "choose a reference of this field" in sentence
    assert went_through()


def test_a_frame_with_a_wrong_position_fails(night):
    def misplaced(pixels, header):
        header["CRVAL2"] += 60 * PIXEL_DEG
        return pixels

    night.add_like(misplaced)
    night.run()
    sentence = failed(PreprocessRun)
    assert "cannot be laid on the grid" in sentence
    assert "stars" in sentence
    assert went_through()


def test_half_a_frame_is_differenced_where_it_overlaps(night):
    night.add_like(lambda pixels, header: pixels[:, : SIZE // 2])
    night.run()
    assert went_through(BAD)
    # nothing is found where there is nothing, 20 px beyond the cut
    run = DifferenceRun.objects.get(observation__observation_id=BAD)
    assert max(run.candidates.values_list("pixel_x", flat=True)) < SIZE // 2 + 20


def test_a_frame_with_too_few_stars_fails(night):
    def starless(pixels, header):
        noise = np.random.default_rng(3).normal(0, 17, pixels.shape)
        return (400 + noise).astype("f4")

    night.add_like(starless)
    night.run()
    assert "stars" in failed(PreprocessRun)
    assert went_through()


def test_a_frame_of_the_night_of_its_reference_fails(night):
    def as_science(pixels, header):
        header["OBSTYPE"] = "science"
        return pixels

    night.add_like(as_science, source=REFERENCE)
    night.run()
    frame = observation(BAD)
    assert frame.status == ObservationStatus.FAILED
    assert "night" in said(frame.status_reason)
    assert went_through()


def test_a_frame_that_is_its_own_reference_fails(night):
    def on_another_night(pixels, header):
        header["DATE-OBS"] = "2024-06-01T03:00:00.000"
        header["MJD-OBS"] = 60462.125
        header["OBSTYPE"] = "science"
        return pixels

    night.add_like(on_another_night, source=REFERENCE)
    night.run()
    sentence = failed(DifferenceRun)
    assert f"{BAD} is its own reference" in sentence
    assert "another epoch" in sentence
    assert went_through()


def test_a_saturation_level_below_the_sky_fails(night):
    def saturated(pixels, header):
        header["SATURATE"] = 300.0
        return pixels

    night.add_like(saturated)
    night.run()
    assert "(masked: 100% SATURATED): check saturation level" in failed(PreprocessRun)
    assert went_through()
