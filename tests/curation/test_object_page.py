"""The page about an object: what it shows to whom, what it costs, what can be taken away."""

import io
import json
import uuid
from datetime import timedelta

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS
from django.contrib.auth.models import Permission
from django.utils import timezone

from astrid.core import store
from curation import gold
from curation.models import (
    Alert,
    GoldItem,
    GoldTrial,
    Lease,
    Origin,
    ReviewTask,
    Truth,
    ValidationEvent,
)
from curation.parameters import ReviewPolicy
from curation.queue import open_tasks
from curation.services import judge
from detection import cutouts
from detection.curves.store import store_forced
from detection.models import Detection
from lightcurves.models import Target
from tests import factories
from tests.detection.looks import look

pytestmark = pytest.mark.django_db
MOST_BYTES, MOST_QUERIES = 150 * 1024, 13
DIRECTIONS = {"north": [0.0, 1.0], "east": [-1.0, 0.0]}


def stamps(side=15):
    rng = np.random.default_rng(3)
    return rng.normal(0, 5, (4, side, side)).astype(np.float16)


def make_object(epochs, **fields):
    """Make an object that was seen so often, and once looked for in vain; epochs by time."""
    first = factories.make_detection(magnitude=18.5, magnitude_error=0.05, **fields)
    reference = first.model_run.difference_run.reference_observation
    made = [first]
    for number in range(1, epochs):
        run = factories.make_difference_run(reference_observation=reference)
        made.append(
            factories.make_detection(
                model_run=factories.make_model_run(difference_run=run),
                sky_object=first.sky_object,
                magnitude=18.5 + number / 100,
                magnitude_error=0.05,
                photometric_system="AB",
            )
        )
    footprint = [[149.9, 1.9], [150.1, 1.9], [150.1, 2.1], [149.9, 2.1]]
    factories.make_difference_run(
        reference_observation=reference,
        observation=factories.make_observation(footprint=footprint, limiting_magnitude=20.5),
    )
    return made


def with_pixels(detection):
    detection.cutouts_path = store.put(cutouts.to_npz(stamps()))
    detection.prediction_metadata = DIRECTIONS
    detection.save()
    return detection


def page_of(detection):
    return f"/console/detections/{detection.pk}/"


def hold(detection, person, task=None):
    """Put the task of a detection into the hands of a person."""
    open_tasks([detection])
    task = ReviewTask.objects.get(detection=detection)
    ends_at = timezone.now() + timedelta(minutes=10)
    return Lease.objects.create(task=task, holder=person, ends_at=ends_at)


def test_an_object_is_shown_at_its_last_epoch_and_a_detection_at_its_own(client, curator):
    made = make_object(3)
    client.force_login(curator)
    whole = client.get(made[0].sky_object.get_absolute_url()).context["config"]
    one = client.get(page_of(made[1])).context["config"]
    assert [each["detection"] for each in whole["epochs"]] == [str(each.pk) for each in made]
    assert (whole["at"], one["at"]) == (2, 1)
    assert one["epochs"] == whole["epochs"]


def test_the_light_curve_has_what_was_measured_and_how_deep_one_looked_in_vain(client, curator):
    made = make_object(2)
    client.force_login(curator)
    page = client.get(page_of(made[0]))
    curve = page.context["config"]["curve"]
    assert (curve["value"], curve["limit"]) == ([18.5, 18.51, 20.5], [0, 0, 1])
    assert curve["detection"] == [str(made[0].pk), str(made[1].pk), ""]
    assert "2 measured, 1 upper limits. Brightest: 18.500 ± 0.050" in page.content.decode()


def test_the_stored_curves_are_linked_for_those_who_may_see_them(client, curator):
    (made,) = make_object(1)
    frame = made.observation
    look(frame, [made.sky_object])
    store_forced([made.sky_object.pk])
    client.force_login(curator)
    (target,) = Target.objects.all()
    link = f'<a href="{target.get_absolute_url()}">Forced photometry'
    text = client.get(page_of(made)).content.decode()
    assert link in text
    assert f'<th scope="row">{frame.filter_band}, uJy</th>' in text  # how it varies
    other = factories.make_user()
    other.user_permissions.add(Permission.objects.get(codename="view_detection"))
    client.force_login(other)
    assert link not in client.get(page_of(made)).content.decode()


@pytest.mark.parametrize("epochs", [1, 40])
def test_every_part_of_the_page_is_small_and_costs_few_queries(
    client, curator, operator, epochs, django_assert_max_num_queries
):
    made = make_object(epochs)
    for person in (curator, operator):
        judge(made[-1], by=person, is_valid=True, label="supernova", policy=ReviewPolicy())
    look(made[-1].observation, [made[-1].sky_object])
    store_forced([made[-1].sky_object_id])
    client.force_login(curator)
    own = page_of(made[-1])
    for address in (own, f"{own}lineage/", f"{own}surroundings/", f"{own}curve.csv"):
        with django_assert_max_num_queries(MOST_QUERIES):
            page = client.get(address)
        assert page.status_code == 200
        assert len(page.content) < 60_000  # the scripts and styles take the rest of the 150 KiB


