from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from observations.frame_kind import FrameKind
from preprocessing.raw.assumed import Figure, brightest_of, ceiling, contradiction, settle
from preprocessing.raw.building import Input, build, groups_of
from preprocessing.raw.library import (
    CalibrationParameters,
    Candidate,
    Conditions,
    Setup,
    choose,
)
from preprocessing.raw.master_files import (
    bad_pixels_from_fits,
    bad_pixels_to_fits,
    master_from_fits,
    master_to_fits,
)
from preprocessing.raw.masters import Master
from preprocessing.raw.overscan import DetectorFrame
from preprocessing.raw.reduction import Masters

NIGHT = datetime(2024, 3, 5, 2, tzinfo=UTC)
SETUP = Setup("camera", (20, 30), (2, 2))
FRAME = Conditions(SETUP, "r", 120.0, -30.0, NIGHT)
PARAMETERS = CalibrationParameters()


def candidate(key, kind, *, holds_bias=False, days=0.0, **changes):
    at = NIGHT + timedelta(days=days)
    changes = {"filter_band": "r" if kind == "flat" else None, "observed_at": at} | changes
    conditions = replace(FRAME, **changes)
    return Candidate(key, kind, conditions, holds_bias=holds_bias)


def keys(*candidates, frame=FRAME):
    choice = choose(frame, candidates, PARAMETERS)
    return {name: each.key for name, each in choice.chosen.items()}, choice


def test_each_master_is_the_one_nearest_in_time_of_the_right_filter():
    found, choice = keys(
        candidate("old bias", "bias", days=-9), candidate("bias", "bias", days=1),
        candidate("dark", "dark"), candidate("flat r", "flat", days=2),
        candidate("flat g", "flat", filter_band="g"), candidate("bad", "bad_pixel_mask"),
    )  # fmt: skip
    assert found == {"bias": "bias", "dark": "dark", "flat": "flat r", "bad_pixels": "bad"}
    assert choice.missing == ()


@pytest.mark.parametrize(
    "setup",
    [
        Setup("other", (20, 30), (2, 2)),
        Setup("camera", (20, 31), (2, 2)),
        Setup("camera", (20, 30)),
    ],
)
def test_masters_of_another_setup_are_not_chosen(setup):
    found, choice = keys(
        candidate("bias", "bias", setup=setup), candidate("f", "flat", setup=setup)
    )
    assert found == {}
    assert choice.missing == (
        "no bias and no dark: the electronic offset stays in the sky",
        "no flat in filter r: vignetting, dust and uneven pixels stay in",
    )


def test_the_dark_nearest_in_exposure_is_scaled_when_there_is_a_bias():
    short, long = (
        candidate("60 s", "dark", exposure_s=60.0),
        candidate("300 s", "dark", exposure_s=300.0),
    )
    assert keys(candidate("bias", "bias"), short, long)[0]["dark"] == "300 s"
    assert keys(candidate("bias", "bias"), short)[0]["dark"] == "60 s"
    assert (
        keys(candidate("bias", "bias"), short, long, candidate("120 s", "dark"))[0]["dark"]
        == "120 s"
    )


def test_a_dark_with_its_bias_serves_only_its_own_exposure():
    whole = candidate("whole", "dark", holds_bias=True)
    assert keys(whole)[0] == {"dark": "whole"}
    found, choice = keys(whole, frame=replace(FRAME, exposure_s=60.0))
    assert found == {}
    assert choice.missing[0].startswith("no bias and no dark")


def test_a_very_short_dark_stands_for_the_bias_and_that_is_said():
    found, choice = keys(candidate("1.5 s", "dark", holds_bias=True, exposure_s=1.5))
    assert found == {"bias": "1.5 s"}
    assert choice.bias_is_dark
    assert choice.missing[:2] == (
        "no bias: darks of 1.5 s stand for it",
        "no dark that fits 120 s: dark current stays in the sky, "
        "hot pixels are found in the frames alone",
    )


def test_a_dark_of_another_temperature_is_not_chosen():
    warm = candidate("warm", "dark", temperature_c=-20.0)
    assert "dark" not in keys(candidate("bias", "bias"), warm)[0]
    unknown = candidate("unknown", "dark", temperature_c=None)
    assert keys(candidate("bias", "bias"), unknown)[0]["dark"] == "unknown"


def test_a_master_holds_from_its_beginning_until_before_its_end():
    bias = candidate("bias", "bias")
    for valid, expected in (
        ({"valid_from": NIGHT}, True),
        ({"valid_to": NIGHT}, False),
        ({"valid_from": NIGHT + timedelta(seconds=1)}, False),
        ({"valid_to": NIGHT + timedelta(seconds=1)}, True),
    ):
        assert ("bias" in keys(replace(bias, **valid))[0]) is expected


def at(hours, **changes):
    return replace(FRAME, observed_at=NIGHT + timedelta(hours=hours), **changes)


