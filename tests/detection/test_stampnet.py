import numpy as np
import pytest
import sep
from django.core.management import CommandError, call_command

from astrid.core.errors import BadImage
from detection.calibration import fit_calibration
from detection.stampnet import changes, dataset, grounds, making, mismatch, sight
from detection.stampnet.changes import Ground, amplitude
from detection.stampnet.context import CONTEXT, neighbours
from detection.stampnet.fitting import targets
from detection.stampnet.labelled import class_figures, labelled, sky_of
from detection.stampnet.light import Shape, moffat
from detection.stampnet.spoiling import FLAWS, disturb
from detection.stampnet.stamps import ARTIFACT, SIDE, fitted, unlabelled
from detection.stamps import read_stamps

MIDDLE = SIDE // 2


def noise(count, seed=0):
    return np.random.default_rng(seed).normal(0, 1, (count, 3, SIDE, SIDE)).astype(np.float32)


def stamps_of(planes, fwhm=2.5, **facts):
    return unlabelled(planes, np.full(len(planes), fwhm), **facts)


def fact(views, name):
    return views.context[:, CONTEXT.index(name)]


def test_level_and_unit_of_each_plane_do_not_matter():
    planes = noise(4)
    planes[:, :, MIDDLE, MIDDLE] += 20
    other = (
        planes * np.array([3.0, 0.5, 40.0])[:, None, None] + np.array([9, 200, -1])[:, None, None]
    )
    one, two = sight.look(stamps_of(planes)), sight.look(stamps_of(other.astype(np.float32)))
    # float32 holds 200 + 0.5 to 3e-5; asinh does not stretch that
    assert np.allclose(one.fovea, two.fovea, atol=1e-3)
    assert np.allclose(one.periphery, two.periphery, atol=1e-3)


@pytest.mark.parametrize("hole", [np.nan, np.inf, -np.inf])
def test_pixels_without_data_are_zero_and_said_to_be_missing(hole):
    planes = noise(1)
    planes[0, 1, MIDDLE + 4, MIDDLE - 3] = hole
    views = sight.look(stamps_of(planes))
    row, column = sight.FOVEA // 2 + 4, sight.FOVEA // 2 - 3
    assert np.isfinite(views.fovea).all()
    assert (views.fovea[0, row, column, [0, 1, 2, 4]] == 0).all()
    assert views.fovea[0, ..., 4].sum() == sight.FOVEA**2 - 1
    assert fact(views, "missing")[0] == pytest.approx(1 / SIDE**2)


def blank(planes):
    planes[1] = np.nan


def flat(planes):
    planes[1, 0] = 7


def infinite(planes):
    planes[1, 2] = np.inf


def hollow(planes):
    planes[1, :, MIDDLE - 3 : MIDDLE + 4, MIDDLE - 3 : MIDDLE + 4] = np.nan


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (blank, "number 1 has 0% of its pixels"),
        (flat, "without noise, the first is number 1"),
        (infinite, "number 1 has 0% of its pixels"),
        (hollow, "0 of the 25 in its middle"),
    ],
)
def test_stamps_that_show_nothing_are_refused_by_their_number(spoil, words):
    planes = noise(3)
    spoil(planes)
    assert sight.is_visible(planes).tolist() == [True, False, True]
    with pytest.raises(ValueError, match=words):
        sight.look(stamps_of(planes))


def test_stamps_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="63"):
        stamps_of(noise(2)[:, :2])
    with pytest.raises(ValueError, match="one value per stamp"):
        unlabelled(noise(2), np.ones(3))


def test_a_star_is_found_with_the_significance_it_was_given():
    fwhm, snr = 3.0, 20.0
    star = moffat(fwhm, 100.0, Shape())  # a Gaussian, nearly
    planes = noise(40, seed=1)
    planes[:, 2] += (amplitude(snr, star) * star).astype(np.float32)
    views = sight.look(stamps_of(planes, fwhm))
    peak = 3 * np.sinh(2 * fact(views, "peak"))
    # 1/sqrt(40) of scatter 1, the largest of correlated neighbours, 3 % for the noise of the noise
    assert peak.mean() == pytest.approx(snr, abs=1.5)


