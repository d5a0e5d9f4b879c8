"""The pages of the store: who may read them, what they find, what they cost."""

import json
import struct

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from astrid.csp import POLICY
from lightcurves.models import (
    CurveFeatures,
    DataSet,
    ForcedObservation,
    Mission,
    MissionCatalog,
    PhotometricSource,
    ProcessingMethod,
    Target,
    TargetSpecificTime,
    TESSObservation,
    TESSQualityFlags,
    TGLCQualityFlags,
)
from lightcurves.services import derive
from tests.factories import make_sky_object, make_user

pytestmark = pytest.mark.django_db
LIST = "/console/lightcurves/"


@pytest.fixture
def reader(client):
    client.force_login(make_user("r", group="guest"))
    return client


@pytest.fixture
def curve(sky, make_dataset):
    """A curve with times and two kinds of flags."""
    sky.target.ra, sky.target.dec = 63.375, -69.25
    sky.target.save()
    row = make_dataset(values=np.array([1.5, np.nan, 2.5, 4.0], np.float32), unit="electron / s")
    where = {"target": sky.target, "observation": sky.observation}
    TargetSpecificTime.objects.create(barycentric_julian_dates=[1.0, 2.0, 3.0, 4.0], **where)
    TESSQualityFlags.objects.create(quality_flags=[0, 64 | 1 << 20, 2, 0], **where)
    TGLCQualityFlags.objects.create(quality_flags=[1, 0, 0, 0], **where)
    return row


def found(client, query):
    """Give the targets that a search lists, by number."""
    page = client.get(f"{LIST}?{query}")
    assert page.status_code == 200
    return [row.target.name for row in page.context["rows"]]


def test_a_target_is_called_as_the_object_that_it_was_made_for(reader, curve):
    assert (
        f"<h1>{curve.target}</h1>" in reader.get(curve.target.get_absolute_url()).content.decode()
    )
    make_sky_object(designation="AstrID J0413-6915", light_curve_target=curve.target)
    page = reader.get(curve.target.get_absolute_url())
    assert "<h1>AstrID J0413-6915</h1>" in page.content.decode()
    assert ("target", str(curve.target)) in page.context["facts"]
    assert [row.name for row in reader.get(LIST).context["rows"]] == ["AstrID J0413-6915"]


@pytest.mark.parametrize(("number", "words"), [(1, "1 exposure, uJy"), (2, "2 exposures, uJy")])
def test_one_exposure_is_one(number, words):
    assert str(ForcedObservation(survey="s", band="r", n=number, unit="uJy")) == f"s r, {words}"


def test_the_longest_light_curve_stands_for_a_target(reader, sky, make_dataset):
    short, long = (
        make_dataset(
            values=np.arange(1.0, n + 1),
            observation=ForcedObservation.objects.create(
                survey="s",
                band="r",
                unit="uJy",
                cadence_reference=np.arange(n),
                instrument=sky.observation.instrument,
            ),
        )
        for n in (1, 2)
    )
    assert short.pk < long.pk
    assert [row.shown for row in reader.get(LIST).context["rows"]] == [long.pk]


def words_of(page):
    return [str(message) for message in page.context["messages"]]


def test_guests_read_and_nobody_else_without_the_right(client, curve):
    pages = [
        LIST,
        curve.target.get_absolute_url(),
        reverse("lightcurves:points", args=[curve.pk]),
        reverse("lightcurves:sparkline", args=[curve.pk]),
    ]
    assert {client.get(page).status_code for page in pages} == {302}
    client.force_login(make_user("n"))
    assert {client.get(page).status_code for page in pages} == {403}
    client.force_login(make_user("g", group="guest"))
    answers = [client.get(page) for page in pages]
    assert {answer.status_code for answer in answers} == {200}
    assert {answer["Content-Security-Policy"] for answer in answers} == {POLICY}
    assert client.post(LIST).status_code == 405
    assert client.get("/console/lightcurves/targets/99999999/").status_code == 404


