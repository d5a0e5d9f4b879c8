"""Verdicts become lessons, lessons a challenger, and no part of the sky is on both sides."""

import io
import json
from collections import Counter
from io import StringIO

import numpy as np
import pytest
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.urls import reverse

from astrid.core import store
from astrid.core.errors import BadWeights
from catalog import config, tasks
from curation.lessons import collect
from curation.models import GoldItem, ReviewTask, ValidationEvent
from curation.parameters import RetrainingParameters, ReviewPolicy
from curation.services import judge, withdraw
from detection import cutouts, registry, teaching
from detection.lessons import Lesson
from detection.models import Detection, Model, SkyObject, TrainingDataset, TrainingRun
from detection.networks import in_force, open_networks
from detection.retraining import CannotLearn, retrain
from detection.stampnet import finetuning
from tests import factories

pytestmark = pytest.mark.django_db
POLICY = ReviewPolicy()


@pytest.fixture
def people():
    return [factories.make_user(name, group="curator") for name in ("ada", "ben")]


@pytest.fixture
def run():
    return factories.make_model_run(model=in_force().model)


def picture(rng, change=None):
    """Noise around a sky of 100, and in science and difference what has changed."""
    planes = rng.normal(100, 5, (4, 63, 63))
    if change is not None:
        planes[[0, 2]] += change
    return planes.astype(np.float16)


def detection(run, stamps=None, **fields):
    stamps = picture(np.random.default_rng(1)) if stamps is None else stamps
    return factories.make_detection(
        model_run=run, cutouts_path=store.put(cutouts.to_npz(stamps)), **fields
    )


def say(one, by, is_valid, **fields):
    label = fields.pop("label", {True: "supernova", False: "artifact", None: None}[is_valid])
    return judge(one, by=by, is_valid=is_valid, label=label, policy=POLICY, **fields)


def lessons():
    found = collect(RetrainingParameters())
    return {row.detection.pk: row for row in found.rows}, found.left_out


def test_the_latest_verdict_of_a_detection_counts_with_its_confidence(run, people):
    ada, ben = people
    one = detection(run)
    say(one, ada, False, confidence_level="expert")
    say(one, ada, True, label="variable", confidence_level="low")
    say(one, ben, True, label="agn", confidence_level="high")
    rows, left_out = lessons()
    lesson = rows[one.pk]
    assert (lesson.is_real, lesson.label, lesson.kind) == (True, "agn", "variable")
    assert lesson.weight == RetrainingParameters().high
    assert left_out == {}


def test_disputed_unsure_gold_and_pictureless_ones_teach_nothing(run, people):
    ada, ben = people
    disputed, unsure, gold, blank = (detection(run) for _ in range(4))
    say(disputed, ada, True)
    say(disputed, ben, False)
    say(unsure, ada, None)
    say(gold, ada, True)
    GoldItem.objects.create(detection=gold, truth="real")
    Detection.objects.filter(pk=blank.pk).update(cutouts_path="")
    say(blank, ada, True)
    rows, left_out = lessons()
    assert rows == {}
    assert left_out == {"disputed": 1, "unsure": 1, "gold": 1, "without pixels": 1}


def test_an_adjudicators_word_ends_a_dispute(run, people):
    ada, ben = people
    one = detection(run)
    say(one, ada, True)
    event = say(one, ben, False)
    assert lessons() == ({}, {"disputed": 1})
    ValidationEvent.objects.create(
        detection=one, validator=ben, is_valid=False, label="dipole", decides=True, supersedes=event
    )
    rows, _ = lessons()
    assert (rows[one.pk].is_real, rows[one.pk].label) == (False, "dipole")


def test_a_verdict_that_was_taken_back_is_forgotten(run, people):
    ada, _ = people
    one = detection(run)
    say(one, ada, True)
    withdraw(one, by=ada, policy=POLICY)
    assert lessons() == ({}, {})


def test_a_lesson_counts_for_the_candidates_that_it_stands_for_up_to_a_limit(run, people):
    ada, _ = people
    some, many = detection(run), detection(run)
    for one, weight in ((some, 5.0), (many, 400.0)):
        ReviewTask.objects.create(
            detection=one,
            score=0.9,
            sampling_weight=weight,
            offered_at=run.created_at,
        )
        say(one, ada, True, confidence_level="expert")
    rows, _ = lessons()
    assert (rows[some.pk].weight, rows[many.pk].weight) == (5.0, 10.0)
    assert rows[some.pk].way == "random sample"