def test_the_nearest_source_of_the_reference_is_described_in_seeing_widths():
    planes = noise(2, seed=2)
    planes[0, 1] += 100 * moffat(3.0, 3.0, Shape(x=6.0))
    views = sight.look(stamps_of(planes, 3.0))
    assert fact(views, "source_known").tolist() == [1, 0]
    assert fact(views, "separation")[0] == pytest.approx(2.0, abs=0.05)  # 0.1 px
    # a Moffat star of beta 3 has half its light within 0.57 FWHM
    assert fact(views, "size")[0] == pytest.approx(0.57, abs=0.1)


def test_a_source_that_fills_the_window_is_found_and_seps_room_is_left_as_it_was():
    before = sep.get_extract_pixstack()
    light = np.full((1, SIDE, SIDE), 10, np.float32)
    known, apart, *_ = neighbours(light, np.array([3.0]))
    assert (known[0], apart[0]) == (1, 0)
    assert sep.get_extract_pixstack() == before


@pytest.mark.parametrize("side", [30, 61, 63, 65])
def test_stamps_of_other_sizes_keep_their_middle(side):
    planes = np.zeros((1, 3, side, side), np.float32)
    planes[..., side // 2, side // 2] = 5
    whole = fitted(planes)
    assert whole.shape[-1] == SIDE
    assert (whole[..., MIDDLE, MIDDLE] == 5).all()
    assert np.nansum(whole) == 15


def test_moving_a_stamp_centres_the_wanted_pixel():
    planes = noise(1)[0]
    away = grounds.moved(planes, 50, 7, is_mirrored=False)
    assert (away[:, MIDDLE, MIDDLE] == planes[:, 50, 7]).all()
    assert np.isnan(away[:, -1, 0]).all()
    mirrored = grounds.moved(planes, 50, 7, is_mirrored=True)
    assert (mirrored[:, MIDDLE, MIDDLE] == planes[:, 50, 7]).all()
    assert (mirrored[:, MIDDLE, 0] == planes[:, 50, 24]).all()  # 31 px left of column 7


def crowded(share, count=25):
    """A stamp of stars, of which a share of the science frame is left in the difference."""
    rng = np.random.default_rng(11)
    planes = noise(1, seed=12)
    for x, y in rng.uniform(-28, 28, (count, 2)):
        star = 12 * moffat(2.5, 3.0, Shape(x=x, y=y))
        planes[0, 0] += star
        planes[0, 1] += 2 * star
        planes[0, 2] += share * star
    return stamps_of(planes)


def test_the_share_of_the_other_stars_that_is_left_in_a_difference_is_measured():
    some, none = (sight.look(crowded(share)) for share in (0.2, 0.0))
    # stars raise the noise that a crowded plane shows by a tenth or two
    assert fact(some, "science_left")[0] == pytest.approx(0.2, abs=0.05)
    assert fact(some, "reference_left")[0] == pytest.approx(0.1, abs=0.03)
    assert abs(fact(none, "science_left")[0]) < 0.02
    assert fact(some, "stars_left")[0] > fact(none, "stars_left")[0] + 0.5
    assert fact(some, "roughness")[0] > fact(none, "roughness")[0] + 0.3


def test_the_share_of_a_change_in_the_light_at_its_place_is_measured():
    planes = noise(1, seed=13)
    star = moffat(2.5, 3.0, Shape())
    planes[0] += np.array([100.0, 400.0, 10.0])[:, None, None] * star
    views = sight.look(stamps_of(planes))
    # 25 px of noise 1 against 100 times the 7 px that the star fills
    assert fact(views, "science_share")[0] == pytest.approx(0.1, abs=0.02)
    assert fact(views, "reference_share")[0] == pytest.approx(0.025, abs=0.01)


def sky(count, seed=3):
    stamps = stamps_of(noise(count, seed))
    return labelled_as(stamps, np.full(count, "unknown"))


def labelled_as(stamps, kind):
    return dataset.replace(stamps, kind=np.asarray(kind, "U10"))


def test_residuals_of_two_signs_are_taken_as_artifacts_and_stars_are_not():
    stamps = sky(2)
    star = moffat(2.5, 3.0, Shape(x=15.0)) * 40
    stamps.planes[0, 2] += star - np.roll(star, 3, axis=1)
    stamps.planes[1, 2] += star
    found = grounds.residuals_of_stamps(stamps, threshold=8)
    assert set(found.group.tolist()) == {"0"}
    assert (found.kind == ARTIFACT).all()
    assert (found.planes[:, 2, MIDDLE, MIDDLE] > 0).all()


def test_what_is_made_on_a_sky_belongs_to_it_and_is_the_same_with_the_same_seed():
    places = grounds.grounds_of_stamps(sky(40), np.random.default_rng(1))
    one, two = (making.fabricate(places, np.random.default_rng(2)) for _ in range(2))
    assert one.sha256() == two.sha256()
    assert set(one.group.tolist()) <= {str(number) for number in range(40)}
    assert 0.2 < one.is_real.mean() < 0.8
    assert len(sight.look(one)) == len(one)


@pytest.mark.parametrize("flaw", FLAWS, ids=lambda flaw: flaw.__name__)
def test_every_artifact_shows_in_the_difference_near_the_middle(flaw):
    rng = np.random.default_rng(4)
    part = slice(MIDDLE - 8, MIDDLE + 9)
    brightest = []
    for number in range(12):
        before = noise(1, number)[0]
        planes = before.astype(float)
        assert flaw(rng, Ground(before, 2.5), planes) in {1.0, -1.0}
        assert np.isfinite(planes[0, MIDDLE - 1 : MIDDLE + 2, MIDDLE - 1 : MIDDLE + 2]).any()
        brightest.append(np.nanmax(np.abs((planes - before)[2, part, part])))
    # an artifact that is found stands out of the noise of its pixels, which is 1
    assert np.median(brightest) > 1


def test_a_wrong_scale_leaves_the_same_share_of_every_star():
    before = np.zeros((3, SIDE, SIDE))
    for x, peak in ((0.0, 80.0), (15.0, 200.0)):
        before[:2] += peak * moffat(2.5, 3.0, Shape(x=x))
    planes = before.copy()
    mismatch.leave_share(np.random.default_rng(1), Ground(before, 2.5), planes, snr=20.0)
    left = planes[2] / before[0]
    assert left[MIDDLE, MIDDLE] > 0
    assert left[MIDDLE, MIDDLE + 15] == pytest.approx(left[MIDDLE, MIDDLE], rel=1e-6)
    near = moffat(2.5, 100.0, Shape())
    found = (near * planes[2]).sum() / np.sqrt((near**2).sum())
    assert found == pytest.approx(20, rel=0.05)  # the filter is a Gaussian, the star a Moffat


def test_neither_sign_nor_missing_data_tell_what_was_made_into_what():
    made = making.fabricate(
        [place for k in range(3) for place in grounds.grounds_of_stamps(sky(50, k), RNG(k))], RNG(9)
    )
    for column in (made.sign != 0, np.isnan(made.planes[:, 0]).any(axis=(1, 2))):
        shares = [column[made.is_real == label].mean() for label in (True, False)]
        # 75 of each: the difference of two shares of a half has a standard error of 0.08; a rim
        # of missing data, one artifact in eleven, adds 0.06
        assert shares[0] == pytest.approx(shares[1], abs=0.2)
    for label in (True, False):
        signs = set(made.sign[made.is_real == label].tolist())
        assert signs == {-1.0, 0.0, 1.0}


RNG = np.random.default_rng


def test_a_disturbed_stamp_is_changed_around_its_middle_and_hardly_in_it():
    part = slice(MIDDLE - 1, MIDDLE + 2)
    before = noise(1, 3)[0]
    after = [disturb(RNG(k), Ground(before, 2.5)).planes for k in range(60)]
    touched = [planes for planes in after if not np.array_equal(planes, before)]
    assert 5 < len(touched) < 40  # three in ten
    # residuals lie 6 px away and more; at 80 sigma their wings may reach a sigma here
    assert np.median([np.abs((one - before)[2, part, part]).max() for one in touched]) < 1


def test_a_star_never_varies_by_less_than_a_scale_error_could_feign():
    ground = Ground(noise(1, 4)[0] * 0.01, 2.5)
    for number in range(40):
        planes, _, kind = changes.change(RNG(number), ground)
        if kind != "variable":
            continue
        core = slice(MIDDLE - 2, MIDDLE + 3)
        lit = planes[:2, core, core].max(axis=(1, 2)).min()
        # photon noise and the error of the star's place may halve what is seen
        assert planes[2, core, core].max() > 0.5 * changes.LEAST_SHARE * lit


def test_every_class_counts_alike_in_training():
    stamps = labelled_as(sky(60), ["supernova"] * 40 + ["variable"] * 6 + ["artifact"] * 14)
    _, kinds = targets(stamps, RNG(0))
    weight = kinds[:, 3]
    assert (weight[46:] == 0).all()
    # Poisson weights of mean 1 and variance 1/3, three members: 40 and 6 stamps give 0.14
    assert weight[:40].sum() == pytest.approx(weight[40:46].sum(), rel=0.5)


def test_stamps_that_nobody_labelled_serve_as_sky(tmp_path):
    folder = tmp_path / "skies"
    folder.mkdir()
    np.savez(folder / "far.npz", x=noise(5)[..., 1:62, 1:62], oid=list("abcab"), fwhm=np.full(5, 9))
    real = dataset.read_real(tmp_path, 1, 1)
    assert list(real.sha256) == ["skies/far.npz"]
    assert set(real.skies.group.tolist()) == {"far a", "far b", "far c"}
    parts = dataset.real_parts(real, dataset.STAMP_PRESETS["ci"], RNG(0))
    assert set(parts) == {"residuals beside unlabelled", "made beside unlabelled"}
    assert set(parts["made beside unlabelled"].group.tolist()) <= {"far a", "far b", "far c"}
    np.savez(folder / "far.npz", y=np.ones(3))
    with pytest.raises(BadImage, match="must hold the arrays triplets or stamps or x"):
        sky_of(folder / "far.npz")


def test_no_sky_is_on_two_sides_of_a_split_and_one_that_is_is_named():
    one, two = dataset.halves(sky(60))
    dataset.check_apart(one, two)
    assert len(one) + len(two) == 60
    assert min(len(one), len(two)) > 15
    with pytest.raises(ValueError, match=r"1 objects or scenes are on both sides.*'7'"):
        dataset.check_apart(sky(9).chosen(np.array([7])), sky(60))


def test_a_folder_without_real_data_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"neither \*\.npz files of stamps nor frames/FIELD"):
        dataset.read_real(tmp_path, 1, 1)