def test_frames_are_grouped_by_what_one_master_needs_and_by_night():
    frames = [
        at(0), at(1), at(30), at(2, exposure_s=60.0), at(2, temperature_c=-20.0),
        at(3, setup=Setup("other", (20, 30))),
    ]  # fmt: skip
    darks = [replace(each, filter_band=None) for each in frames]
    groups = groups_of(darks, lambda each: each, 2.0)
    assert sorted(len(group) for group in groups) == [1, 1, 1, 1, 2]


def test_twilight_flats_of_growing_exposure_are_one_group():
    flats = [at(0.01 * n, exposure_s=1.0 + n) for n in range(5)]
    assert [len(group) for group in groups_of(flats, lambda each: each, 2.0)] == [5]


def test_flats_of_several_exposures_each_lose_their_own_dark():
    plane = np.ones((20, 30), np.float32)
    rng = np.random.default_rng(1)
    masters = Masters(
        Master("bias", 500 * plane, plane, plane.astype(np.uint16)),
        Master("dark", 10 * plane, plane, plane.astype(np.uint16), exposure_s=1.0),
    )
    truth = 1 + 0.1 * np.add.outer(np.linspace(-1, 1, 20), np.linspace(-1, 1, 30))
    raw = {t: 20_000 * truth + 500 + 10 * t + rng.normal(0, 1, truth.shape) for t in (1, 10, 100)}
    inputs = [
        Input(DetectorFrame(pixels.astype(np.float32), 0.0, (), 1.0, 1.0), float(t))
        for t, pixels in raw.items()
    ]
    made = build(FrameKind.FLAT, inputs, masters)
    np.testing.assert_allclose(made.pixels, truth / np.median(truth), rtol=3e-4)


def test_a_light_makes_no_master():
    with pytest.raises(ValueError, match="light frames make no master"):
        build(
            FrameKind.LIGHT,
            [Input(DetectorFrame(np.ones((3, 3), "f4"), 0, (), 1, 1), 1.0)],
            Masters(),
        )


def test_a_master_reads_as_it_was_written():
    rng = np.random.default_rng(2)
    planes = rng.normal(0, 1, (2, 20, 30)).astype(np.float32)
    counts = rng.integers(0, 9, (20, 30)).astype(np.uint16)
    master = Master("dark", *planes, counts, 1.5, True, {"level": 593.5, "read_noise_adu": 6.25})
    back = master_from_fits(master_to_fits(master))
    np.testing.assert_array_equal(back.pixels, master.pixels)
    np.testing.assert_array_equal(back.uncertainty, master.uncertainty)
    np.testing.assert_array_equal(back.counts, counts)
    assert (back.kind, back.exposure_s, back.holds_bias) == ("dark", 1.5, True)
    assert back.statistics == master.statistics


def test_a_bad_pixel_mask_reads_as_it_was_written_and_is_no_master():
    bad = np.random.default_rng(3).random((20, 30)) > 0.9
    content = bad_pixels_to_fits(bad, {"bad_pixels": float(bad.sum())})
    np.testing.assert_array_equal(bad_pixels_from_fits(content), bad)
    with pytest.raises(ValueError, match="no extension MASTER"):
        master_from_fits(content)


def test_a_damaged_master_is_refused():
    plane = np.ones((20, 30), np.float32)
    content = bytearray(master_to_fits(Master("bias", plane, plane, plane.astype(np.uint16))))
    content[2880 * 2 + 1000] ^= 1
    with pytest.raises(ValueError, match="does not match its checksum"):
        master_from_fits(bytes(content))


def test_saturation_is_where_the_brightest_pixels_of_several_frames_stop():
    assert ceiling([49_100.0, 49_236.0, 49_200.0, 31_000.0]) == 49_236.0
    assert ceiling([49_100.0, 40_000.0, 31_000.0]) is None
    assert ceiling([49_100.0, 49_100.0]) is None


def test_three_hit_pixels_are_not_the_brightest_of_a_frame():
    pixels = np.arange(100.0).reshape(10, 10)
    pixels[0, :3] = 1e6
    assert brightest_of(pixels) == 99.0


def test_a_figure_is_what_is_given_then_stated_then_measured():
    measured = Figure(2.8, "measured")
    assert settle("gain", "e-/ADU", given=1.0, stated=2.0, measured=measured).value == 1.0
    assert settle("gain", "e-/ADU", given=None, stated=2.0, measured=measured).value == 2.0
    assert settle("gain", "e-/ADU", given=None, stated=None, measured=measured) is measured
    with pytest.raises(ValueError, match=r"read noise is in no header .* by --read-noise"):
        settle("read noise", "e-", given=None, stated=None, measured=None)


def test_a_header_that_the_frames_contradict_is_doubted():
    used = Figure(2.58, "from the header")
    assert contradiction("gain", used, 2.83, 0.01).startswith("the gain is 2.58 from the header")
    assert contradiction("gain", used, 2.83, 0.1) is None
    assert contradiction("gain", used, 2.60, 0.001) is None
