import json
from dataclasses import replace

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from detection import dataset, documentation, metrics, sampling, tracking, training, weights
from detection.assessment import exchanged
from detection.scenes import Candidates, make_scene, pixel_truth
from detection.stamps import read_stamps
from observations.simulator import SceneParameters

FIELD = SceneParameters(
    size=256,
    stars_per_mpix=2000,
    transients_per_mpix=200,
    variables_per_mpix=30,
    host_fraction=0.5,
    cosmic_rays_per_mpix=300,
    hot_pixels_per_mpix=300,
    distortion=0.3,
)


@pytest.fixture(scope="module")
def scene():
    return make_scene(11, (FIELD, True))


def test_a_scene_comes_through_the_pipeline_with_its_sources_where_they_are(scene):
    found = scene.candidates
    real = np.flatnonzero(found.is_real)
    assert len(real) >= 5
    true = scene.sources[found.source[real]]
    # S/N 5 and a FWHM of 3.4 px give 0.3 px; registration adds 0.1
    assert np.median(np.hypot(found.x[real] - true[:, 0], found.y[real] - true[:, 1])) < 0.6
    assert (found.is_negative[real] == (true[:, 2] < 0)).all()


def test_labels_are_one_where_a_source_was_found_and_weigh_nothing_where_it_was_not(scene):
    for index, (x, y, snr, _) in enumerate(scene.sources):
        pixel = round(y), round(x)
        if index in scene.candidates.source:
            assert scene.labels[pixel] == 1
        elif abs(snr) > 2 and not scene.labels[pixel]:
            assert scene.weights[pixel] == 0


def test_the_same_seed_gives_the_same_scene_and_another_seed_another_sky(scene):
    again = make_scene(11, (FIELD, True))
    assert np.array_equal(again.stack, scene.stack)
    assert np.array_equal(again.labels, scene.labels)
    assert not np.array_equal(make_scene(12, (FIELD, True)).stack, scene.stack)


def test_pixels_around_a_bogus_candidate_count_in_full():
    bogus = Candidates(*(np.array([value]) for value in (20.0, 30.0, 6.0, False, -1)))
    stack = np.ones((64, 64, 4), np.float32)
    labels, weights = pixel_truth(stack, bogus, np.empty((0, 4)), 3.0)
    assert not labels.any()
    assert (weights[28:33, 18:23] == 1).all()
    assert (weights == 1).sum() == 25


def test_no_scene_is_in_two_parts():
    parts = dataset.seeds_of(dataset.PRESETS["default"], 3)
    dataset.check_disjoint(*parts)
    neighbour = dataset.seeds_of(dataset.PRESETS["default"], 4)
    dataset.check_disjoint(*parts, *neighbour)
    with pytest.raises(ValueError, match=r"scenes \[5\] are in the data more than once"):
        dataset.check_disjoint([4, 5], [5, 6])


def test_a_split_that_shares_a_scene_cannot_be_made(scene):
    with pytest.raises(ValueError, match="split by scene"):
        dataset.Split([scene], [scene], [], [], [])


def test_tiles_keep_labels_on_their_sources_when_turned_and_reversed(scene):
    tiles, truth = sampling.augmented_tiles([scene], 64, np.random.default_rng(0))
    assert tiles.shape == (64, 64, 64, 4)
    labelled = truth[..., 0] == 1
    assert labelled.any()
    # |S_corr| of found sources exceeds 4.5 sigma at the peak, blank sky has 1
    assert np.abs(tiles[..., 3])[labelled].mean() > 4 * np.abs(tiles[..., 3])[~labelled].mean()


def test_exchanging_the_epochs_twice_changes_nothing(scene):
    once = exchanged(scene.stack)
    assert np.array_equal(once[..., 0], scene.stack[..., 1])
    assert np.array_equal(once[..., 2], -scene.stack[..., 2])
    assert np.array_equal(exchanged(once), scene.stack)


