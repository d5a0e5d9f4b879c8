"""A night of known stars through the whole of ``manage.py reduce``; and the real one."""

import io
import json
import shutil

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from django.core.management import CommandError, call_command
from PIL import Image

from preprocessing.calibrated import from_fits
from preprocessing.masks import MaskBit
from preprocessing.raw.master_files import master_from_fits
from tests.preprocessing.raw_frames import raw_bytes, section
from tests.preprocessing.synthetic import add_star
from tests.shared_data import shared

SIDE, OVERSCAN = 256, 16
GAIN, NOISE_E, BIAS, RATE, SKY = 1.6, 6.0, 800.0, 0.2, 250.0
FLUX_SCALE, SECONDS, SHIFTS = 1.0, 100.0, ((0.0, 0.0), (3.3, -2.1), (-1.7, 4.6), (2.2, 2.9))
HOT = (60, 200)


def sensitivity():
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    return 1 - 0.25 * (x**2 + y**2)


def stars():
    rng = np.random.default_rng(11)
    return np.column_stack([rng.uniform(20, SIDE - 20, (45, 2)), 10 ** rng.uniform(3.7, 5, 45)])


def readout(rng, electrons):
    """What the camera writes: overscan to the left, an offset that drifts along the rows."""
    image = np.hstack([np.zeros((SIDE, OVERSCAN)), electrons]) / GAIN
    drift = BIAS + np.linspace(0, 30, SIDE)[:, None]
    return np.rint(image + drift + rng.normal(0, NOISE_E / GAIN, image.shape))


def exposure(rng, light, seconds):
    dark = np.full((SIDE, SIDE), RATE)
    dark[HOT] = 50.0
    return readout(rng, rng.poisson((light * sensitivity() + dark * seconds) * GAIN))


def field(shift, transparency):
    light = np.full((SIDE, SIDE), SKY)
    for x, y, flux in stars():
        add_star(light, x + shift[0], y + shift[1], flux * transparency, 3.2)
    return light


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    folder = tmp_path_factory.mktemp("night")
    rng = np.random.default_rng(5)
    geometry = {
        "BIASSEC": section(0, OVERSCAN, 0, SIDE),
        "TRIMSEC": section(OVERSCAN, OVERSCAN + SIDE, 0, SIDE),
    }

    def put(name, image, **cards):
        content = raw_bytes(image, **(geometry | cards))
        (folder / f"{name}.fits").write_bytes(content)

    for n in range(5):
        when = f"2024-03-05T01:{n:02d}:00"
        dark, flat = exposure(rng, 0.0, SECONDS), exposure(rng, 20_000.0, 2.0)
        put(f"bias{n}", exposure(rng, 0.0, 0.0), IMAGETYP="zero", EXPTIME=0.0, **{"DATE-OBS": when})
        put(f"dark{n}", dark, IMAGETYP="Dark", EXPTIME=SECONDS, **{"DATE-OBS": when})
        put(f"flat{n}", flat, IMAGETYP="Flat Field", EXPTIME=2.0, **{"DATE-OBS": when})
    for n, shift in enumerate(SHIFTS):
        light = field(shift, 1.0 - 0.1 * n)
        raw = exposure(rng, light, SECONDS)
        raw[100 + n, 120:126] += 8000  # a cosmic ray
        cards = {"OBJECT": "M 31", "DATE-OBS": f"2024-03-05T02:{n:02d}:00"}
        put(f"light{n}", raw, EXPTIME=SECONDS, **cards)
    return folder


@pytest.fixture(scope="module")
def reduced(night, tmp_path_factory):
    out = tmp_path_factory.mktemp("reduced")
    stream = io.StringIO()
    call_command("reduce", night, out=out, json=True, halves=True, stdout=stream)
    return out, json.loads(stream.getvalue())


def test_gain_and_read_noise_that_no_header_states_are_measured(reduced):
    detector = reduced[1]["detector"]
    # Five flats of 65,000 px tell the gain to 1 %; whole counts add 1/12 ADU^2 to the noise.
    assert detector["gain"]["value"] == pytest.approx(GAIN, rel=0.03)
    assert detector["gain"]["source"] == "measured from pairs of flats"
    assert detector["read_noise"]["value"] == pytest.approx(NOISE_E, rel=0.05)