def test_the_page_needs_sign_in_and_permission(client):
    detection = make_object(1)[0]
    own = page_of(detection)
    addresses = [own, detection.sky_object.get_absolute_url()]
    addresses += [own + part for part in ("lineage/", "surroundings/", "facts.json", "curve.csv")]
    assert {client.get(address).status_code for address in addresses} == {302}
    client.force_login(factories.make_user())
    assert {client.get(address).status_code for address in addresses} == {403}


@pytest.mark.parametrize("kind", ["objects", "detections"])
def test_what_is_not_there_is_said_in_a_sentence(client, curator, kind):
    client.force_login(curator)
    missing = uuid.uuid4()
    page = client.get(f"/console/{kind}/{missing}/")
    assert page.status_code == 404
    assert f"here is no {kind[:-1]} {missing}" in page.content.decode()


def test_the_page_works_without_points_object_pixels_or_network_context(client, curator):
    client.force_login(curator)
    bare = factories.make_detection(candidate=None, sky_object=None)
    empty = factories.make_sky_object()
    page = client.get(page_of(bare)).content.decode()
    assert "Detection without an object" in page
    assert "No point: nothing was measured" in page
    assert (
        "No detection belongs to this object"
        in client.get(empty.get_absolute_url()).content.decode()
    )
    for part in ("lineage/", "surroundings/", "facts.json", "curve.ecsv"):
        assert client.get(page_of(bare) + part).status_code == 200
    gone = client.get(f"{page_of(bare)}cutouts.fits")
    assert "cutouts of this detection was never stored" in gone.content.decode()


def test_an_archived_detection_is_shown_and_takes_no_verdict(client, curator):
    detection = make_object(1)[0]
    Detection.objects.update(status="archived")
    client.force_login(curator)
    page = client.get(page_of(detection))
    assert page.context["form"] is None
    assert "archived and takes no more verdicts" in page.content.decode()
    posted = {"choice": "real", "client_uuid": str(uuid.uuid4())}
    said = client.post(f"{page_of(detection)}verdict/", posted, follow=True)
    assert "is archived" in " ".join(map(str, said.context["messages"]))


# --- verdicts


def post(client, detection, choice, **more):
    posted = {"choice": choice, "client_uuid": str(uuid.uuid4()), **more}
    response = client.post(f"{page_of(detection)}verdict/", posted, follow=True)
    return response, " ".join(map(str, response.context["messages"]))


def test_a_verdict_from_the_page_is_recorded_with_all_that_was_said(client, curator):
    detection = make_object(1)[0]
    client.force_login(curator)
    key = str(uuid.uuid4())
    said = {
        "label": "agn", "confidence_level": "expert", "notes": "core <b>of</b> the galaxy",
        "tags": "bright, follow-up, bright", "client_uuid": key, "ms_spent": "1500",
    }  # fmt: skip
    page, words = post(client, detection, "real", **said)
    assert "Recorded: real (agn). The detection is confirmed." in words
    event = ValidationEvent.objects.get()
    assert (event.label, event.confidence_level, event.ms_spent) == ("agn", "expert", 1500)
    assert event.tags == ["bright", "follow-up"]
    assert "core &lt;b&gt;of&lt;/b&gt; the galaxy" in page.content.decode()
    post(client, detection, "real", **said)  # sent once more
    assert ValidationEvent.objects.count() == 1


def test_a_comment_says_ones_verdict_again_and_a_withdrawal_takes_it_back(client, curator):
    detection = make_object(1)[0]
    client.force_login(curator)
    assert "a comment goes with a verdict" in post(client, detection, "comment", notes="?")[1]
    post(client, detection, "cv")
    post(client, detection, "comment", notes="seen before")
    last = ValidationEvent.objects.order_by("id").last()
    assert (last.verdict, last.label, last.notes) == ("real", "cv", "seen before")
    page, _ = post(client, detection, "withdraw")
    shown = [event.verdict for event in page.context["verdicts"]]
    assert shown == ["real", "real", "withdrawn"]
    assert [event.is_in_force for event in page.context["verdicts"]] == [False, False, True]


@pytest.mark.parametrize(
    ("choice", "more", "words"),
    [
        ("real", {"label": "dipole"}, "nothing is there"),
        ("kilonova", {}, "neither a verdict nor a label"),
        ("real", {"tags": "x" * 51}, "at most 50 tags of 50 characters"),
    ],
)
def test_a_verdict_that_makes_no_sense_is_explained(client, curator, choice, more, words):
    detection = make_object(1)[0]
    client.force_login(curator)
    assert words in post(client, detection, choice, **more)[1]
    assert not ValidationEvent.objects.exists()