def test_two_fits_with_one_seed_give_one_network_and_the_loss_falls(scene):
    keras = pytest.importorskip("keras")
    preset = replace(dataset.PRESETS["ci"], epochs=1, tiles_per_epoch=64, base=2, depth=2)
    one, two = (training.fit([scene], preset, 5).get_weights() for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    other = training.fit([scene], preset, 6).get_weights()
    assert not all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    assert keras.backend.backend() in {"tensorflow", "jax"}


def test_a_whole_training_ends_in_weights_that_load_and_a_card_that_can_be_read(tmp_path):
    preset = replace(
        dataset.Preset(5, 5, 5, 1, epochs=1, tiles_per_epoch=64), base=2, depth=2, workers=1
    )
    card = training.train(preset, 7, tmp_path)
    loaded = weights.load(tmp_path / "astrid-unet-1.onnx", sha256=card.sha256)
    assert loaded.card == card
    assert card.architecture["depth"] == 2
    assert card.training["seed"] == 7
    assert set(card.training["parts"]) == {"training", "validation", "test", "survey"}
    assert 0 < card.thresholds["detection"] <= card.thresholds["strict"] < 1
    text = documentation.page(card)
    assert card.sha256 in text
    assert f"{card.metrics['auc']['value']:.4f}" in text
    figures = tracking.figures_of(card)
    assert all(isinstance(value, float) for value in figures.values())
    assert figures["auc"] == card.metrics["auc"]["value"]


def test_auc_is_the_share_of_pairs_in_the_right_order():
    score = np.array([0.1, 0.4, 0.4, 0.8])
    is_real = np.array([False, True, False, True])
    # pairs: 0.4>0.1, 0.4=0.4, 0.8>0.1, 0.8>0.4
    assert metrics.auc(score, is_real) == pytest.approx((1 + 0.5 + 1 + 1) / 4)


def test_a_calibrated_score_has_no_calibration_error_and_a_constant_one_its_bias():
    rng = np.random.default_rng(0)
    score = rng.random(200_000)
    is_real = rng.random(200_000) < score
    # ten bins of 20000: sqrt(0.25 / 20000) = 0.0035 each
    assert metrics.ece(score, is_real) < 0.005
    assert metrics.ece(np.full(1000, 0.9), np.arange(1000) < 500) == pytest.approx(0.4)


def test_false_positives_are_counted_where_95_percent_of_the_real_pass():
    score = np.concatenate([np.linspace(0, 1, 101), np.linspace(-1, 0.99, 200)])
    is_real = np.arange(301) < 101
    # the 5 % quantile of the real ones is 0.05; 95 of 200 bogus lie at 0.05 or above
    assert metrics.fpr_at_tpr(score, is_real) == pytest.approx(95 / 200, abs=0.01)


def test_an_interval_holds_its_figure_and_grows_when_stamps_share_objects():
    rng = np.random.default_rng(8)
    is_real = np.repeat(rng.random(60) < 0.5, 10)
    score = np.repeat(rng.normal(0, 1, 60), 10) + is_real
    alone = metrics.with_interval(metrics.auc, score, is_real)
    grouped = metrics.with_interval(metrics.auc, score, is_real, np.repeat(np.arange(60), 10))
    assert alone.low < alone.value < alone.high
    # ten copies of each stamp are no new evidence: sqrt(10) wider
    assert grouped.high - grouped.low > 2 * (alone.high - alone.low)


def test_wilson_interval_of_eight_in_ten():
    found = metrics.share(np.arange(10) < 8)
    # Brown, Cai & DasGupta 2001: 0.490 to 0.943
    assert (found.low, found.high) == pytest.approx((0.490, 0.943), abs=0.001)


@pytest.fixture
def labelled():
    rng = np.random.default_rng(2)
    y, x = np.mgrid[:63, :63] - 31
    star = np.exp(-(x**2 + y**2) / (2 * 1.5**2))
    stamps = rng.normal(0, 1, (40, 63, 63, 3))
    stamps[:20] += 15 * star[..., None] * np.array([1.0, 0.0, 1.0])
    return {"triplets": stamps, "labels": np.arange(40) < 20}


def write(path, arrays):
    np.savez(path, **arrays)
    return path


def test_evaluate_model_prints_one_json_object_with_intervals(tmp_path, labelled, capsys):
    path = write(tmp_path / "s.npz", labelled | {"objects": np.arange(40) // 2})
    call_command("evaluate_model", str(path), "--json")
    report = json.loads(capsys.readouterr().out)
    for name in ("auc", "fpr_at_tpr95", "ece"):
        low, high = report[f"{name}_interval"]
        assert low <= report[name] <= high
    # 15 sigma stars against blank noise
    assert report["auc"] > 0.99


def test_planes_may_come_first_or_last_and_under_other_names(tmp_path, labelled):
    first = write(tmp_path / "a.npz", labelled)
    moved = {"x": np.moveaxis(labelled["triplets"], 3, 1), "y": labelled["labels"].astype(int)}
    second = write(tmp_path / "b.npz", moved)
    one, two = read_stamps(first), read_stamps(second)
    assert np.array_equal(one.pixels, two.pixels)
    assert np.array_equal(one.is_real, two.is_real)


def spoil(labelled, **changes):
    return labelled | {name: change(labelled[name].copy()) for name, change in changes.items()}


def lost(stamps):
    stamps[7] = np.nan
    return stamps


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"triplets": lost}, "first is number 7"),
        ({"triplets": lambda stamps: stamps[..., :2]}, "3 or 4 square planes"),
        ({"triplets": lambda stamps: stamps[:, :, :50]}, "square planes"),
        ({"triplets": lambda stamps: stamps[0]}, "of shape"),
        ({"labels": lambda labels: labels[:5]}, "labels have shape"),
        ({"labels": lambda labels: labels * 0}, "must occur"),
        ({"labels": lambda labels: labels + 1.5}, "must occur"),
        ({"triplets": lambda stamps: stamps.astype(object)}, "unpickling"),
    ],
)
def test_unusable_stamps_are_refused_in_words(tmp_path, labelled, changes, words):
    path = write(tmp_path / "s.npz", spoil(labelled, **changes))
    with pytest.raises(CommandError, match=words):
        call_command("evaluate_model", str(path), "--json")


def test_a_file_that_is_no_npz_is_refused(tmp_path):
    path = tmp_path / "s.npz"
    path.write_bytes(b"no archive")
    with pytest.raises(CommandError, match=r"s\.npz"):
        call_command("evaluate_model", str(path))
    with pytest.raises(CommandError, match="no file"):
        call_command("evaluate_model", str(tmp_path / "none.npz"))