def test_every_light_gets_every_master_and_nothing_is_missing(reduced):
    found = reduced[1]
    assert [(f["bias"], f["dark"], f["flat"]) for f in found["frames"]] == [
        ("bias", "dark_100s", "flat_r")
    ] * 4
    assert found["missing"] == {}
    assert found["refused"] == {}
    assert found["masters"]["flat_r"]["inputs"] == [f"flat{n}.fits" for n in range(5)]


def test_the_master_flat_is_the_sensitivity_of_the_camera(reduced):
    flat = master_from_fits(reduced[0] / "masters" / "flat_r.fits")
    truth = sensitivity() / np.median(sensitivity())
    pull = (flat.pixels - truth) / flat.uncertainty
    assert pull.std() == pytest.approx(1, abs=0.05)


def test_frames_are_aligned_on_one_of_them(reduced):
    shifts = {
        f["file"]: (f["shift_x_px"], f["shift_y_px"])
        for f in reduced[1]["frames"]
        if not f["is_grid"]
    }
    grid = next(n for n, f in enumerate(reduced[1]["frames"]) if f["is_grid"])
    for name, found in shifts.items():
        expected = np.subtract(SHIFTS[int(name[5])], SHIFTS[grid])
        # Forty stars place a frame to a hundredth of a pixel.
        assert found == pytest.approx(expected, abs=0.05)
        assert len(shifts) == 3


def test_the_stack_has_the_flux_of_the_stars_and_no_cosmic_ray(reduced):
    frame = from_fits(reduced[0] / "stack_r.fits")
    first, grid = SHIFTS[0], next(n for n, f in enumerate(reduced[1]["frames"]) if f["is_grid"])
    good = frame.mask == 0
    truth = field(SHIFTS[grid], 1.0) - SKY
    # In the flux scale of the first frame, whose transparency is 1; the flat has median 1.
    truth *= np.median(sensitivity())
    assert first == (0.0, 0.0)
    bright = good & (truth > 200)
    ratio = frame.pixels[bright].sum() / truth[bright].sum()
    assert ratio == pytest.approx(1, abs=0.01)
    off = (frame.pixels - truth)[good & (truth < 1)] / frame.noise[good & (truth < 1)]
    # Noise of interpolated frames is less per pixel than the map, which counts it as independent.
    assert 0.6 < off.std() < 1.05
    assert np.abs(off).max() < 8


def test_a_stack_states_what_it_shows_and_how_it_came_about(reduced):
    header = fits.getheader(reduced[0] / "stack_r.fits")
    stated = {key: header[key] for key in ("OBJECT", "FILTER", "EXPTIME", "TOTEXP", "NCOMBINE")}
    assert stated == {
        "OBJECT": "M 31", "FILTER": "r", "EXPTIME": SECONDS, "TOTEXP": 4 * SECONDS, "NCOMBINE": 4
    }  # fmt: skip
    assert header["DATE-OBS"] == "2024-03-05T02:00:00.000000"
    assert header["DATE-AVG"] == "2024-03-05T02:01:30.000000"
    # Four frames of falling transparency count as 3 to 4; the electrons of a read-out add up.
    averaged = header["GAIN"] / GAIN
    assert 2.8 < averaged < 4.2
    assert header["RDNOISE"] == pytest.approx(NOISE_E * averaged**0.5, rel=0.06)


def test_stacks_can_be_subtracted_from_each_other(reduced, tmp_path):
    first, second = (str(reduced[0] / f"stack_r_{half}_half.fits") for half in ("first", "second"))
    call_command("difference", second, first, out=tmp_path / "x", stdout=io.StringIO())
    assert len(Table.read(tmp_path / "x" / "candidates.ecsv")) == 0


def test_every_product_is_there_and_can_be_read(reduced):
    out, found = reduced
    assert set(found["files"]) == {str(p.relative_to(out)) for p in out.rglob("*") if p.is_file()}
    assert len(Table.read(out / "frames.ecsv")) == 4
    with Image.open(out / "quicklook.png") as picture:
        assert picture.width > 600
    assert {"r", "r_first_half", "r_second_half"} == set(found["stacks"])
    header = fits.getheader(out / "frames" / "light1.fits")
    assert (header["CALBIAS"], header["CALFLAT"], header["EXPTIME"]) == ("bias", "flat_r", 100.0)


def test_a_folder_without_lights_is_refused(night, tmp_path):
    only = tmp_path / "only"
    only.mkdir()
    shutil.copy(night / "bias0.fits", only)
    with pytest.raises(CommandError, match="holds no light frame"):
        call_command("reduce", only, out=tmp_path / "out")