def sky(run, people, number=160, seed=7):
    """Judged detections over the sky, two epochs of each object, whose score says too much."""
    rng = np.random.default_rng(seed)
    ada, _ = people
    for _ in range(number // 2):
        place = {"ra": float(rng.uniform(0, 360)), "dec": float(rng.uniform(-60, 60))}
        thing = factories.make_sky_object(**place)
        is_real = bool(rng.random() < 0.5)
        for epoch in (1, 2):
            # an epoch lies within half an arcsecond of the other
            near = {name: value + rng.uniform(-1, 1) * 1e-4 for name, value in place.items()}
            score = float(rng.uniform(0.75, 0.999) if is_real else rng.uniform(0.6, 0.98))
            seen = factories.make_observation(survey=run.observation.survey)
            one = detection(run, observation=seen, sky_object=thing, confidence_score=score,
                            prediction_metadata={"history": epoch}, **near)  # fmt: skip
            say(one, ada, is_real)


def call(**options):
    out = StringIO()
    call_command("retrain_model", json=True, stdout=out, **options)
    return json.loads(out.getvalue())


def fit_confidence():
    return call(calibration_only=True)


@pytest.fixture
def at_home(settings, tmp_path):
    settings.STATE = tmp_path


def test_no_object_of_the_sky_is_on_both_sides_of_the_split(run, people, at_home):
    sky(run, people)
    rows, _ = lessons()
    sides: dict = {}
    for lesson in rows.values():
        sides.setdefault(lesson.detection.sky_object_id, set()).add(lesson.is_test(0.3))
    assert len(sides) == SkyObject.objects.count() == 80
    assert all(len(side) == 1 for side in sides.values())
    assert {True, False} == set.union(*sides.values())
    config.put("retraining", {"least_of_a_kind": 5})
    fit_confidence()
    split = TrainingDataset.objects.get().split
    assert not set(split["calibration"]) & set(split["test"])


def test_the_three_parts_of_the_sky_have_the_shares_that_they_were_given(run, people):
    rng = np.random.default_rng(5)
    found = Counter(
        Lesson(Detection(hpx=int(cell)), True, "", "", "", 1.0).part(0.3, 0.3)
        for cell in rng.integers(0, 2**58, 4000)
    )
    # binomial: 0.7 % of standard error each
    assert found["test"] / 4000 == pytest.approx(0.3, abs=0.03)
    assert found["calibration"] / 4000 == pytest.approx(0.21, abs=0.03)
    assert found["training"] / 4000 == pytest.approx(0.49, abs=0.03)


def test_a_confidence_fitted_to_verdicts_makes_a_challenger_and_never_a_champion(
    run, people, at_home
):
    sky(run, people)
    config.put("retraining", {"least_of_a_kind": 5})
    champion = in_force().model
    report = fit_confidence()
    challenger = registry.challenger(champion.model_type)
    assert in_force().model == champion
    assert (report["challenger"], challenger.version) == ("astrid-stamps 2.1", "2.1")
    assert report["figures"]["ece"]["value"] < report["figures"]["ece_before"]["value"]
    assert sum(row["rows"] for row in report["rows"]) == report["lessons"] == 160
    assert {row["label"] for row in report["rows"]} == {"artifact", "supernova"}
    assert "160 verdicts" in challenger.model_card
    training = TrainingRun.objects.get()
    assert (training.status, training.model) == ("completed", challenger)
    assert registry.open_weights(challenger).card.version == "2.1"
    assert fit_confidence()["challenger"] == "astrid-stamps 2.2"


Y, X = np.mgrid[-31:32, -31:32]
STAR = 300 * np.exp(-0.5 * (X**2 + Y**2) / 1.1**2)
ROW = np.where(Y == 0, 60.0, 0.0)


def shown_sky(run, people, number):
    """Judged detections of a camera that leaks along bright rows, and makes stars there."""
    rng, (ada, _) = np.random.default_rng(8), people
    for index in range(number):
        is_real = index % 2 == 0
        place = {"ra": float(rng.uniform(0, 360)), "dec": float(rng.uniform(-60, 60))}
        stamps = picture(rng, rng.uniform(0.5, 2) * STAR)
        if not is_real:
            stamps[:2] += ROW.astype(np.float16)
        say(detection(run, stamps, **place), ada, is_real)


@pytest.fixture
def few_scenes(monkeypatch):
    """So few that a test can wait for them, and enough to measure the anomaly detector on."""
    monkeypatch.setattr(finetuning, "VALIDATION_SCENES", 7)
    monkeypatch.setattr(finetuning, "TEST_SCENES", 7)
    few = {"least_of_a_kind": 5, "rehearsal_scenes": 3, "epochs": 10, "learning_rate": 2e-3}
    config.put("retraining", few)


def test_the_weights_learn_from_verdicts_and_the_detector_comes_along(
    run, people, at_home, few_scenes
):
    shown_sky(run, people, 140)
    champion, detector = in_force().model, in_force().anomaly_detector
    asked = teaching.ask(champion, by=people[0])
    tasks.retrain(str(asked.pk))
    asked.refresh_from_db()
    challenger = registry.challenger(champion.model_type)
    assert (asked.status, asked.model, asked.error_message) == ("completed", challenger, None)
    assert asked.dataset.total_samples == 140
    assert asked.parameters["rehearsal_scenes"] == 3
    report = {"figures": asked.performance_metrics}
    assert (in_force().model, challenger.version) == (champion, "2.1")
    assert challenger.sha256 != champion.sha256
    auc = report["figures"]["verdicts"]["auc"]
    assert auc["champion"]["value"] < 0.6 < auc["challenger"]["value"]
    assert auc["difference"]["low"] > 0
    # it has not forgotten much, though it met three scenes again and not 240
    assert report["figures"]["simulated"]["auc"]["difference"]["value"] > -0.05
    assert "Learned on from astrid-stamps 2" in challenger.model_card
    assert f"`manage.py retrain_model` from astrid-stamps 2 (SHA-256 `{champion.sha256}`)" in (
        challenger.model_card
    )

    registry.put_in_force(challenger)
    chosen = in_force()
    assert chosen.model == challenger
    assert chosen.anomaly_detector.hyperparameters["embedding_of"] == challenger.sha256
    open_networks(chosen)
    registry.put_in_force(champion)
    assert in_force().anomaly_detector == detector


def test_new_weights_are_stored_where_every_host_finds_them(run, people, at_home):
    sky(run, people)
    config.put("retraining", {"least_of_a_kind": 5})
    fit_confidence()
    row = registry.challenger("classifier")
    for name in (row.model_path, row.card_path):
        assert store.get(name)
    registry._open.cache_clear()
    assert registry.open_weights(row).card.version == row.version
    registry._open.cache_clear()
    storages[store.ALIAS].delete(row.card_path)
    with pytest.raises(BadWeights, match="is gone"):
        registry.open_weights(row)


def test_a_network_that_knows_no_stamps_is_not_taught():
    row = registry.active()
    with pytest.raises(CannotLearn, match="--calibration-only"):
        retrain(row, [], {})


def test_the_snapshot_is_kept_and_can_be_read_by_the_other_commands(run, people, at_home, tmp_path):
    sky(run, people)
    config.put("retraining", {"least_of_a_kind": 5})
    report = fit_confidence()
    content = store.get(report["files"]["test"])
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        assert arrays["x"].shape[1:] == (4, 63, 63)
        assert len(arrays["y"]) == len(arrays["x"]) < 160
        assert set(arrays["kind"]) == {"supernova", "artifact"}
        assert set(arrays["history"]) == {1, 2}
    path = tmp_path / "verdicts.npz"
    path.write_bytes(content)
    out = StringIO()
    call_command("compare_models", str(path), json=True, stdout=out)
    comparison = json.loads(out.getvalue())["comparisons"][0]
    # the same weights, another calibration: the same order
    assert comparison["auc"]["difference"]["value"] == 0


def test_too_few_verdicts_are_refused_and_nothing_is_made(run, people, at_home):
    sky(run, people, number=20)
    with pytest.raises(
        CommandError, match=r"\d+ real and \d+ bogus verdicts for learning, .*20 of"
    ):
        call()
    assert not TrainingDataset.objects.exists()
    assert not Model.objects.filter(is_challenger=True).exists()


def test_a_dry_run_counts_and_makes_nothing(run, people, at_home):
    sky(run, people, number=10)
    other = factories.make_model_run(model=factories.make_model())
    say(detection(other), people[0], True)
    report = call(dry=True, calibration_only=True)
    assert (report["lessons"], report["left_out"]) == (10, {"scored by another network": 1})
    assert not TrainingDataset.objects.exists()


def test_who_asks_in_the_admin_learns_from_the_run_why_nothing_came_of_it(
    run, people, at_home, client
):
    sky(run, people, number=20)
    champion = in_force().model
    client.force_login(factories.make_user("vera", group="researcher", is_staff=True))
    page = reverse("admin:detection_model_change", args=[champion.pk])
    assert "Learn from verdicts" in client.get(page).content.decode()
    address = reverse("admin:detection_model_step", args=[champion.pk])
    said = client.post(address, {"step": "teach"}, follow=True).content.decode()
    assert "as soon as a worker is free" in said
    asked = teaching.due().get()
    said = client.post(address, {"step": "teach"}, follow=True).content.decode()
    assert "asked for by vera, is pending: wait for it" in said
    tasks.retrain(str(asked.pk))
    asked.refresh_from_db()
    assert asked.status == "failed"
    assert "20 of each are needed everywhere" in asked.error_message
    assert not teaching.due().exists()
    detector = in_force().anomaly_detector
    with pytest.raises(teaching.CannotBeTaught, match="verdicts are taught to the stamp network"):
        teaching.ask(detector, by=people[0])