def test_a_viewer_reads_verdicts_and_gives_none(client, viewer, curator):
    detection = make_object(1)[0]
    judge(detection, by=curator, is_valid=True, label="supernova", policy=ReviewPolicy())
    client.force_login(viewer)
    page = client.get(page_of(detection))
    assert page.context["form"] is None
    assert "by ada" in page.content.decode()
    assert client.post(f"{page_of(detection)}verdict/", {"choice": "real"}).status_code == 403


# --- people who are yet to judge

OPINIONS = ("0.937", "by ben", "in all bands", "rising", "supernova", "confirmed", "Catalog entry")


def all_of(client, detection):
    own = page_of(detection)
    parts = [own, f"{own}lineage/", f"{own}surroundings/", f"{own}facts.json"]
    return "".join(client.get(part).content.decode() for part in parts)


def test_opinions_are_hidden_while_one_is_to_judge_and_only_then(client, curator, second_curator):
    detection = make_object(2, confidence_score=0.9371, detection_type="supernova")[0]
    open_tasks([detection])
    words = {"label": "supernova", "notes": "in all bands", "tags": ["rising"]}
    judge(detection, by=second_curator, is_valid=True, policy=ReviewPolicy(), **words)
    client.force_login(curator)
    before = all_of(client, detection)
    assert [word for word in OPINIONS if word not in before] == []
    hold(detection, curator)
    held = all_of(client, detection)
    assert [word for word in OPINIONS if word in held] == []
    assert "You hold this in your review queue" in held
    _, refused = post(client, detection, "real")
    assert "judge it there" in refused
    assert ValidationEvent.objects.count() == 1
    Lease.objects.update(ends_at=timezone.now())
    assert "by ben" in all_of(client, detection)


def make_fake(beside, person):
    """Put an injected source before a person, as the queue does."""
    candidate = {name: getattr(beside.candidate, name) for name in ("snr", "fwhm", "psf_misfit")}
    looks = ["ra", "dec", "pixel_x", "pixel_y", "confidence_score", "detection_type"]
    looks += ["model_version", "cutouts_path", "prediction_metadata", *Detection.COLUMNS]
    item = GoldItem.objects.create(
        model_run=beside.model_run,
        truth=Truth.REAL,
        origin=Origin.FAKE,
        facts={
            "detection": {name: getattr(beside, name) for name in looks},
            "candidate": {**candidate, "ra": beside.ra, "dec": beside.dec, "significance": 9.0},
        },
    )
    GoldTrial.objects.create(gold=item, person=person, queue="all", shown_as=item.pk)
    return item


def test_fakes_gold_items_and_rejected_candidates_look_like_any_other_that_one_is_to_judge(
    client, curator, second_curator, operator
):
    plain, known = (with_pixels(make_object(1)[0]) for _ in range(2))
    # of the random sample: the network rejected it, so that it belongs to no object
    rejected = with_pixels(factories.make_detection(sky_object=None, is_audit=True))
    for detection in (plain, rejected):
        hold(detection, curator)
    judge(known, by=second_curator, is_valid=True, label="supernova", policy=ReviewPolicy())
    item = gold.mark(known, truth=Truth.REAL, by=operator)
    GoldTrial.objects.create(gold=item, person=curator, queue="all", shown_as=known.pk)
    fake = make_fake(plain, curator)
    client.force_login(curator)
    shapes = {}
    keys = {"plain": plain.pk, "gold": known.pk, "fake": fake.pk, "rejected": rejected.pk}
    for name, key in keys.items():
        own = f"/console/detections/{key}/"
        pages = [client.get(own + part) for part in ("", "lineage/", "surroundings/", "facts.json")]
        assert {page.status_code for page in pages} == {200}
        config = pages[0].context["config"]
        facts = json.loads(pages[3].content)
        shapes[name] = {
            "held": pages[0].context["held"], "name": pages[0].context["title"][:8],
            "form": pages[0].context["form"],
            "facts": [label for label, _ in pages[0].context["facts"]],
            "epochs": [sorted(each) for each in config["epochs"]],
            "figures": [[label for label, _ in each["figures"]] for each in config["epochs"]],
            "steps": [(step.title, bool(step.url)) for step in pages[1].context["steps"]],
            "json": sorted(facts), "epoch": sorted(facts["epochs"][0]), "object": facts["object"],
            "cutouts": client.get(f"{own}cutouts.fits").status_code,
        }  # fmt: skip
    assert shapes["plain"] == shapes["gold"] == shapes["fake"] == shapes["rejected"]
    assert shapes["plain"]["cutouts"] == 200