def test_confidences_hold_for_the_prior_they_were_made_for():
    is_real = np.arange(1000) < 300
    found = fit_calibration(np.full(1000, 0.5), is_real, prior=0.9)
    # a score that says nothing can only repeat the share of real ones
    assert found(np.array([0.5]))[0] == pytest.approx(0.9, abs=0.005)


def test_classes_are_counted_where_they_are_known():
    kinds = np.array([[0.9, 0.1, 0.0], [0.2, 0.7, 0.1], [0.6, 0.3, 0.1]])
    found = class_figures(kinds, np.array(["supernova", "variable", "variable"]))
    assert found["supernova"]["value"] == 1
    assert (found["variable"]["n"], found["variable"]["value"]) == (2, 0.5)


def test_what_packets_say_is_understood(tmp_path):
    planes = noise(6)
    np.savez(
        tmp_path / "s.npz",
        x=planes,
        y=[0, 1, 1, 1, 1, 1],
        isdiffpos=["t", "f", "1", "0", "?", "t"],
        ndethist=[1, 2, -99, 4, 5, 6],
        cls=["", "sn", "agn", "variable", "asteroid", ""],
    )
    stamps = labelled(read_stamps(tmp_path / "s.npz"))
    assert stamps.sign.tolist() == [1, -1, 1, -1, 0, 1]
    assert np.isnan(stamps.history).tolist() == [False, False, True, False, False, False]
    assert stamps.kind.tolist() == [
        "artifact", "supernova", "variable", "variable", "transient", "unknown"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ("--real and --crossfit are for", {"network": "unet", "real": "x"}),
        ("name their folder by --real", {"crossfit": True}),
        ("the U-Net has presets", {"network": "unet", "preset": "gpu"}),
        ("holds neither", {"preset": "ci", "real": "nowhere"}),
    ],
)
def test_options_that_do_not_go_together_are_refused(tmp_path, words, options):
    with pytest.raises(CommandError, match=words):
        call_command("train_model", **options, out=tmp_path)
