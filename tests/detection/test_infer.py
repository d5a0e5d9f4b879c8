"""Asking the networks over HTTP."""

import base64
import io
import shutil

import numpy as np
import pytest
from django.core.cache import cache
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile

from astrid.core import store
from catalog.access import limits
from catalog.access.parameters import RateParameters
from detection import metrics, registry, weights
from detection.api import infer
from detection.cutouts import cut
from detection.scenes import make_scene
from tests.factories import make_candidate, make_user

pytestmark = pytest.mark.django_db

ADDRESS = "/api/v1/infer"


@pytest.fixture(autouse=True)
def nobody_asked_before():
    cache.clear()


@pytest.fixture(scope="module")
def scene():
    """A simulated field with real changes and artifacts."""
    return make_scene(64)


def npz(**arrays):
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def asked(client, content, **others):
    return client.post(ADDRESS, {"cutouts": SimpleUploadedFile("x.npz", content), **others})


def cut_out(scene):
    """Science, reference, difference around each candidate; what fades is turned round."""
    found, images = scene.candidates, np.moveaxis(np.sinh(2 * scene.stack), 2, 0)
    stamps = [cut(*images, x, y, 63) for x, y in zip(found.x, found.y, strict=True)]
    planes = np.stack(stamps)[:, :3].astype(np.float32)
    planes[found.is_negative, 2] *= -1
    return planes


def test_cutouts_of_real_changes_get_higher_confidence_than_those_of_artifacts(admin_client, scene):
    sign = np.where(scene.candidates.is_negative, -1, 1)
    answer = asked(admin_client, npz(x=cut_out(scene), fwhm=2.5, sign=sign))
    assert answer.status_code == 200
    reply = answer.json()
    is_judged = np.array([row["error"] == "" for row in reply["results"]])
    assert is_judged.mean() > 0.95  # one at the very edge shows too little of the sky
    judged = [row for row in reply["results"] if row["error"] == ""]
    confidence = np.array([row["confidence"] for row in judged])
    assert (confidence.min() >= 0) & (confidence.max() <= 1)
    is_real = [row["is_real"] for row in judged]
    assert is_real == (confidence >= reply["threshold"]).tolist()
    # 0.5 is chance; the shipped networks reach 0.9 on whole frames, a stamp says less
    assert metrics.auc(confidence, scene.candidates.is_real[is_judged]) > 0.8
    row = registry.in_force("classifier") or registry.active()
    assert reply["model"]["sha256"] == row.sha256


def test_a_file_in_json_says_the_same_as_the_file_of_a_form(admin_client, scene):
    content = npz(x=cut_out(scene)[:3])
    form = asked(admin_client, content, fwhm=3.0)
    body = {"cutouts": base64.b64encode(content).decode(), "fwhm": 3.0}
    told = admin_client.post(ADDRESS, body, content_type="application/json")
    assert told.json() == form.json()
    assert len(told.json()["results"]) == 3


def test_a_cutout_that_cannot_be_judged_says_why_and_the_others_go_on(admin_client, scene):
    planes = np.repeat(cut_out(scene)[:1], 5, axis=0)
    planes[1] = np.nan
    planes[2] = 7.0
    planes[3] = np.inf
    results = asked(admin_client, npz(x=planes)).json()["results"]
    assert [row["error"] == "" for row in results] == [True, False, False, False, True]
    assert [row["confidence"] is None for row in results] == [False, True, True, True, False]
    assert results[0] == results[4]


def test_of_several_files_each_is_answered_in_its_place(admin_client, scene):
    good = npz(x=cut_out(scene)[:2], fwhm=[2.5, 99.0])
    files = [SimpleUploadedFile(f"{n}.npz", c) for n, c in enumerate((b"?", good, good))]
    results = admin_client.post(ADDRESS, {"cutouts": files}).json()["results"]
    assert [row["error"] == "" for row in results] == [False, True, False, True, False]
    assert results[1] == results[3]
    assert "neither an npz" in results[0]["error"]
    assert "fwhm is 99" in results[2]["error"]
    listed = [base64.b64encode(content).decode() for content in (b"?", good, good)]
    told = admin_client.post(ADDRESS, {"cutouts": listed}, content_type="application/json")
    assert told.json()["results"] == results


