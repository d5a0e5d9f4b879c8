"""Nights: every candidate has one fate, and the page says loudly when one has none."""

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from astropy.time import Time

from astrid.core.ids import new_id
from curation import fates, funnel
from curation.certificate import certificate_of
from curation.fates import Fate
from curation.models import Alert, ReviewTask
from curation.parameters import ReviewPolicy
from curation.queue import open_tasks
from curation.services import judge
from detection.models import Detection
from differencing.models import Candidate
from observations import nights
from observations.fits_site import night_of
from observations.models import Observation
from observations.night_number import NIGHT as NUMBER
from observations.nights import Night
from tests import factories

pytestmark = pytest.mark.django_db

EVENING = date(2025, 2, 28)
FOUR = datetime(2025, 3, 1, 4, tzinfo=UTC)
NIGHT = Night.named(EVENING)
PAGE = f"/console/nights/{EVENING}/"


def frame(**fields):
    """An exposure of the night."""
    return factories.make_observation(
        **{
            "observation_time": FOUR,
            "mjd_utc": float(Time(FOUR).mjd),
            "status": "differenced",
            **fields,
        }
    )


def difference(number, **fields):
    """A completed difference of the night, whose run tells of so many candidates."""
    own = {"observation": fields.pop("observation", None) or frame(), "candidates_found": number}
    return factories.make_difference_run(**own, **fields)


def scored(run, **fields):
    """Its inference."""
    figures = {"quality": {"threshold": 0.8848}}
    return factories.make_model_run(difference_run=run, figures=figures, **fields)


@pytest.fixture
def night(curator, second_curator, operator):
    """One candidate of every fate that a sound night can have, two that wait."""
    run = difference(11)
    model = scored(run, total_predictions=10)
    found = [
        factories.make_detection(model_run=model, confidence_score=0.9, candidate=one)
        for one in (
            factories.make_candidate(difference_run=run, status="detected", network_score=0.9)
            for _ in range(8)
        )
    ]
    twin = factories.make_detection(
        model_run=model, sky_object=found[0].sky_object, confidence_score=0.89,
        candidate=factories.make_candidate(
            difference_run=run, status="detected", network_score=0.89
        ),
    )  # fmt: skip
    open_tasks([*found, twin])
    said = {"label": None, "policy": ReviewPolicy()}
    judge(found[2], by=curator, is_valid=True, **said)
    judge(found[3], by=curator, is_valid=False, **said)
    judge(found[4], by=operator, is_valid=True, decides=True, **said)
    judge(found[5], by=curator, is_valid=True, **said)
    judge(found[5], by=second_curator, is_valid=False, **said)
    ReviewTask.objects.filter(detection=found[6]).update(votes_required=2)
    judge(found[6], by=curator, is_valid=True, **said)
    Detection.objects.filter(pk=found[7].pk).update(status="archived")
    factories.make_candidate(difference_run=run, status="rejected", network_score=0.1)
    factories.make_candidate(difference_run=run, unscored_reason="too little data; 3 of 9 pixels")
    control = difference(1, is_control=True)
    factories.make_detection(model_run=scored(control), confidence_score=0.9)
    copy = difference(1, is_comparison=True, algorithm="classic")
    factories.make_candidate(difference_run=copy, status="duplicate")
    broken = difference(1)
    scored(broken, status="failed", error_message="the weights are gone")
    factories.make_candidate(difference_run=broken)
    factories.make_candidate(difference_run=difference(1))
    Alert.objects.create(detection=found[2], alert_type="confirmed", title="x", message="x")
    return found


def told(frames):
    return {(each.fate, each.why): each.number for each in fates.counts(frames)}


def keys():
    return list(NIGHT.frames.values_list("pk", flat=True))


def test_every_candidate_has_one_fate_with_its_reason(night):
    network = night[0].model_run.model
    assert told(keys()) == {
        (Fate.WAITING, ""): 2,
        (Fate.REAL, ""): 1,
        (Fate.BOGUS, ""): 1,
        (Fate.DECIDED_REAL, ""): 1,
        (Fate.OPEN, ""): 1,
        (Fate.MORE_VOTES, ""): 1,
        (Fate.ARCHIVED, ""): 1,
        (Fate.SAME_SIGHTING, ""): 1,
        (Fate.LOW_SCORE, f"{network}, threshold 0.8848"): 1,
        (Fate.NO_SCORE, "too little data"): 1,
        (Fate.CONTROL, ""): 1,
        (Fate.COMPARISON, "classic"): 1,
        (Fate.SCORING_FAILED, "the weights are gone"): 1,
        (Fate.NOT_YET_SCORED, ""): 1,
    }
    found = certificate_of(NIGHT)
    assert (found.candidates, found.accounted, Candidate.objects.count()) == (15, 15, 15)
    assert found.is_sound
    assert not found.is_closed