def test_targets_are_found_by_number_catalogue_cone_mission_and_kind(reader, sky):
    kepler = Mission.objects.create(name="Kepler", time_format_name="bkjd")
    kic = MissionCatalog.objects.create(host_mission=kepler, name="KIC")
    ztf = MissionCatalog.objects.create(host_mission=kepler, name="ZTF")
    Target.objects.create(catalog=kic, name=1234, ra=10.0, dec=5.0)
    Target.objects.create(catalog=kic, name=7, ra=10.01, dec=5.0)
    Target.objects.create(catalog=ztf, name=int("18abcdefg", 36))
    assert found(reader, "q=1234") == [1234, 1234]
    assert found(reader, "q=tic+1234") == [1234]
    assert found(reader, "q=ZTF18abcdefg") == [int("18abcdefg", 36)]
    # the nearest first; 36 arcseconds apart
    assert found(reader, "q=10.009+5+40") == [7, 1234]
    assert found(reader, "q=00:40:02.4+%2B05:00:00+10") == [7]
    assert found(reader, "mission=Kepler&catalog=KIC") == [1234, 7]
    assert found(reader, "kind=tess") == []


def test_what_cannot_be_searched_is_said_in_words(reader, sky):
    for query, words in {
        "q=banana": "'banana' names neither a target nor a cone",
        "q=400+0+1": "ra is 400.0; it must lie in 0 to 360",
        "kind=radio": "there is no kind of observation called 'radio'",
        "p=xyz": "This is the first page",
    }.items():
        page = reader.get(f"{LIST}?{query}")
        assert page.status_code == 200
        assert words in words_of(page)[0]


def test_a_page_follows_the_other_through_a_cone(reader, sky, monkeypatch):
    monkeypatch.setattr("lightcurves.web.views._PAGE", 2)
    for number in range(5):
        Target.objects.create(catalog=sky.catalog, name=number, ra=50 + number / 1e4, dec=0.0)
    seen, query = [], "q=50+0+60"
    while query:
        page = reader.get(f"{LIST}?{query}")
        seen += [row.target.name for row in page.context["rows"]]
        place = page.context["page"].next
        query = f"q=50+0+60&p={place}" if place else None
    assert seen == [0, 1, 2, 3, 4]


def queries(client, address):
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return [query["sql"] for query in captured]


def test_the_list_and_a_page_cost_the_same_however_much_there_is(reader, sky, make_dataset, curve):
    addresses = (LIST, curve.target.get_absolute_url())
    few = [len(queries(reader, address)) for address in addresses]
    for number in range(4):
        other = Target.objects.create(catalog=sky.catalog, name=900 + number)
        source = PhotometricSource.objects.create(name=f"s{number}")
        derive(make_dataset(photometric_method=source), [make_dataset(target=other)])
    many = [queries(reader, address) for address in addresses]
    assert [len(each) for each in many] == few
    # session, user, two for rights, targets, their curves, catalogues; and curves, lineage
    assert few[0] <= 8
    assert few[1] <= 8
    arrays = ('"values"', '"cadence_reference"', '"quality_flags"', '"barycentric_julian_dates"')
    assert not [query for each in many for query in each if any(name in query for name in arrays)]


def test_what_was_processed_last_is_drawn_first_in_one_way(reader, sky, make_dataset):
    aperture, profile = (PhotometricSource.objects.create(name=name) for name in "ap")
    method = ProcessingMethod.objects.create(name="cleaned")
    raw = make_dataset(photometric_method=aperture)
    clean = make_dataset(photometric_method=aperture, processing_method=method)
    derive(clean, [raw])
    make_dataset(photometric_method=profile, processing_method=method)
    page = reader.get(sky.target.get_absolute_url())
    curves = page.context["config"]["curves"]
    assert [one["id"] for one in curves if one["shown"]] == [clean.pk]
    assert [row.shown for row in reader.get(LIST).context["rows"]] == [clean.pk]
    lines = {line.dataset.pk: line for line in page.context["lines"]}
    assert (lines[clean.pk].sources, lines[clean.pk].series) == ((raw.pk,), "a, cleaned")


def read_points(content):
    """Read what the plot reads, without its code."""
    (length,) = struct.unpack_from("<I", content)
    head = json.loads(content[4 : 4 + length])
    return head, {
        one["name"]: np.frombuffer(content, one["dtype"], head["n"], 4 + length + one["offset"])
        for one in head["columns"]
    }