def faults(answer):
    """What is wrong with each value of the body."""
    return {fault["pointer"]: fault["detail"] for fault in answer.json()["errors"]}


def test_cutouts_none_of_which_can_be_judged_are_refused_each_with_its_reason(admin_client):
    answer = asked(admin_client, npz(x=np.full((2, 3, 63, 63), np.nan)))
    assert answer.status_code == 400
    assert set(faults(answer)) == {"#/cutouts/0", "#/cutouts/1"}


@pytest.mark.parametrize(("question", "field", "words"), [
    ({}, "", "either cutouts or candidate"),
    ({"cutouts": "?"}, "cutouts", "no base64"),
    ({"cutouts": 7}, "cutouts", "as base64"),
    ({"cutouts": "AAAA"}, "cutouts", "neither an npz"),
    ({"cutouts": "AAAA", "fwhm": -1}, "fwhm", "greater than or equal to 0.5"),
    ({"candidate": "first"}, "candidate", "valid UUID"),
])  # fmt: skip
def test_a_question_that_makes_no_sense_names_the_field(admin_client, question, field, words):
    answer = admin_client.post(ADDRESS, question, content_type="application/json")
    assert answer.status_code == 400
    assert words in faults(answer)[f"#/{field}" if field else "#"]


def test_a_candidate_that_is_not_there_is_not_found(admin_client):
    question = {"candidate": "0190d1d4-0000-7000-8000-000000000000"}
    answer = admin_client.post(ADDRESS, question, content_type="application/json")
    assert answer.status_code == 404
    assert question["candidate"] in answer.json()["detail"]


def test_a_candidate_whose_frames_are_gone_says_so(admin_client):
    lost = make_candidate()
    lost.difference_run.difference_image_path = "cas/00/00"
    lost.difference_run.save()
    answer = admin_client.post(ADDRESS, {"candidate": lost.pk}, content_type="application/json")
    assert answer.status_code == 400
    assert "is gone" in faults(answer)["#/candidate"]


def test_only_those_who_may_see_detections_may_ask(client):
    assert client.post(ADDRESS, {}).status_code == 401
    client.force_login(make_user())
    assert client.post(ADDRESS, {}).status_code == 403
    client.force_login(make_user(group="viewer"))
    assert client.post(ADDRESS, {}).status_code == 400


def test_a_large_request_is_refused_before_it_is_read(admin_client):
    told = {"CONTENT_LENGTH": str(infer.MOST_REQUEST_BYTES + 1)}
    answer = admin_client.generic("POST", ADDRESS, b"{}", content_type="application/json", **told)
    assert answer.status_code == 413


def test_who_asks_too_often_has_to_wait(admin_client, monkeypatch):
    monkeypatch.setattr(limits, "_now_s", lambda: 0)  # all in one minute
    rates = RateParameters(admin=20, infer_share=0.1)
    monkeypatch.setitem(limits.remembered, "rates", (float("inf"), rates))
    answers = [admin_client.post(ADDRESS, {}).status_code for _ in range(3)]
    assert answers == [400, 400, 429]


def test_networks_that_cannot_be_used_are_named(admin_client, scene, tmp_path):
    path = tmp_path / "own.onnx"
    for ending in (".onnx", ".json"):
        shutil.copy(weights.DEFAULT.with_suffix(ending), path.with_suffix(ending))
    row = registry.register(path)
    registry.put_in_force(row)
    storages[store.ALIAS].delete(row.model_path)
    answer = asked(admin_client, npz(x=cut_out(scene)[:1]))
    assert answer.status_code == 503
    assert f"stored file '{row.model_path}' is gone" in answer.json()["detail"]
