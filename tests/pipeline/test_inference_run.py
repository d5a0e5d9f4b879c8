"""What an inference leaves behind, and what it does with a candidate that it cannot score."""

import io

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from PIL import Image

from astrid import pipeline
from astrid.core import store
from astrid.core.models import RunStatus
from detection import registry, weights
from detection.card import CLASSIFIER, UNET
from detection.models import ModelRun
from differencing.models import Candidate, CandidateStatus
from tests.factories import make_user
from tests.pages import list_page, row_page
from tests.pipeline.work import work, work_until

pytestmark = pytest.mark.django_db


@pytest.fixture
def scored(camera, reference, science):
    camera(reference, science)
    work()
    return ModelRun.objects.get()


def image(path):
    with fits.open(io.BytesIO(store.get(path))) as units:
        return units[1].data.copy(), units[1].header.copy()


def test_the_maps_are_files_of_the_run_on_the_sky_and_agree_with_the_scores(scored):
    confidence, header = image(scored.confidence_map_path)
    mask, _ = image(scored.output_mask_path)
    unet = registry.open_weights(scored.unet)
    assert np.array_equal(mask, confidence >= unet.card.thresholds["detection"])
    assert mask.any()
    sky = WCS(header)
    for one in scored.difference_run.candidates.all():
        x, y = sky.all_world2pix(one.ra, one.dec, 0)
        # the WCS goes into the header with all its digits
        assert (x, y) == pytest.approx((one.pixel_x, one.pixel_y), abs=1e-3)


def test_without_a_classifier_the_scores_are_the_peaks_of_the_map(
    camera, reference, science, monkeypatch
):
    monkeypatch.setattr(weights, "SHIPPED", {UNET: weights.DEFAULT})
    camera(reference, science)
    work()
    run = ModelRun.objects.get()
    confidence, _ = image(run.confidence_map_path)
    assert (run.model, run.unscored_candidates) == (run.unet, 0)
    for one in run.difference_run.candidates.all():
        box = confidence[round(one.pixel_y) - 2 :, round(one.pixel_x) - 2 :][:5, :5]
        # the score is a double, the map is stored as float32
        assert box.max() == pytest.approx(one.network_score, abs=1e-6)
    assert not run.detections.exclude(embedding=None, class_probabilities=None).exists()


def test_a_detection_holds_all_that_the_ensemble_says(scored):
    assert scored.model.model_type == CLASSIFIER
    assert scored.unet.model_type == UNET
    assert scored.provenance["inputs"]["weights"] == scored.model.sha256
    assert scored.detections.exists()
    for one in scored.detections.select_related("candidate"):
        assert one.confidence_score == one.candidate.network_score
        assert 0 <= one.uncertainty <= 0.5
        shares = one.class_probabilities
        assert sum(shares.values()) == pytest.approx(1)
        assert shares["artifact"] == pytest.approx(1 - one.confidence_score)
        likeliest = max(set(shares) - {"artifact"}, key=shares.get)
        is_unknown = one.novelty is not None and one.novelty > 1
        assert one.detection_type == ("unknown" if is_unknown else likeliest)
        assert (one.embedding.dtype, np.isfinite(one.embedding).all()) == (np.float16, True)


def test_the_picture_and_the_files_are_shown_to_those_who_may_see_the_run(scored, client):
    client.force_login(make_user(is_staff=True, is_superuser=True))
    page = row_page(client, scored)
    address = page.context["quicklook"]
    assert f'src="{address}"' in page.content.decode()
    with Image.open(io.BytesIO(client.get(address).content)) as picture:
        assert picture.format == "PNG"
        assert min(picture.size) > 300
    mask = client.get(address.replace("picture", "mask").replace(*versions(scored)))
    assert mask.content == store.get(scored.output_mask_path)
    assert "field01_sci1_mask.fits" in mask["Content-Disposition"]
    assert client.get(address.replace("picture", "mask")).status_code == 404
    client.force_login(make_user(is_staff=True))
    assert client.get(address).status_code == 403


def versions(run):
    """The hashes of the picture and of the mask."""
    return run.picture_path.rpartition("/")[2], run.output_mask_path.rpartition("/")[2]


def test_a_candidate_that_cannot_be_scored_says_why_and_the_others_go_on(
    camera, reference, science, client
):
    camera(reference, science)
    (job,) = work_until("inference")
    lost = Candidate.objects.order_by("-significance").first()
    Candidate.objects.filter(pk=lost.pk).update(pixel_x=-50.0)
    pipeline.work_off(job.pk)
    run = ModelRun.objects.get()
    lost.refresh_from_db()
    others = Candidate.objects.exclude(pk=lost.pk)
    masked = others.exclude(unscored_reason="")
    assert run.status == RunStatus.COMPLETED
    assert run.unscored_candidates == 1 + masked.count()
    assert "outside the 320 x 320 frame" in lost.unscored_reason
    assert (lost.network_score, lost.status) == (None, CandidateStatus.PENDING)
    assert others.filter(network_score__isnull=False).exists()
    assert not others.filter(network_score=None, unscored_reason="").exists()
    assert not run.detections.filter(candidate=lost).exists()
    client.force_login(make_user(is_staff=True, is_superuser=True))
    assert lost.unscored_reason in row_page(client, lost).content.decode()
    assert "not scored: at (-50.00" in list_page(client, Candidate).content.decode()


def test_a_candidate_asked_about_over_http_gets_the_score_that_is_stored(scored, admin_client):
    one = scored.difference_run.candidates.first()
    answer = admin_client.post(
        "/api/v1/infer", {"candidate": one.pk}, content_type="application/json"
    ).json()
    # the same networks see the same frame
    assert answer["results"][0]["confidence"] == pytest.approx(one.network_score, abs=1e-6)
    assert answer["model"]["sha256"] == scored.model.sha256