def test_a_fake_is_nothing_to_those_it_was_not_put_before(client, curator, second_curator):
    fake = make_fake(make_object(1)[0], curator)
    client.force_login(second_curator)
    assert client.get(f"/console/detections/{fake.pk}/").status_code == 404


# --- lineage and surroundings


def test_the_lineage_leads_from_the_exposure_to_the_catalog_entry(client, operator, curator):
    detection = make_object(1)[0]
    observation = detection.observation
    factories.make_preprocess_run(observation=observation, provenance={"versions": {"astrid": "7"}})
    judge(detection, by=curator, is_valid=True, label="supernova", policy=ReviewPolicy())
    Alert.objects.create(detection=detection, alert_type="new", title="New", message="New")
    client.force_login(operator)
    page = client.get(f"{page_of(detection)}lineage/")
    text, titles = page.content.decode(), [step.title for step in page.context["steps"]]
    assert titles == [
        "Science exposure", "Preprocessing of the science exposure", "Reference exposure",
        "Subtraction", "Candidate", "Network score", "Detection", "Verdict", "Alert",
        "Catalog entry",
    ]  # fmt: skip
    assert "AstrID 7" in text
    assert detection.model_run.model.sha256 in text
    for step in page.context["steps"]:
        assert f'href="{step.url}"' in text


def test_links_into_the_admin_are_for_those_who_may_open_them(client):
    detection = make_object(1)[0]
    client.force_login(factories.make_user("gus", group="viewer"))  # no staff
    assert "/admin/" not in client.get(f"{page_of(detection)}lineage/").content.decode()


def test_the_finder_chart_says_what_is_near_and_why_stars_are_missing(client, curator):
    detection = make_object(1)[0]
    # 12 arcsec to the east of the target, and 2 arcmin
    near = factories.make_sky_object(ra=150 + 12 / 3600 / np.cos(np.radians(2)), dec=2.0)
    factories.make_sky_object(ra=150.0, dec=2 + 120 / 3600)
    client.force_login(curator)
    page = client.get(f"{page_of(detection)}surroundings/")
    found = page.context["found"]
    assert [(each.thing, each.x) for each in found.near] == [(near, pytest.approx(-12, abs=0.02))]
    assert found.near[0].separation == pytest.approx(12, abs=0.01)
    assert "the reference of this epoch is not known" in page.content.decode()


# --- what can be taken away


@pytest.mark.parametrize(
    ("ending", "kind"), [("csv", "ascii.csv"), ("ecsv", "ascii.ecsv"), ("vot", "votable")]
)
def test_the_light_curve_comes_back_from_each_format(client, curator, ending, kind):
    made = make_object(2)
    client.force_login(curator)
    answer = client.get(f"{page_of(made[0])}curve.{ending}")
    assert f".{ending}" in answer["Content-Disposition"]
    source = io.BytesIO(answer.content) if ending == "vot" else answer.content.decode().split("\n")
    table = Table.read(source, format=kind)
    assert table["magnitude"].filled(np.nan).tolist()[:2] == [18.5, 18.51]
    assert table["magnitude"].mask.tolist() == [False, False, True]
    assert float(table["upper_limit"][2]) == 20.5
    assert list(map(str, table["detection"]))[:2] == [str(each.pk) for each in made]


def test_cutouts_come_as_fits_that_point_at_the_detection(client, curator):
    detection = with_pixels(make_object(1)[0])
    client.force_login(curator)
    with fits.open(io.BytesIO(client.get(f"{page_of(detection)}cutouts.fits").content)) as units:
        assert [unit.name.lower() for unit in units[1:]] == list(cutouts.PLANES)
        np.testing.assert_array_equal(units["DIFFERENCE"].data, stamps()[2].astype(np.float32))
        wcs = WCS(units["SCIENCE"].header)
    # 255.5 lies half a pixel beyond the middle pixel, 256 by Python's rounding
    middle = 7 - 0.5
    assert wcs.all_pix2world(middle, middle, 0) == pytest.approx((150.0, 2.0), abs=1e-9)
    # one pixel up is one pixel of 0.26 arcsec to the north
    assert wcs.all_pix2world(middle, middle + 1, 0)[1] == pytest.approx(2 + 0.26 / 3600, abs=1e-9)


def test_files_of_the_difference_go_to_those_who_may_see_them(client, curator):
    detection = make_object(1)[0]
    run = detection.model_run.difference_run
    run.difference_image_path = store.put(b"pixels of the difference")
    run.save()
    address = f"{page_of(detection)}files/difference.fits"
    client.force_login(curator)
    assert client.get(address).content == b"pixels of the difference"
    assert client.get(address.replace("difference.fits", "significance.fits")).status_code == 404
    looker = factories.make_user("lou")
    looker.user_permissions.add(Permission.objects.get(codename="view_detection"))
    client.force_login(looker)
    assert client.get(page_of(detection)).status_code == 200
    assert client.get(address).status_code == 403