def test_what_the_network_rejected_and_chance_drew_waits_for_people(curator):
    run = difference(1)
    drawn = factories.make_candidate(difference_run=run, status="rejected", network_score=0.1)
    asked = factories.make_detection(
        candidate=drawn, model_run=scored(run), is_audit=True, confidence_score=0.1
    )
    open_tasks([asked])
    assert told(keys()) == {(Fate.WAITING, "rejected by the network, drawn for the audit"): 1}
    judge(asked, by=curator, is_valid=False, label=None, policy=ReviewPolicy())
    assert told(keys()) == {(Fate.BOGUS, ""): 1}
    assert certificate_of(NIGHT).is_closed


def test_a_decision_that_was_superseded_decides_no_more(operator):
    run = difference(1)
    one = factories.make_detection(model_run=scored(run))
    said = {"by": operator, "label": None, "policy": ReviewPolicy()}
    judge(one, is_valid=True, decides=True, **said)
    judge(one, is_valid=False, **said)
    assert told(keys()) == {(Fate.BOGUS, ""): 1}


@pytest.mark.parametrize("status", ["detected", "processing"])
def test_a_candidate_without_a_fate_is_said_loudly(client, viewer, status):
    run = difference(1)
    scored(run)
    factories.make_candidate(difference_run=run, status=status)
    found = certificate_of(NIGHT)
    assert (found.candidates, found.accounted, found.is_sound) == (1, 0, False)
    client.force_login(viewer)
    page = client.get(PAGE).content.decode()
    assert "Not every candidate is accounted for" in page
    assert 'role="alert"' in page


def test_a_candidate_that_was_deleted_is_missed(client, viewer, night):
    Candidate.objects.filter(status="rejected").delete()
    found = certificate_of(NIGHT)
    assert not found.is_sound
    assert [(each.told, each.there) for each in found.mismatches] == [(11, 10)]
    client.force_login(viewer)
    assert "11 found, 10 there" in client.get(PAGE).content.decode()


def test_the_page_shows_every_number_with_a_link_to_as_many_rows(client, viewer, night):
    client.force_login(viewer)
    page = client.get(PAGE)
    assert "All 15 candidates accounted for" in page.content.decode()
    for part in page.context["certificate"].parts:
        rows = client.get(f"{PAGE}candidates/", {"of": part.group}).context["rows"]
        assert len(rows) == part.number
        for line in part.lines:
            rows = client.get(f"{PAGE}candidates/", {"of": f"fate-{line.fate}"}).context["rows"]
            assert len(rows) == line.number


def test_each_number_of_the_funnel_counts_the_list_it_leads_to(client, viewer, night):
    client.force_login(viewer)
    shown = client.get("/console/").context["funnel"]
    assert shown == funnel.funnel(NIGHT)
    numbers = {figure.name: figure.number for figure in shown.figures}
    assert numbers == {
        "frames": 5, "candidates": 15, "scored": 10, "waiting": 4, "judged": 3, "alerted": 1,
    }  # fmt: skip
    for figure in shown.figures[1:]:
        if figure.name != "scored":  # the run says 10, as the rows of the fixture have no more
            assert len(client.get(figure.url).context["rows"]) == figure.number
    assert len(client.get(shown.figures[0].url).context["certificate"].frames) == 5


def test_the_exports_hold_every_candidate_once(client, viewer, night):
    client.force_login(viewer)
    text = b"".join(client.get(f"{PAGE}candidates.csv").streaming_content).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    everybody = {str(key) for key in Candidate.objects.values_list("pk", flat=True)}
    assert {row["candidate"] for row in rows} == everybody
    assert len(rows) == 15
    whole = json.loads(b"".join(client.get(f"{PAGE}candidates.json").streaming_content))
    assert {row["candidate"] for row in whole["rows"]} == everybody
    assert sum(line["number"] for line in whole["fates"]) == whole["candidates"] == 15
    reasons = {row["fate"]: row["why"] for row in rows}
    assert reasons["no_score"] == "too little data; 3 of 9 pixels"


def test_the_list_of_candidates_goes_on_where_its_page_ends(client, viewer):
    run = difference(150)
    scored(run)
    for _ in range(150):
        factories.make_candidate(difference_run=run, status="rejected", network_score=0.1)
    client.force_login(viewer)
    first = client.get(f"{PAGE}candidates/").context
    second = client.get(f"{PAGE}candidates/", {"after": first["next"]}).context
    shown = [row.candidate for row, _ in [*first["rows"], *second["rows"]]]
    assert len(set(shown)) == len(shown) == 150
    assert second["next"] is None


