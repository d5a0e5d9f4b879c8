from dataclasses import replace

import numpy as np
import pytest

from detection import weights
from detection.scenes import calibrated
from detection.stampnet import dataset, documentation, realframes, serving, training
from detection.stampnet.fitting import fit
from detection.stampnet.sight import INPUTS, look
from differencing.psf.model import PsfModel
from observations.simulator import SceneParameters, simulate_pair
from preprocessing.calibrated import to_fits
from tests.detection.test_stampnet import labelled_as, noise, sky

keras = pytest.importorskip("keras")

TINY = dataset.StampPreset(
    5, 5, 5, epochs=1, grounds_per_scene=2, grounds_per_real_stamp=1, width=4, workers=1
)


def test_two_fits_with_one_seed_give_one_network_and_its_export_answers_alike(tmp_path):
    stamps = labelled_as(sky(48), ["supernova", "artifact", "variable", "unknown"] * 12)
    views = look(stamps)
    one, two = (fit(views, stamps, seed=3, epochs=1, width=4) for _ in range(2))
    assert training.numbers_hash(one) == training.numbers_hash(two)
    content = training.export(one)
    path = tmp_path / "net.onnx"
    path.write_bytes(content)
    training.write(training.draft(content, 1, {}), path)
    told = serving.answers(weights.load(path), views)
    meant = one.predict({name: getattr(views, name) for name in INPUTS}, verbose=0)
    for exported, trained in zip(told, meant, strict=True):
        assert np.abs(exported - trained).max() < 1e-5


def test_a_whole_training_keeps_every_sky_on_one_side_and_ends_in_weights_that_load(
    tmp_path, monkeypatch
):
    folder = tmp_path / "real"
    folder.mkdir()
    planes = noise(12, seed=9)
    planes[::2, ::2, 30:33, 30:33] += 10
    np.savez(folder / "s.npz", x=planes, y=np.arange(12) % 2 == 0, oid=np.arange(12).astype(str))
    learned, splits = [], []

    def split(*given):
        splits.append(dataset.make_split(*given))
        return splits[0]

    def noted(views, stamps, **options):
        learned.append(set(stamps.group.tolist()))
        return fit(views, stamps, **options)

    monkeypatch.setattr(training, "fit", noted)
    monkeypatch.setattr(training, "make_split", split)
    card = training.train(TINY, 7, tmp_path, real=folder, crossfit=True)
    objects = {str(number) for number in range(12)}
    parts = (splits[0].training, splits[0].validation, splits[0].test)
    skies = [set(part.group.tolist()) for part in parts]
    assert not skies[0] & skies[1]
    assert not skies[0] & skies[2]
    assert not skies[1] & skies[2]
    assert objects <= learned[0]
    assert learned[1] & objects
    assert not learned[1] & learned[2] & objects
    assert (learned[1] | learned[2]) & objects == objects
    path = tmp_path / f"{serving.NAME}-{training.RELEASE}.onnx"
    assert weights.load(path, sha256=card.sha256).card == card
    assert card.metrics["real_out_of_fold"]["real"] == 6
    assert list(card.training["real_files"]) == ["s.npz"]
    assert 0 < card.thresholds["detection"] <= card.thresholds["strict"] < 1
    text = documentation.page(card)
    assert card.sha256 in text
    assert "s.npz" in text


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    """Two frames of one simulated field, as files that reduce would write."""
    folder = tmp_path_factory.mktemp("frames") / "field"
    folder.mkdir()
    parameters = SceneParameters(
        size=320, stars_per_mpix=2500, transients_per_mpix=0, variables_per_mpix=0,
        reference_exposures=1, distortion=0.05,
    )  # fmt: skip
    pair = simulate_pair(parameters, 3)
    for name, exposure in (("a", pair.science), ("b", pair.reference)):
        (folder / f"{name}.fits").write_bytes(to_fits(calibrated(exposure)))
    return folder


def test_what_is_put_into_real_frames_is_found_and_what_was_there_is_an_artifact(night):
    (scene,) = realframes.scenes_of(realframes.read_field(night), 4, seed=1)
    assert len(scene.sources) >= 8
    bright = (np.abs(scene.sources[:, 2]) > 15) & (scene.sources[:, 3] == 0)
    found = np.isin(np.flatnonzero(bright), scene.candidates.source)
    assert found.mean() > 0.8
    assert set(scene.kinds.tolist()) <= {"supernova", "variable", "transient"}


def gaussian(frame):
    """A PSF of 1.5 px rms all over a frame."""
    y, x = np.mgrid[-12:13, -12:13]
    star = np.exp(-0.5 * (x**2 + y**2) / 1.5**2)
    return PsfModel((star / star.sum())[None], 0, frame.shape, 10)


def test_the_faintest_change_of_a_star_is_three_per_cent_of_its_light(night):
    frame = replace(realframes.read_field(night).frames[0], gain=1e9)  # no photon noise
    before = frame.pixels.copy()
    before[80, 100] = 1e4
    frame = replace(frame, pixels=before)
    after, psf, place = before.copy(), gaussian(frame), (100.0, 80.0)
    snr = realframes.snr_of_share(frame, psf, place)
    realframes.add_point(after, frame, psf, place, snr, np.random.default_rng(0))
    assert after[80, 100] - before[80, 100] == pytest.approx(300, rel=1e-3)


def test_an_injected_source_has_the_flux_and_place_it_was_given(night):
    frame = realframes.read_field(night).frames[0]
    psf = gaussian(frame)
    pixels = frame.pixels.copy()
    bright = replace(frame, gain=1e9)  # no photon noise
    realframes.add_point(pixels, bright, psf, (100.3, 80.6), 50.0, np.random.default_rng(0))
    light = np.nan_to_num(pixels - frame.pixels).astype(float)
    rows, columns = np.indices(light.shape)
    assert (light * columns).sum() / light.sum() == pytest.approx(100.3, abs=0.02)
    assert (light * rows).sum() / light.sum() == pytest.approx(80.6, abs=0.02)


def test_a_field_of_one_frame_is_refused(tmp_path, night):
    (tmp_path / "a.fits").write_bytes((night / "a.fits").read_bytes())
    with pytest.raises(ValueError, match="two or more of one grid are needed"):
        realframes.read_field(tmp_path)
