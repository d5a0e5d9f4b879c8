import shutil
from dataclasses import replace

import numpy as np
import pytest

from astrid.core.errors import BadWeights
from detection import weights
from detection.card import CLASSIFIER
from detection.classifier import BATCH, judge_frame, judge_stamps, stamps_of
from detection.ensemble import Places, spread_out
from detection.stampnet.harvest import cut
from detection.stampnet.stamps import SIDE, unlabelled
from detection.windows import windows

FWHM = 2.7
# The same float32 sums, in batches of other company.
SAME = 1e-6


@pytest.fixture(scope="module")
def network():
    return weights.load(weights.SHIPPED[CLASSIFIER])


@pytest.fixture(scope="module")
def stack():
    """A frame of noise with a source that rises, one that fades, and a masked corner."""
    frame = np.random.default_rng(4).normal(0, 0.25, (150, 170, 4)).astype(np.float32)
    y, x = np.mgrid[:150, :170]
    for row, column, sign in ((60, 70, 1), (90, 120, -1)):
        light = 1.5 * np.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * (FWHM / 2.35) ** 2))
        frame[..., 0 if sign > 0 else 1] += light
        frame[..., 2] += sign * light
        frame[..., 3] += sign * light
    frame[:20, :20] = 0
    return frame


def places(x, y, is_negative=None):
    negative = np.zeros(len(x), bool) if is_negative is None else np.array(is_negative)
    return Places(np.array(x, float), np.array(y, float), negative)


def everywhere(count, seed=5):
    rng = np.random.default_rng(seed)
    return places(rng.uniform(25, 169, count), rng.uniform(25, 149, count), rng.random(count) < 0.5)


def test_windows_are_what_the_network_learned_from(stack):
    some = everywhere(50)
    corners = np.array([0.0, 169.4]), np.array([149.4, -0.4])
    for x, y in ((some.x, some.y), corners):
        assert np.array_equal(windows(stack, x, y), cut(stack, x, y), equal_nan=True)


def test_a_window_outside_the_frame_is_refused(stack):
    with pytest.raises(ValueError, match=r"candidate 1 is at \(170.00, 3.00\), outside"):
        windows(stack, np.array([5.0, 170.0]), np.array([3.0, 3.0]))


def test_what_fades_is_shown_as_if_it_rose(stack):
    rising, fading = (stamps_of(stack, places([120], [90], [sign]), FWHM) for sign in (False, True))
    middle = SIDE // 2
    assert rising.planes[0, 2, middle, middle] < 0 < fading.planes[0, 2, middle, middle]
    assert np.array_equal(rising.planes[0, :2], fading.planes[0, :2], equal_nan=True)
    assert (rising.sign[0], fading.sign[0]) == (1, -1)


def test_sources_are_more_credible_than_empty_sky(network, stack):
    found = judge_frame(
        network, stack, places([70, 120, 40, 140], [60, 90, 120, 40], [0, 1, 0, 1]), fwhm=FWHM
    )
    assert found.confidence[:2].min() > found.confidence[2:].max()


def test_an_answer_holds_together(network, stack):
    some = everywhere(BATCH + 7)
    found = judge_frame(network, stack, some, fwhm=FWHM)
    assert len(found) == BATCH + 7
    assert (found.fault == "").all()
    assert ((found.confidence > 0) & (found.confidence < 1)).all()
    assert ((found.uncertainty >= 0) & (found.uncertainty <= 0.5)).all()
    assert found.kinds.sum(axis=1) == pytest.approx(np.ones(len(found)))
    assert np.isfinite(found.embedding).all()


def test_an_answer_does_not_depend_on_its_company(network, stack):
    some = everywhere(BATCH + 7)
    together = judge_frame(network, stack, some, fwhm=FWHM)
    for row in (0, BATCH - 1, BATCH):
        alone = judge_frame(network, stack, some.chosen(slice(row, row + 1)), fwhm=FWHM)
        assert alone.confidence[0] == pytest.approx(together.confidence[row], abs=SAME)
        assert alone.embedding[0] == pytest.approx(together.embedding[row], abs=1e-4)


def test_no_candidate_gets_no_answer(network, stack):
    found = judge_frame(network, stack, places([], []), fwhm=FWHM)
    assert (len(found), found.kinds.shape[1]) == (0, 3)


SPOILED = {
    "no data": (slice(None), np.nan),
    "infinite": (slice(None), np.inf),
    "one plane without data": (1, np.nan),
    "constant": (slice(None), 12.5),
    "one plane constant": (2, 0.0),
}


@pytest.mark.parametrize("spoiled", SPOILED)
def test_a_stamp_that_cannot_be_judged_says_why_and_the_others_are_judged(network, stack, spoiled):
    stamps = stamps_of(stack, everywhere(5), FWHM)
    planes = stamps.planes.copy()
    plane, value = SPOILED[spoiled]
    planes[2, plane] = value
    found = judge_stamps(network, replace(stamps, planes=planes))
    whole = judge_stamps(network, stamps)
    assert (found.fault != "").tolist() == [False, False, True, False, False]
    assert "stamps" in found.fault[2]
    others = [0, 1, 3, 4]
    assert np.isnan(found.confidence[2])
    assert found.confidence[others] == pytest.approx(whole.confidence[others], abs=SAME)


def test_all_stamps_without_data_are_left_without_an_answer(network):
    planes = np.full((3, 3, SIDE, SIDE), np.nan, np.float32)
    found = judge_stamps(network, unlabelled(planes, np.full(3, FWHM)))
    assert np.isnan(found.confidence).all()
    assert (found.fault != "").all()


def test_a_network_of_another_architecture_under_this_card_is_refused(tmp_path):
    shipped = weights.SHIPPED[CLASSIFIER]
    for path, ending in ((weights.DEFAULT, ".onnx"), (shipped, ".json")):
        shutil.copy(path.with_suffix(ending), tmp_path / f"net{ending}")
    card = tmp_path / "net.json"
    sha256 = weights.load().card.sha256
    own = weights.load(shipped).card.sha256
    card.write_text(card.read_text().replace(own, sha256))
    with pytest.raises(BadWeights, match="it is a network for something else"):
        weights.load(tmp_path / "net.onnx")


def test_faults_found_early_and_late_are_both_kept(network):
    planes = np.full((2, 3, SIDE, SIDE), np.nan, np.float32)
    planes[1] = np.random.default_rng(6).normal(0, 1, planes[1].shape)
    judged = judge_stamps(network, unlabelled(planes, np.full(2, FWHM)))
    found = spread_out(judged, ["", "outside", ""])
    assert found.fault[1:].tolist() == ["outside", ""]
    assert "too little data" in found.fault[0]
    assert np.isnan(found.confidence).tolist() == [True, True, False]