def test_failed_frames_and_differences_are_named_with_their_reasons(client, viewer):
    frame(status="failed", status_reason="no star was found")
    difference(0, status="failed", error_message="no reference reaches so far")
    client.force_login(viewer)
    page = client.get(PAGE).content.decode()
    assert "no star was found" in page
    assert "no reference reaches so far" in page


def test_what_the_rules_of_the_extraction_left_out_is_counted():
    for merged, hidden in ((2, 1), (3, 0)):
        difference(0, figures={"left_out": {"merged": merged, "hidden": hidden}})
    difference(0)
    assert [(rule.left_out, rule.uncounted) for rule in certificate_of(NIGHT).rules] == [
        (5, 1), (1, 1),
    ]  # fmt: skip
    assert certificate_of(NIGHT).thresholds == [("|S_corr| of at least 5 sigma (zogy)", 3)]


@pytest.mark.parametrize(
    "path",
    [
        "2025-02-30/",
        "2030-01-01/",
        "2030-01-01/candidates.csv",
        "2025-02-28/candidates/?of=x",
        "2025-02-28/candidates/?after=x",
        "?before=x",
    ],
)
def test_a_night_or_word_that_does_not_exist_is_no_page(client, viewer, path):
    difference(0)
    client.force_login(viewer)
    assert client.get(f"/console/nights/{path}").status_code == 404


def test_nights_are_for_those_who_may_see_detections(client):
    difference(0)
    pages = [f"{PAGE}", f"{PAGE}candidates/", f"{PAGE}candidates.csv", "/console/nights/"]
    assert {client.get(page).status_code for page in pages} == {302}
    client.force_login(factories.make_user())
    assert {client.get(page).status_code for page in pages} == {403}


def test_a_night_costs_a_fixed_number_of_queries(
    client, viewer, night, django_assert_max_num_queries
):
    client.force_login(viewer)
    for path in ("", "candidates/"):
        with django_assert_max_num_queries(12):
            client.get(f"{PAGE}{path}")
    with django_assert_max_num_queries(12):
        client.get("/console/nights/")


# --- which night


def test_the_database_numbers_nights_as_the_science_does():
    rng = np.random.default_rng(3)
    longitudes = [None, -180.0, 180.0, *rng.uniform(-180, 180, 300).tolist()]
    mjds = rng.uniform(60_000, 60_010, len(longitudes)).tolist()
    first = frame()
    for number, (mjd, longitude) in enumerate(zip(mjds, longitudes, strict=True)):
        first.pk, first.observation_id = new_id(), f"random {number}"
        first.mjd_utc, first.site_longitude = mjd, longitude
        first.save(force_insert=True)
    rows = Observation.objects.filter(observation_id__startswith="random").annotate(night=NUMBER)
    assert rows.count() == len(mjds)
    assert all(row.night == night_of(row.mjd_utc, row.site_longitude or 0.0) for row in rows)
    numbers = {row.night for row in rows}
    assert sum(Night(number).frames.count() for number in numbers) == len(mjds)


def test_a_night_has_the_date_of_its_evening_at_its_site():
    # Hawaii, 2025-03-01 09:00 UTC: 22:36 of the evening before, mean local time
    when = datetime(2025, 3, 1, 9, tzinfo=UTC)
    factories.make_observation(
        observation_time=when, mjd_utc=float(Time(when).mjd), site_longitude=-156.0
    )
    assert nights.newest().evening == date(2025, 2, 28)
    assert str(Night.named(date(2025, 2, 28))) == "2025-02-28"
    assert Night.named(date(2025, 2, 28)).morning == date(2025, 3, 1)


def test_nights_follow_one_another_and_fill_pages():
    for days in range(4):
        frame(observation_time=FOUR + timedelta(days=days), mjd_utc=float(Time(FOUR).mjd) + days)
    frame(status="failed")
    found = nights.listed(2)
    assert [(str(each.night), each.frames, each.failed) for each in found] == [
        ("2025-03-03", 1, 0), ("2025-03-02", 1, 0),
    ]  # fmt: skip
    rest = nights.listed(9, before=found[-1].night)
    assert [(str(each.night), each.frames, each.failed) for each in rest] == [
        ("2025-03-01", 1, 0), ("2025-02-28", 2, 1),
    ]  # fmt: skip
    assert nights.newest() == found[0].night
    assert found[0].night.later is None
    assert found[0].night.earlier == found[1].night
    assert rest[-1].night.earlier is None
    assert rest[-1].night.later == rest[0].night