@pytest.fixture(scope="module")
def without_darks(night, tmp_path_factory):
    """The same night reduced without its darks."""
    raw, out = tmp_path_factory.mktemp("no_darks"), tmp_path_factory.mktemp("reduced_no_darks")
    for path in night.glob("*.fits"):
        if not path.name.startswith("dark"):
            shutil.copy(path, raw)
    stream = io.StringIO()
    call_command("reduce", raw, out=out, json=True, stdout=stream)
    return out, json.loads(stream.getvalue())


def test_a_hot_pixel_that_no_dark_shows_is_bad_in_every_frame_and_no_cosmic_ray(without_darks):
    out, found = without_darks
    assert [f["hot_pixels"] for f in found["frames"]] == [1] * 4
    for n, shift in enumerate(SHIFTS):
        mask = from_fits(out / "frames" / f"light{n}.fits").mask
        at = np.rint(np.subtract(HOT[::-1], np.subtract(shift, grid_shift(found)))).astype(int)
        assert mask[at[1], at[0]] & (MaskBit.BAD_PIXEL | MaskBit.COSMIC_RAY) == MaskBit.BAD_PIXEL


def grid_shift(found):
    """Where the stars of the frame lie whose grid all have."""
    return SHIFTS[next(n for n, f in enumerate(found["frames"]) if f["is_grid"])]


def test_two_biases_make_no_master_and_that_is_said(night, tmp_path):
    few = tmp_path / "few"
    few.mkdir()
    for name in ("bias0", "bias1", "light0"):
        shutil.copy(night / f"{name}.fits", few)
    stream = io.StringIO()
    call_command(
        "reduce", few, out=tmp_path / "out", json=True, gain=GAIN, read_noise=NOISE_E, stdout=stream
    )
    found = json.loads(stream.getvalue())
    assert found["doubts"] == ["no bias from bias: 2 frames, 3 are needed"]
    assert any(words.startswith("no flat in filter r") for words in found["missing"])
    assert found["refused"] == {"r": "1 frames: a stack needs at least two"}


@pytest.mark.parametrize(("card", "said"), [("EXPTIME", "seconds"), ("DATE-OBS", "YYYY-MM-DD")])
def test_a_card_that_no_option_can_state_is_named_with_its_file(night, tmp_path, card, said):
    with fits.open(night / "light0.fits") as units:
        units[0].header.remove(card)
        units.writeto(tmp_path / "light.fits")
    wanted = rf"light\.fits, HDU 0, {card}: is missing .*; write {card} \({said}.* into its header"
    with pytest.raises(CommandError, match=wanted):
        call_command("reduce", tmp_path, out=tmp_path / "out")


def test_a_gain_that_nothing_tells_has_to_be_given(night, tmp_path):
    shutil.copy(night / "light0.fits", tmp_path)
    with pytest.raises(
        CommandError, match=r"the gain is in no header .* give it in e-/ADU by --gain"
    ):
        call_command("reduce", tmp_path, out=tmp_path / "out")


def test_two_frames_of_the_real_night_are_calibrated_and_aligned_without_wcs(tmp_path):
    source = shared("images/sn2022yid_bsu_raw")
    names = [f"light_V/SN2022yid_10292022-{n}_V_120s.fit" for n in ("0002", "0020")]
    names += [
        str(p.relative_to(source))
        for kind in ("dark_1p5s", "flat_V")
        for p in sorted((source / kind).glob("*"))
    ]
    for name in names:
        (tmp_path / "raw" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "raw" / name).symlink_to(source / name)
    stream = io.StringIO()
    call_command("reduce", tmp_path / "raw", out=tmp_path / "out", json=True, stdout=stream)
    found = json.loads(stream.getvalue())
    assert found["refused"] == {}
    assert found["detector"]["gain"]["source"] == "from the header"
    # The header's 2.58 is that of another binning or setting: flats of 30,000 ADU show 2.83.
    assert found["doubts"][0].startswith("the gain is 2.58 from the header")
    other = next(f for f in found["frames"] if not f["is_grid"])
    assert other["registration_rms_px"] < 0.15
    assert other["registration_stars"] > 150
    # The flat takes the vignetting of 12 % out of the sky: what is left is within its mesh noise.
    frame = from_fits(next((tmp_path / "out" / "frames").glob("*0002*")))
    assert (frame.mask == 0).mean() > 0.97
