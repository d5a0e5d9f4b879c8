"""The admin and the API: every table, few queries, no array where a list is asked for."""

import itertools
import re

import numpy as np
import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import include, path, reverse
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from rest_framework.routers import SimpleRouter
from rest_framework.test import APIClient

from astrid import urls as site
from lightcurves.api.urls import ROUTES
from lightcurves.models import (
    BinnedObservation,
    CurveFeatures,
    DataSet,
    DataSetHierarchy,
    FITSFrame,
    HSTObservation,
    Instrument,
    Mission,
    MissionCatalog,
    Observation,
    PhotometricSource,
    ProcessingMethod,
    QualityFlagArray,
    Target,
    TargetSpecificTime,
    TESSObservation,
    TESSQualityFlags,
)

router = SimpleRouter()
for route, view, name in ROUTES:
    router.register(route, view, name)
routes = [path("under-test/", include(router.urls))]
urlpatterns = [*site.urlpatterns, *routes]

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

TABLES = [
    Mission,
    MissionCatalog,
    Target,
    Instrument,
    Observation,
    FITSFrame,
    PhotometricSource,
    ProcessingMethod,
    DataSet,
    DataSetHierarchy,
    TargetSpecificTime,
    QualityFlagArray,
    CurveFeatures,
]
KINDS = [TESSObservation, HSTObservation, BinnedObservation, TESSQualityFlags]
ARRAY_COLUMNS = re.compile(
    r'"(values|errors|cadence_reference|quality_flags|barycentric_julian_dates)"'
)
numbers = itertools.count(100)


def add_one_of_each():
    """Add one row to every table."""
    n = next(numbers)
    mission = Mission.objects.create(name=f"M{n}", time_format_name=f"t{n}")
    catalog = MissionCatalog.objects.create(host_mission=mission, name=f"C{n}")
    target = Target.objects.create(catalog=catalog, name=n)
    whole = Instrument.objects.create(name=f"I{n}")
    part = Instrument.objects.create(name=f"part of I{n}", parent=whole)
    common = {"instrument": part, "cadence_reference": [1, 2, 3]}
    HSTObservation.objects.create(visit_id="01", program_id=n, **common)
    BinnedObservation.objects.create(source_observation=n, width_days=0.5, **common)
    observation = TESSObservation.objects.create(sector=n, **common)
    FITSFrame.objects.create(
        cadence=n, observation=observation, bitpix=16, naxis=1, naxis_values=[9], file_path="a"
    )
    source = PhotometricSource.objects.create(name=f"S{n}")
    method = ProcessingMethod.objects.create(name=f"P{n}")
    where = {"target": target, "observation": observation}
    first, second = (
        DataSet.objects.create(
            values=[1.5, np.nan, 2.5], errors=[0.5, np.inf, 0.5],
            photometric_method=source, processing_method=method, **where,
        )
        for _ in range(2)
    )  # fmt: skip
    DataSetHierarchy.objects.create(source_dataset=first, child_dataset=second)
    CurveFeatures.objects.create(dataset=first, kind="statistics", version="1", features={"n": 3})
    TargetSpecificTime.objects.create(barycentric_julian_dates=[1.0, np.nan, 3.0], **where)
    TESSQualityFlags.objects.create(quality_flags=[0, 64, 2], **where)


def queries_of(client, address):
    with CaptureQueriesContext(
        connection,
    ) as captured:
        response = client.get(address)
    assert response.status_code == 200, response.content
    return [query["sql"] for query in captured]


def cost_does_not_grow(client, address):
    """Fetch a list with one and with three rows of each: the same queries, none with arrays."""
    add_one_of_each()
    few = queries_of(client, address)
    for _ in range(2):
        add_one_of_each()
    many = queries_of(client, address)
    assert len(many) == len(few)
    assert not [query for query in many if ARRAY_COLUMNS.search(query)]
    return len(many)


@pytest.fixture(autouse=True)
def content_types():
    """Forget the content types of kinds, which are made on first use and rolled back after."""
    yield
    ContentType.objects.clear_cache()


@pytest.fixture
def operator(client):
    client.force_login(
        get_user_model().objects.create(username="o", is_staff=True, is_superuser=True)
    )
    return client


@pytest.fixture
def reader():
    user = get_user_model().objects.create(username="r")
    rights = Permission.objects.filter(content_type__app_label="lightcurves")
    user.user_permissions.set(rights.filter(codename__startswith="view_"))
    user.get_all_permissions()  # kept on the user, so that only the endpoint's queries count
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.mark.parametrize("model", [*TABLES, *KINDS])
def test_a_list_of_the_admin_costs_the_same_however_long_and_reads_no_array(operator, model):
    address = reverse(f"admin:lightcurves_{model._meta.model_name}_changelist")
    # session, user, two counts, the page, and up to five for the filters
    assert cost_does_not_grow(operator, address) <= 10


@pytest.mark.parametrize("model", [*TABLES, *KINDS])
def test_every_row_has_a_page_in_the_admin(operator, model):
    add_one_of_each()
    row = model.objects.first()
    address = reverse(f"admin:lightcurves_{model._meta.model_name}_change", args=[row.pk])
    assert operator.get(address).status_code == 200


def test_the_page_of_a_dataset_has_figures_and_a_plot_instead_of_bytes(operator):
    add_one_of_each()
    address = reverse("admin:lightcurves_dataset_change", args=[DataSet.objects.first().pk])
    page = operator.get(address).content.decode()
    assert "3 x float64, from 1.5 to 2.5" in page
    assert "<svg " in page


def test_the_page_of_flags_counts_each_named_bit(operator):
    add_one_of_each()
    row = QualityFlagArray.objects.first()
    address = reverse("admin:lightcurves_qualityflagarray_change", args=[row.pk])
    assert "safe_mode 1, cosmic_ray 1" in operator.get(address).content.decode()


