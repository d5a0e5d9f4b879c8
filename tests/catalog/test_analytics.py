"""Daily summaries: what is counted where it is done is what a recount of the archive gives."""

import re
import threading
from contextlib import closing
from datetime import date, timedelta
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import Sum
from hypothesis import given
from hypothesis import strategies as st
from rich.progress import Progress

from astrid.inprocess import process
from catalog import config
from catalog.analytics import latency, sums
from catalog.analytics.charts import in_words, of_days, of_times
from catalog.analytics.contributions import SOURCES
from catalog.analytics.forms import usual
from catalog.analytics.latency import GAMMA, bin_of, quantile
from catalog.analytics.summary import Wanted, summary_of
from catalog.analytics.triggers import functions
from catalog.models import Analytics, Tally
from curation.models import Alert, AlertRule, InjectionTest, ReviewTask, ValidationEvent
from curation.parameters import ReviewPolicy
from curation.services import judge, withdraw
from detection.models import Detection, ModelRun
from differencing.models import DifferenceRun
from observations.models import Observation
from observations.services import ingest_directory
from observations.simulator import simulate_night
from tests import factories

POLICY = ReviewPolicy()
LATENCY_ERROR = (GAMMA - 1) / (GAMMA + 1)  # of the sketch, by its construction


def total():
    return summary_of(usual(), None).total.numbers


@pytest.fixture
def curator():
    return factories.make_user("ada", group="curator")


@pytest.mark.django_db(transaction=True)
def test_a_night_through_the_pipeline_is_summed_as_a_recount_gives(tmp_path, curator):
    call_command("migrate", verbosity=0)
    config.put("alert_rules", [{"name": "found", "trigger": "detected"}])
    simulate_night(tmp_path, seed=5, fields=1, science_epochs=1, size=256)
    ingest_directory(tmp_path)
    with Progress(disable=True) as bars:
        assert not process(bars).failed
    believed = list(Detection.objects.believed().order_by("id"))
    assert len(believed) >= 2
    judge(believed[0], by=curator, is_valid=True, label=None, policy=POLICY)
    judge(believed[1], by=curator, is_valid=False, label=None, policy=POLICY, ms_spent=1500)
    judge(believed[1], by=curator, is_valid=True, label=None, policy=POLICY, ms_spent=500)
    withdraw(believed[1], by=curator, policy=POLICY)
    InjectionTest.objects.create(model_run=believed[0].model_run, injected=10, recovered=9, seed=1)

    counted = total()
    candidates = DifferenceRun.objects.aggregate(number=Sum("candidates_found"))["number"]
    assert counted["frames"] == Observation.objects.count()
    assert counted["candidates"] == candidates > 0
    assert counted["scored"] == ModelRun.objects.aggregate(n=Sum("total_predictions"))["n"]
    assert counted["detections"] == len(believed)
    assert counted["verdicts"] == ValidationEvent.objects.filter(withdrawn=False).count() == 3
    assert (counted["real"], counted["bogus"]) == (2, 1)
    assert (counted["confirmed"], counted["rejected"]) == (1, 0)
    assert counted["alerts"] == counted["raised"] == Alert.objects.count() > 0
    assert (counted["injected"], counted["recovered"]) == (10, 9)
    waiting = ReviewTask.objects.waiting().count()
    assert counted["opened"] - counted["closed"] == waiting
    assert summary_of(usual(), None).backlog[-1] == waiting
    assert not sums.differences()

    sums.fold()
    assert not Tally.objects.exists()
    assert total() == counted
    believed[0].alerts.all().delete()
    judge(believed[1], by=curator, is_valid=False, label=None, policy=POLICY)
    assert total()["rejected"] == 1
    assert not sums.differences()
    sums.fold()
    stored = set(values())
    sums.recount()
    # Sums that came to nothing stay as rows of nothing; a recount leaves them out.
    assert set(values()) == {row for row in stored if row[-1] != 0}


def values():
    names = ("day", "survey", "filter_band", "model", "curator", "metric", "bin", "count")
    return Analytics.objects.values_list(*names)


@pytest.mark.django_db(transaction=True)
def test_curators_do_not_wait_for_one_another(curator):
    first, second = (task.detection for task in factories.make_tasks(2))
    other = factories.make_user("bea", group="curator")
    done = threading.Event()

    def meanwhile():
        with closing(connection), connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '5s'")
            judge(second, by=other, is_valid=True, label=None, policy=POLICY)
            done.set()

    with transaction.atomic():
        judge(first, by=curator, is_valid=True, label=None, policy=POLICY)
        thread = threading.Thread(target=meanwhile)
        thread.start()
        thread.join()
        assert done.is_set()
    assert total()["verdicts"] == 2