def test_points_travel_as_bare_numbers_with_the_bits_that_are_set(reader, curve):
    answer = reader.get(reverse("lightcurves:points", args=[curve.pk]))
    head, columns = read_points(answer.content)
    assert columns["value"].tobytes() == curve.values.tobytes()
    assert columns["x"].tolist() == [1.0, 2.0, 3.0, 4.0]
    names = ("kind", "name", "count", "harmless")
    assert [tuple(one[name] for name in names) for one in head["bits"]] == [
        ("tess_quality", "safe_mode", 1, False),
        ("tess_quality", "cosmic_ray", 1, True),
        ("tess_quality", "bit_20", 1, False),
        ("tglc_quality", "background_outlier", 1, False),
    ]
    assert columns["flags0"].tolist() == [8, 6, 1, 0]
    starts = [4 + struct.unpack_from("<I", answer.content)[0] + one["offset"]
              for one in head["columns"]]  # fmt: skip
    assert not [start for start in starts if start % 8]


def test_periods_that_were_found_are_offered_once_with_their_time_of_phase_0(reader, curve):
    common = {"dataset": curve, "version": "1", "parameters": {}}
    for kind, period, features in (
        ("period", 0.5678, {"epoch": 1325.25}),
        ("transit", 3.2885, {"epoch": 1327.5}),
        ("period", 0.5678, {"epoch": 1325.25}),
        ("period", 0.25, {}),
        ("statistics", None, {}),
    ):
        CurveFeatures.objects.create(kind=kind, period=period, features=features, **common)
    page = reader.get(curve.target.get_absolute_url())
    found = [(one.words, one.epoch) for one in page.context["periods"]]
    assert found == [
        ("0.25 d, period", None),
        ("0.5678 d, period", 1325.25),
        ("3.2885 d, transits", 1327.5),
    ]
    assert 'data-period="3.2885"' in page.content.decode()
    assert 'data-epoch="1327.5"' in page.content.decode()


def test_more_bits_than_a_word_holds_go_into_a_second_one(reader, sky, make_dataset):
    row = make_dataset()
    TESSQualityFlags.objects.create(
        quality_flags=[2**40 - 1, 0, 1 << 39, 1], observation=sky.observation
    )
    head, columns = read_points(reader.get(reverse("lightcurves:points", args=[row.pk])).content)
    assert (len(head["bits"]), head["timed"]) == (40, False)
    assert columns["flags0"].tolist() == [2**32 - 1, 0, 0, 1]
    assert columns["flags1"].tolist() == [2**8 - 1, 0, 2**7, 0]
    assert columns["x"].tolist() == [1, 2, 3, 5]


def test_a_small_picture_leaves_out_flagged_cadences_and_what_is_far_off(reader, sky):
    n = 1000
    observation = TESSObservation.objects.create(
        instrument=sky.instrument, cadence_reference=np.arange(n), sector=2
    )
    values = np.ones(n) + np.arange(n) % 2
    values[500] = 1e6  # not flagged
    where = {"target": sky.target, "observation": observation}
    row = DataSet.objects.create(values=values, errors=values, **where)
    before = reader.get(reverse("lightcurves:sparkline", args=[row.pk])).content.decode()
    TESSQualityFlags.objects.create(quality_flags=np.arange(n) // 500, **where)
    after = reader.get(reverse("lightcurves:sparkline", args=[row.pk])).content.decode()
    # one stroke per column of pixels; the second half is flagged
    assert (before.count("M"), after.count("M")) == (160, 80)
    # 1 to 2 fill 1 / 1.3 of the height of 40, as what is far is put 0.3 of that above
    assert "M0.5 39.0V9.0" in before


def test_the_admin_shows_pictures_that_come_by_themselves(admin_client, curve):
    address = reverse("lightcurves:sparkline", args=[curve.pk])
    for page in (
        reverse("admin:lightcurves_dataset_changelist"),
        reverse("admin:lightcurves_target_change", args=[curve.target_id]),
    ):
        assert f'src="{address}"' in admin_client.get(page).content.decode()
    shortcut = reverse("lightcurves:dataset", args=[curve.pk])
    led = admin_client.get(shortcut)
    assert led.url == f"{curve.target.get_absolute_url()}#curve-{curve.pk}"
