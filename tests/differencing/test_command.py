"""``manage.py difference`` on two files."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
import sep
from astropy.io import fits
from astropy.table import Table
from django.core.management import CommandError, call_command
from PIL import Image

from observations.fits import ReadOptions, read_frame
from preprocessing.calibrated import to_fits, wcs_header
from preprocessing.exposure import read_exposure
from preprocessing.parameters import PreprocessParameters
from tests.differencing import sky

SHAPE = (300, 320)
FILES = {
    "difference.fits", "significance.fits", "psf.fits", "candidates.ecsv", "quicklook.png",
}  # fmt: skip


def write_frame(path, frame, kind, *, has_wcs=True):
    header = wcs_header(frame.wcs) if has_wcs else fits.Header()
    header["DATE-OBS"] = "2025-03-01T04:00:00"
    header["GAIN"], header["RDNOISE"], header["SATURATE"] = kind.gain, kind.read_noise, 60000.0
    header["EXPTIME"], header["FILTER"] = 60.0, "r"
    pixels = frame.pixels + kind.sky
    fits.PrimaryHDU(pixels.astype(np.float32), header).writeto(path)
    return path


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    """Two files of one field with six new sources, with WCS and without."""
    folder = tmp_path_factory.mktemp("pair")
    rng = np.random.default_rng(21)
    stars = sky.star_field(SHAPE, 110, rng, brightest=6e4)
    new = np.column_stack([sky.spread_out(SHAPE, 6, rng, stars), np.full(6, 5000.0)])
    science = sky.observe(SHAPE, sky.SCIENCE, np.vstack([stars, new]), rng)
    reference = sky.observe(SHAPE, sky.REFERENCE, stars, rng)
    files = {}
    for name, has_wcs in (("sky", True), ("bare", False)):
        files[name] = (
            write_frame(folder / f"{name}_sci.fits", science, sky.SCIENCE, has_wcs=has_wcs),
            write_frame(folder / f"{name}_ref.fits", reference, sky.REFERENCE, has_wcs=has_wcs),
        )
    return files, new


def run(files, out, *words):
    stream = io.StringIO()
    call_command("difference", *files, "--out", out, "--json", *words, stdout=stream)
    return json.loads(stream.getvalue())


def check_found(table, new):
    """All new sources are there, on the grid of the reference, whose shift is none."""
    apart = np.hypot(table["x"][:, None] - new[:, 0], table["y"][:, None] - new[:, 1])
    assert (apart.min(axis=0) < 0.5).all()
    assert len(table) <= len(new) + 1


@pytest.mark.parametrize("algorithm", ["zogy", "classic"])
def test_files_and_figures_are_written(night, tmp_path, algorithm):
    files, new = night
    figures = run(files["sky"], tmp_path, "--algorithm", algorithm)
    assert {path.name for path in tmp_path.iterdir()} == FILES
    assert figures["algorithm"] == algorithm
    assert figures["candidates"] >= 6
    assert figures["cpu_seconds"] > 0
    with fits.open(tmp_path / "difference.fits") as units:
        assert units[0].header["METHOD"] == algorithm.upper()
        assert units[0].data.shape == SHAPE
    with fits.open(tmp_path / "psf.fits") as units:
        assert units[0].data.sum() == pytest.approx(1, abs=1e-5)
    check_found(Table.read(tmp_path / "candidates.ecsv"), new)
    with Image.open(tmp_path / "quicklook.png") as picture:
        assert picture.format == "PNG"
        assert min(picture.size) > 500


def test_frames_without_wcs_are_registered_by_their_stars(night, tmp_path):
    files, new = night
    run(files["bare"], tmp_path)
    table = Table.read(tmp_path / "candidates.ecsv")
    check_found(table, new)
    assert np.isnan(table["ra"]).all()
    with fits.open(tmp_path / "difference.fits") as units:
        assert "CTYPE1" not in units[0].header or not units[0].header["CTYPE1"].strip()


def test_fluxes_are_measured_at_given_places(night, tmp_path):
    files, new = night
    places = tmp_path / "places.csv"
    Table({"x": [*new[:, 0], -9.0], "y": [*new[:, 1], 5.0]}).write(places)
    figures = run(files["sky"], tmp_path / "out", "--positions", places)
    assert figures["forced"] == 7
    table = Table.read(tmp_path / "out" / "forced.ecsv")
    flux = new[:, 2] * sky.SCIENCE.scale
    pulls = (table["flux"][:6] - flux) / table["flux_error"][:6]
    # PSF stamps that end at 16 px miss 1.5 % of a Moffat's light, half a sigma here
    assert np.abs(pulls).max() < 4
    assert np.isnan(table["flux"][6])
    assert table["flags"][6] == "NO_DATA, EDGE"


def test_fluxes_at_given_places_have_magnitudes_or_limits(night, tmp_path):
    files, new = night
    places = tmp_path / "places.csv"
    empty = sky.spread_out(SHAPE, 1, np.random.default_rng(4), new)[0]
    Table({"x": [*new[:, 0], empty[0], -9.0], "y": [*new[:, 1], empty[1], 5.0]}).write(places)
    run(files["sky"], tmp_path / "out", "--positions", places, "--zero-point", "25.5")
    table = Table.read(tmp_path / "out" / "forced.ecsv")
    assert (table.meta["MAGZP"], table.meta["ZPSOURCE"]) == (25.5, "given")
    # sources of 5000 ADU, of which the science frame sees 0.8: 40 sigma, or 0.03 mag each
    expected = 25.5 - 2.5 * np.log10(5000 * sky.SCIENCE.scale)
    assert np.abs(table["magnitude"][:6] - expected).max() < 0.15
    assert np.isnan(table["upper_limit"][:6]).all()
    # nothing changed at this place
    assert np.isnan(table["magnitude"][6])
    limit = 25.5 - 2.5 * np.log10(5 * table["flux_error"][6])
    assert table["upper_limit"][6] == pytest.approx(limit, abs=1e-6)
    assert np.isnan([table["magnitude"][7], table["upper_limit"][7]]).all()


@pytest.mark.parametrize("names", [("ra", "dec"), ("RA_ICRS", "DE_ICRS"), ("_RAJ2000", "_DEJ2000")])
def test_places_may_be_given_in_the_sky(night, tmp_path, names):
    files, new = night
    places = tmp_path / "places.txt"
    ra, dec = sky.sky_wcs(SHAPE).all_pix2world(new[:, 0], new[:, 1], 0)
    Table([ra, dec], names=names).write(places, format="ascii.commented_header")
    run(files["sky"], tmp_path / "out", "--positions", places)
    table = Table.read(tmp_path / "out" / "forced.ecsv")
    np.testing.assert_allclose(table["x"], new[:, 0], atol=1e-3)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name,mag\na,3\n", "has the columns name, mag: ra and dec"),
        ("ra,dec\n10:22:33,+5\n", "column ra of places.csv holds"),
        ("ra,dec\n400,5\n10,5\n", "column ra of places.csv holds 400 degrees .1 such rows"),
        ("ra,dec\n10,95\n", "column dec of places.csv holds 95 degrees .*-90 to 90"),
        ("ra,dec\n1,2,3,4\n", "cannot be read as a table"),
    ],
)
def test_tables_that_hold_no_places_are_refused(night, tmp_path, text, words):
    places = tmp_path / "places.csv"
    places.write_text(text)
    with pytest.raises(CommandError, match=words):
        run(night[0]["sky"], tmp_path / "out", "--positions", places)
    assert not (tmp_path / "out").exists()


def test_sky_positions_need_frames_with_a_wcs(night, tmp_path):
    places = tmp_path / "places.csv"
    Table({"ra": [150.0], "dec": [20.0]}).write(places)
    with pytest.raises(CommandError, match="the frames have no WCS: give x and y in pixels"):
        run(night[0]["bare"], tmp_path / "out", "--positions", places)


def test_a_missing_program_is_named(night, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(CommandError, match="the program hotpants is not on the PATH"):
        run(night[0]["sky"], tmp_path / "out", "--algorithm", "hotpants")


def test_no_cores_are_refused(night, tmp_path):
    with pytest.raises(CommandError, match="--threads is 0: give the number of cores"):
        run(night[0]["sky"], tmp_path / "out", "--threads", "0")


def test_candidates_have_magnitudes_by_the_zero_point_that_is_named(night, tmp_path):
    files, _ = night
    figures = run(files["sky"], tmp_path, "--zero-point", "25.5")
    assert (figures["zero_point"]["MAGZP"], figures["zero_point"]["ZPSOURCE"]) == (25.5, "given")
    table = Table.read(tmp_path / "candidates.ecsv")
    assert table.meta["MAGZP"] == 25.5
    # sources of 5000 ADU, of which the science frame sees 0.8
    bright = table["magnitude"][np.isfinite(table["magnitude"])]
    assert np.median(bright) == pytest.approx(25.5 - 2.5 * np.log10(4000), abs=0.1)
    with fits.open(tmp_path / "difference.fits") as units:
        assert units[0].header["MAGZP"] == 25.5


def test_a_star_catalogue_gives_the_zero_point(night, tmp_path):
    files, _ = night
    science = read_frame(files["sky"][0])
    light = science.pixels - np.median(science.pixels)
    found = sep.extract(light, 200.0)
    flux, _, _ = sep.sum_circle(light, found["x"], found["y"], 10.0)
    ra, dec = science.wcs.all_pix2world(found["x"], found["y"], 0)
    magnitude = 27.0 - 2.5 * np.log10(flux)
    Table({"ra": ra, "dec": dec, "rmag": magnitude}).write(tmp_path / "stars.fits")
    figures = run(files["sky"], tmp_path / "out", "--star-catalog", str(tmp_path / "stars.fits"))[
        "zero_point"
    ]
    assert (figures["ZPSOURCE"], figures["MAGSYS"]) == ("catalogue", "AB")
    # apertures of 10 px among 110 stars hold neighbours' light, which is clipped
    assert figures["MAGZP"] == pytest.approx(27.0, abs=0.05)


def test_without_any_zero_point_magnitudes_are_instrumental(night, tmp_path):
    files, _ = night
    figures = run(files["sky"], tmp_path)["zero_point"]
    assert figures["MAGSYS"] == "instrumental"
    # 60 s
    assert figures["MAGZP"] == pytest.approx(2.5 * np.log10(60.0))


def changed(path, folder, **cards):
    """Copy a file with other header cards; None takes one away."""
    copy = folder / path.name
    with fits.open(path) as units:
        for keyword, value in cards.items():
            if value is None:
                del units[0].header[keyword]
            else:
                units[0].header[keyword] = value
        units.writeto(copy)
    return copy


def test_a_wrong_gain_is_refused_with_the_numbers(night, tmp_path):
    science, reference = night[0]["sky"]
    # noise in that of the photons grows with the root of the gain: 5 ** 0.5 = 2.2
    wrong = changed(science, tmp_path, GAIN=5 * sky.SCIENCE.gain)
    words = r"sky_sci.fits: noise over that of photons 2\.[2-4] is above 2 .*--accept-quality"
    with pytest.raises(CommandError, match=words):
        run((wrong, reference), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    figures = run((wrong, reference), tmp_path / "out", "--accept-quality")
    assert ["max_noise_ratio" in reason for reason in figures["shortcomings"]] == [True]


def test_a_gain_that_cannot_be_checked_is_warned_of(night, tmp_path):
    science, reference = night[0]["sky"]
    assert run((science, reference), tmp_path / "with")["warnings"] == []
    bare = tmp_path / "bare.fits"
    with fits.open(science) as units:
        units[0].data -= np.float32(sky.SCIENCE.sky)
        units.writeto(bare)
    (warning,) = run((bare, reference), tmp_path / "without")["warnings"]
    assert warning.startswith("bare.fits: its gain could not be checked")


def test_frames_of_two_filters_are_refused_with_both_names(night, tmp_path):
    science, reference = night[0]["sky"]
    other = changed(science, tmp_path, FILTER="g")
    words = "sky_sci.fits was taken through filter g, sky_ref.fits through r: .*--any-filter"
    with pytest.raises(CommandError, match=words):
        run((other, reference), tmp_path / "out")
    assert run((other, reference), tmp_path / "out", "--any-filter")["candidates"] >= 6


def test_two_names_of_one_filter_are_one_filter(night, tmp_path):
    science, reference = night[0]["sky"]
    other = changed(science, tmp_path, FILTER="SDSS_r")
    assert run((other, reference), tmp_path / "out")["assumed"] == []


def test_what_headers_leave_out_is_said(night, tmp_path):
    science, reference = night[0]["sky"]
    bare = changed(science, tmp_path, FILTER=None, EXPTIME=None)
    assert run((bare, reference), tmp_path / "out")["assumed"] == [
        "sky_sci.fits states no filter: it was not compared (--filter names it)",
        "sky_sci.fits states no exposure time: 1 s is assumed (--exposure states it)",
    ]
    stated = run((bare, reference), tmp_path / "told", "--filter", "r", "--exposure", "60")
    assert stated["assumed"] == []
    headers = [fits.getheader(tmp_path / out / "difference.fits") for out in ("out", "told")]
    assert [header.get("SCIEXP") for header in headers] == [None, 60.0]
    assert [header.get("SCIFILT") for header in headers] == [None, "r"]
    assert [header["REFEXP"] for header in headers] == [60.0, 60.0]
    stream = io.StringIO()
    call_command("difference", bare, reference, "--out", tmp_path / "words", stdout=stream)
    assert "assumed                  sky_sci.fits states no filter" in stream.getvalue()


def test_damaged_pixels_are_warned_of_and_listed_last(night, tmp_path):
    science, reference = night[0]["sky"]
    broken = tmp_path / "broken.fits"
    rng = np.random.default_rng(2)
    with fits.open(science) as units:
        for y, x in rng.integers(10, 290, (30, 2)):
            units[0].data[y, x] = 6e4  # as a flipped high bit leaves it: saturated
        units.writeto(broken)
    stream = io.StringIO()
    call_command("difference", broken, reference, "--out", tmp_path / "out", stdout=stream)
    rows = [line for line in stream.getvalue().splitlines() if " sigma  " in line]
    is_flagged = ["[" in row and row.split("[")[1] != "blended]" for row in rows]
    assert len(rows) == 10
    assert is_flagged == sorted(is_flagged)
    # six new sources, of which a damaged pixel may touch one
    assert is_flagged.count(False) >= 5
    facts = run((broken, reference), tmp_path / "facts")
    assert facts["candidates"] - facts["unflagged"] >= 4


def test_files_say_what_they_were_made_of(night, tmp_path):
    facts = run(night[0]["sky"], tmp_path, "--threshold", "5.5")
    expected = {
        "SCIFILE": "sky_sci.fits", "REFFILE": "sky_ref.fits", "SCIFILT": "r", "REFFILT": "r",
        "DATE-OBS": "2025-03-01T04:00:00.000", "REFDATE": "2025-03-01T04:00:00.000",
        "SCIEXP": 60.0, "REFEXP": 60.0, "THRESH": 5.5, "METHOD": "ZOGY",
    }  # fmt: skip
    for name in ("difference", "significance", "psf"):
        header = fits.getheader(tmp_path / f"{name}.fits")
        assert {key: header[key] for key in expected} == expected
        assert header["CREATOR"].startswith("AstrID ")
    meta = Table.read(tmp_path / "candidates.ecsv").meta
    assert {key: meta[key] for key in expected} == expected
    assert [type(facts[name]) for name in ("n_matched", "psf_degree_science")] == [int, int]
    assert facts["registration"]["n_stars"] > 20
    assert not facts["registration"]["is_mirrored"]


def test_file_names_in_any_alphabet_are_named(night, tmp_path):
    science, reference = night[0]["sky"]
    named = tmp_path / "séance_ψ.fits"
    named.write_bytes(science.read_bytes())
    run((named, reference), tmp_path / "out")
    assert fits.getheader(tmp_path / "out" / "difference.fits")["SCIFILE"] == "s?ance_?.fits"


def write_product(path, frame):
    header = fits.Header()
    header["DATE-OBS"], header["EXPTIME"], header["FILTER"] = "2025-03-01T04:00:00", 60.0, "r"
    path.write_bytes(to_fits(frame, header))
    return path


@pytest.fixture(scope="module")
def products(night, tmp_path_factory):
    """The same pair calibrated, with noise maps 1.8 times as high as the frames show."""
    folder = tmp_path_factory.mktemp("products")
    made = []
    for path in night[0]["sky"]:
        exposure = read_exposure(path, ReadOptions(), PreprocessParameters())
        frame = replace(exposure.frame, noise=1.8 * exposure.frame.noise)
        made.append(write_product(folder / path.name, frame))
    return made


def test_calibrated_products_are_taken_with_their_noise(night, products, tmp_path):
    raw = run(night[0]["sky"], tmp_path / "raw")
    ready = run(products, tmp_path / "ready")
    assert ready["zero_point"]["MAGZP"] == pytest.approx(2.5 * np.log10(60.0))
    found = [Table.read(tmp_path / name / "candidates.ecsv") for name in ("raw", "ready")]
    check_found(found[1], night[1])
    # significance falls by 1.8, by less where the photons of sources outweigh the sky
    best = [table["significance"].max() for table in found]
    assert best[1] < 0.8 * best[0]
    assert raw["candidates"] >= ready["candidates"]


def test_one_image_of_several_is_chosen(night, tmp_path):
    files = []
    for path in night[0]["sky"]:
        with fits.open(path) as units:
            image = units[0]
            twice = [fits.ImageHDU(image.data, image.header, name=name) for name in "AB"]
            fits.HDUList([fits.PrimaryHDU(), *twice]).writeto(tmp_path / path.name)
        files.append(tmp_path / path.name)
    with pytest.raises(CommandError, match=r"several images \(HDUs 1, 2\); choose .* --hdu"):
        run(files, tmp_path / "out")
    assert run(files, tmp_path / "out", "--hdu", "2")["candidates"] >= 6


@pytest.mark.parametrize(
    ("keyword", "value", "option"),
    [
        ("GAIN", None, "--gain 6"),
        ("GAIN", 0.01, "--gain 6"),
        ("RDNOISE", None, "--read-noise 3"),
        ("SATURATE", None, "--saturation 60000"),
        ("DATE-OBS", "soon", "--date-obs 2025-03-01T04:00:00"),
        ("EXPTIME", -1.0, "--exposure 60"),
    ],
)
def test_options_win_over_headers(night, tmp_path, keyword, value, option):
    files = [changed(path, tmp_path, **{keyword: value}) for path in night[0]["sky"]]
    name, _, text = option.partition(" ")
    if value is None or keyword == "DATE-OBS":
        with pytest.raises(CommandError, match=f"{keyword}: .* give {name} "):
            run(files, tmp_path / "out")
    # one gain for both frames suits neither
    figures = run(files, tmp_path / "out", name, text, "--accept-quality")
    assert figures["candidates"] >= 6


def test_edited_files_are_refused_unless_their_checksums_are_ignored(night, tmp_path):
    files = [changed(path, tmp_path, DATASUM="1") for path in night[0]["sky"]]
    with pytest.raises(CommandError, match="give --ignore-checksums if it was edited"):
        run(files, tmp_path / "out")
    run(files, tmp_path / "out", "--ignore-checksums")


@pytest.mark.parametrize(
    "option",
    [
        "--gain=-1",
        "--gain=nan",
        "--read-noise=-1",
        "--saturation=0",
        "--exposure=inf",
        "--date-obs=noon",
    ],
)
def test_impossible_options_are_refused(night, tmp_path, option):
    name, _, value = option.partition("=")
    with pytest.raises(CommandError, match=f"{name}: {value} is no"):
        run(night[0]["sky"], tmp_path / "out", option)


@pytest.mark.parametrize("value", ["nan", "inf", "bright"])
def test_a_zero_point_that_is_no_number_is_refused(night, tmp_path, value):
    with pytest.raises(CommandError, match=f"{value} is not a number of magnitudes"):
        call_command(
            "difference", *map(str, night[0]["sky"]), f"--out={tmp_path}", f"--zero-point={value}"
        )


def test_a_file_is_no_folder_for_results(night, tmp_path):
    taken = tmp_path / "taken"
    taken.write_text("")
    with pytest.raises(CommandError, match="taken is no folder that can be written to"):
        call_command("difference", *map(str, night[0]["sky"]), f"--out={taken / 'below'}")