@pytest.mark.django_db
class TestWhatIsCounted:
    """Row by row."""

    def test_what_is_undone_is_taken_away(self):
        observation = factories.make_observation(filter_band="r")
        assert total()["frames"] == 1
        observation.filter_band = "g"
        observation.save()
        bands = {group.name.split(" · ")[1]: group.counts for group in summary(usual()).fields}
        assert (bands["r"].numbers["frames"], bands["g"].numbers["frames"]) == (0, 1)
        observation.delete()
        assert total()["frames"] == 0
        assert not sums.differences()

    def test_what_chance_drew_from_the_rejected_is_no_detection(self):
        factories.make_detection(is_audit=True)
        assert total()["detections"] == 0
        factories.make_detection(is_audit=False)
        assert total()["detections"] == 1

    def test_a_comparison_counts_no_candidates(self):
        run = factories.make_difference_run(is_comparison=True)
        DifferenceRun.objects.filter(pk=run.pk).update(candidates_found=7)
        assert total()["candidates"] == 0
        assert not sums.differences()

    def test_the_time_to_an_alert_is_known_to_five_percent(self):
        detection = factories.make_detection()
        frame = detection.observation
        end = frame.observation_time + timedelta(seconds=frame.exposure_time)
        for place, seconds in enumerate((0.1, 30, 600, 86_400)):
            alert = Alert.objects.create(
                detection=detection, alert_type="detected", title=str(place), rule=rule(place)
            )
            Alert.objects.filter(pk=alert.pk).update(sent_at=end + timedelta(seconds=seconds))
        found = summary(usual()).total
        assert found.times("sent").number == 4
        for share, seconds in ((0.0, 1), (0.34, 30), (0.67, 600), (1.0, 86_400)):
            assert quantile(found.bins["sent"], share) == pytest.approx(
                seconds, rel=LATENCY_ERROR * 1.0001
            )
        assert not sums.differences()

    def test_a_wrong_summary_is_found_and_mended(self):
        factories.make_observation()
        sums.fold()
        Analytics.objects.filter(metric="frames").update(count=41)
        out = StringIO()
        with pytest.raises(CommandError, match="1 figures differ"):
            call_command("summaries", "check", stdout=out)
        assert "frames: stored 41, counted 1" in out.getvalue()

    def test_the_functions_in_the_database_are_those_of_the_code(self):
        with connection.cursor() as cursor:
            cursor.execute("SELECT prosrc FROM pg_proc WHERE proname LIKE 'astrid_tally_%%'")
            installed = {text for (text,) in cursor.fetchall()}
        written = {
            body for name in SOURCES for body in re.findall(r"\$\$(.*?)\$\$", functions(name), re.S)
        }
        assert installed == written


def rule(place):
    return AlertRule.objects.create(name=f"rule {place}", trigger="detected")


def summary(wanted):
    return summary_of(wanted, None)