def test_a_circle_of_instruments_is_refused_by_the_form(operator):
    add_one_of_each()
    whole = Instrument.objects.get(parent=None)
    address = reverse("admin:lightcurves_instrument_change", args=[whole.pk])
    part = whole.children.get()
    page = operator.post(address, {"name": "I", "properties": "{}", "parent": part.pk})
    assert "or part of it" in page.content.decode()


def test_wrong_values_of_a_kind_are_refused_by_the_form(operator):
    add_one_of_each()
    row = TESSObservation.objects.get()
    address = reverse("admin:lightcurves_observation_change", args=[row.pk])
    data = {"type": "tess", "extra": '{"sector": "one"}', "instrument": row.instrument_id}
    page = operator.post(address, data).content.decode()
    assert "it must be a whole number" in page
    data["extra"] = '{"sector": 77}'
    assert operator.post(address, data).status_code == 302
    assert TESSObservation.objects.get(sector=77).n == 3


@pytest.mark.parametrize("model", KINDS)
def test_who_may_see_a_table_may_see_its_kinds(client, model):
    user = get_user_model().objects.create(username="u", is_staff=True)
    client.force_login(user)
    address = reverse(f"admin:lightcurves_{model._meta.model_name}_changelist")
    assert client.get(address).status_code == 403
    base = model._meta.concrete_model._meta.model_name
    right = Permission.objects.get(codename=f"view_{base}", content_type__app_label="lightcurves")
    user.user_permissions.add(right)
    client.force_login(get_user_model().objects.get(pk=user.pk))
    assert client.get(address).status_code == 200


@pytest.mark.parametrize("route", [route for route, _, _ in ROUTES])
def test_a_list_of_the_api_costs_one_query_and_reads_no_array(reader, route):
    assert cost_does_not_grow(reader, f"/under-test/{route}/") == 1


@pytest.mark.parametrize("route", [route for route, _, _ in ROUTES])
def test_one_row_of_the_api_costs_at_most_three_queries(reader, route):
    add_one_of_each()
    first = reader.get(f"/under-test/{route}/").json()["results"][0]
    address = f"/under-test/{route}/{first['id']}/"
    assert len(queries_of(reader, address)) <= 3
    assert reader.get(address).json().items() >= first.items()


def test_arrays_are_lists_with_null_for_what_json_cannot_say(reader):
    add_one_of_each()
    base = "/under-test"
    dataset = DataSet.objects.get(links_to_sources__isnull=False)
    shown = reader.get(f"{base}/datasets/{dataset.pk}/").json()
    assert (shown["values"], shown["errors"]) == ([1.5, None, 2.5], [0.5, None, 0.5])
    assert shown["source_datasets"] == [dataset.source_datasets.get().pk]
    flags = QualityFlagArray.objects.get()
    shown = reader.get(f"{base}/quality-flags/{flags.pk}/").json()
    assert (shown["quality_flags"], shown["bits"]["cosmic_ray"]) == ([0, 64, 2], 64)


def test_lists_filter_by_type(reader):
    add_one_of_each()
    shown = reader.get("/under-test/observations/?type=hst").json()
    assert [row["type"] for row in shown["results"]] == ["hst"]


def test_the_api_is_closed_to_strangers_and_to_writing(reader):
    assert APIClient().get("/under-test/missions/").status_code in {401, 403}
    assert reader.post("/under-test/missions/", {"name": "x"}).status_code in {403, 405}


def test_the_schema_has_no_warnings_and_names_of_its_own(capsys):
    GENERATOR_STATS.reset()
    schema = SchemaGenerator(patterns=routes).get_schema(request=None, public=True)
    GENERATOR_STATS.emit_summary()
    printed = capsys.readouterr()
    assert "Warning" not in printed.err + printed.out
    names = schema["components"]["schemas"]
    assert "LightcurveObservation" in names
    assert "Observation" not in names


def test_a_cone_finds_targets_and_their_curves_across_right_ascension_zero(reader):
    for _ in range(3):
        add_one_of_each()
    near, far, _ = Target.objects.all()
    near.ra, near.dec = 359.999, -30.0
    near.save()
    far.ra, far.dec = 0.1, -30.0
    far.save()
    cone = "ra=0.001&dec=-30&radius=0.01"
    shown = reader.get(f"/under-test/targets/?{cone}").json()["results"]
    assert [(row["id"], row["ra"]) for row in shown] == [(near.pk, 359.999)]
    curves = reader.get(f"/under-test/datasets/?{cone}").json()["results"]
    assert {row["target"] for row in curves} == {near.pk}
    assert len(curves) == 2
    refused = reader.get("/under-test/targets/?ra=0&dec=-91&radius=1")
    assert (refused.status_code, "dec is -91.0" in refused.json()["detail"]) == (400, True)


def test_targets_and_curves_are_filtered_by_mission_and_kind(reader):
    add_one_of_each()
    add_one_of_each()
    other = Target.objects.last()
    DataSet.objects.filter(target=other).delete()
    first = Target.objects.first()
    base = "/under-test"

    def targets(query):
        return [row["id"] for row in reader.get(f"{base}/targets/?{query}").json()["results"]]

    assert targets("kind=tess") == [first.pk]
    assert targets("kind=hst") == []
    assert targets(f"mission={other.catalog.host_mission.name}") == [other.pk]
    assert targets(f"name={first.name},{other.name}") == [first.pk, other.pk]
    many = f"{base}/datasets/?target={first.pk},{other.pk}&kind=tess"
    assert len(reader.get(many).json()["results"]) == 2
    for wrong in ("x", "1.5", "1,x"):
        assert reader.get(f"{base}/datasets/?target={wrong}").status_code == 400