@pytest.mark.django_db
class TestThePage:
    """What people see of it."""

    def test_nothing_is_no_hundred_percent(self, client, curator):
        client.force_login(curator)
        page = client.get("/console/analytics/").content.decode()
        assert "no verdicts" in page
        assert "no injections" in page
        assert "100%" not in page

    def test_shares_have_their_interval_and_number(self, client, curator):
        for task, is_valid in zip(factories.make_tasks(4), (1, 1, 1, 0), strict=True):
            judge(task.detection, by=curator, is_valid=bool(is_valid), label=None, policy=POLICY)
        client.force_login(curator)
        page = client.get("/console/analytics/").content.decode()
        # Wilson 1927 for 3 of 4: (0.301, 0.954)
        assert "75% (30 to 95, n = 4)" in page

    def test_one_sees_what_others_judged_only_who_settles_disputes(self, client, curator):
        (task,) = factories.make_tasks(1)
        judge(task.detection, by=curator, is_valid=True, label=None, policy=POLICY)
        sums.fold()
        address, api = "/console/analytics/", "/api/v1/analytics/?metric=verdicts"
        for group, sees in (("guest", False), ("curator", False), ("researcher", True)):
            client.force_login(factories.make_user(f"a {group}", group=group))
            assert ('<th scope="row">ada</th>' in client.get(address).content.decode()) == sees
            assert bool(client.get(api).json()["results"]) == sees
        client.force_login(curator)
        assert '<th scope="row">ada</th>' in client.get(address).content.decode()

    def test_days_survey_and_band_are_chosen(self, client, curator):
        frame = factories.make_observation(filter_band="r")
        factories.make_observation(filter_band="g")
        client.force_login(curator)
        for query, number in (("", 2), ("?band=r", 1), (f"?survey={frame.survey_id}&band=i", 0)):
            page = client.get(f"/console/analytics/{query}")
            assert page.context["totals"][0][0] == number
        old = client.get("/console/analytics/?first=2001-01-01&last=2001-01-31")
        assert old.context["totals"][0][0] == 0

    @pytest.mark.parametrize(
        ("query", "said"),
        [
            ("first=2026-02-02&last=2026-02-01", "is before"),
            ("first=2001-01-01&last=2026-02-01", "days are too many"),
            ("first=soon", "Enter a valid date"),
            ("survey=none", "is not a valid UUID"),
        ],
    )
    def test_days_that_cannot_be_are_said(self, client, curator, query, said):
        client.force_login(curator)
        page = client.get(f"/console/analytics/?{query}").content.decode()
        assert re.search(said, page)

    def test_the_report_needs_nothing_but_itself(self, client, curator):
        client.force_login(curator)
        answer = client.get("/console/analytics/report.html?first=2026-03-01&last=2026-03-31")
        name = "astrid-report-2026-03-01-to-2026-03-31.html"
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
        text = answer.content.decode()
        assert not re.search(r"<link|<script|src=|@import|url\(", text)
        assert "@media print" in text

    def test_a_command_writes_it_too(self, tmp_path):
        factories.make_survey(name="Wide")
        out = tmp_path / "march.html"
        days = {"first": date(2026, 3, 1), "last": date(2026, 3, 31)}
        call_command("report", **days, survey="Wide", out=out, stderr=StringIO())
        assert "2026-03-01 to 2026-03-31" in out.read_text()
        with pytest.raises(CommandError, match="no survey is called 'Deep'; there are Wide"):
            call_command("report", survey="Deep")


@given(st.floats(min_value=1, max_value=1e10))
def test_a_time_is_within_five_percent_of_its_bin(seconds):
    assert latency.seconds_of(bin_of(seconds)) == pytest.approx(seconds, rel=LATENCY_ERROR * 1.0001)


def test_quantiles_of_two_sketches_add_up():
    rng = np.random.default_rng(3)
    times = rng.lognormal(6, 2, 4000)
    halves = [
        np.bincount([bin_of(one) for one in part], minlength=400)
        for part in (times[:900], times[900:])
    ]
    counts = {number: int(count) for number, count in enumerate(sum(halves)) if count}
    for share in (0.1, 0.5, 0.99):
        # Ranks lie between the times of the sample: the lower one is taken.
        exact = np.quantile(times, share, method="lower")
        assert quantile(counts, share) == pytest.approx(max(exact, 1), rel=LATENCY_ERROR * 1.0001)


def test_there_is_no_quantile_of_nothing_and_no_share_above_one():
    assert quantile({}, 0.5) is None
    with pytest.raises(ValueError, match=r"share is 1\.5"):
        quantile({1: 1}, 1.5)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, "\N{EN DASH}"),
        (0.5, "0.5 s"),
        (59, "59 s"),
        (90, "1.5 min"),
        (5400, "1.5 h"),
        (172_800, "2 d"),
    ],
)
def test_times_are_written_in_the_unit_that_suits_them(seconds, said):
    assert in_words(seconds) == said


def test_bars_are_as_tall_as_their_numbers():
    days = [date(2026, 1, day) for day in (1, 2, 3)]
    chart = of_days("Frames", days, [0, 5, 10])
    assert [bar.height for bar in chart.bars] == [0, 48, 96]
    assert chart.bars[1].words == "2026-01-02: 5"
    assert of_days("Frames", days, [0, 0, 0]).is_empty
    times = of_times("Times", {10: 1, 200: 3})
    assert sum(int(bar.words.split(": ")[1]) for bar in times.bars) == 4
    assert len(times.bars) <= 24


def test_the_usual_days_are_thirty():
    wanted = usual(date(2026, 3, 30))
    assert (wanted.first, len(wanted.days)) == (date(2026, 3, 1), 30)
    assert Wanted(date(2026, 1, 1), date(2026, 1, 1)).days == [date(2026, 1, 1)]
