"""What lists may be ordered and filtered by has an index: no page sorts or reads a whole table."""

import pytest
from django.contrib import admin
from django.db.models import BooleanField

from astrid.core.indexes import can_filter, can_order
from astrid.core.models import Record
from astrid.core.rest.columns import ColumnFilter
from astrid.core.rest.filters import offered_orders, risen_with
from benchmarks import apilists, manyrows, plans
from catalog.models import CrossmatchJob
from differencing.models import DifferenceRun
from tests.api.routes import list_routes, view_of
from tests.factories import make_difference_run

ROUTES = list_routes()
RUNS = "/api/v1/difference-runs/"
# Everybody is shown their own, which an index finds.
ONE_PERSONS = {CrossmatchJob}


def model_of(path):
    return view_of(path).queryset.model


def is_large(path):
    """Say whether nothing bounds the rows of a list; people write the others one by one."""
    model = model_of(path)
    page = admin.site._registry.get(model)
    return model not in ONE_PERSONS and getattr(page, "is_large", True)


LARGE = [path for path in ROUTES if is_large(path)]


@pytest.mark.parametrize("path", LARGE)
def test_every_order_that_a_list_offers_is_that_of_an_index(path):
    model, view = model_of(path), view_of(path)
    first, *_ = view.queryset.query.order_by
    for name in {*offered_orders(view), first.removeprefix("-")} - {*risen_with(model)}:
        assert can_order(model, name), f"{path}?ordering={name} would sort the whole table"


@pytest.mark.parametrize("path", LARGE)
def test_every_column_that_a_list_is_filtered_by_leads_an_index(path):
    model, view = model_of(path), view_of(path)
    kind = ColumnFilter().get_filterset_class(view(action="list"), view.queryset)
    for name, one in kind.base_filters.items() if kind else ():
        # what is asked by a method of its own looks the words up in a small table first
        assert one.method or can_filter(model, one.field_name), (
            f"{path}?{name}=… would read the whole table where no row has the value"
        )


def test_no_index_of_one_part_of_a_table_is_taken_for_one_of_all_of_it():
    assert can_filter(DifferenceRun, "is_control")
    assert isinstance(DifferenceRun._meta.get_field("is_control"), BooleanField)
    assert not can_filter(DifferenceRun, "noise_level")
    assert not can_order(DifferenceRun, "is_control")


@pytest.mark.django_db
def test_rows_are_ordered_by_their_time_by_way_of_their_keys(admin_client):
    assert issubclass(DifferenceRun, Record)
    made = [str(make_difference_run().pk) for _ in range(3)]
    for order, wanted in (("created_at", made), ("-created_at", made[::-1])):
        found = admin_client.get(RUNS, {"ordering": order, "page_size": 2}).json()
        rest = admin_client.get(found["next"]).json()
        assert [row["id"] for row in found["results"] + rest["results"]] == wanted


@pytest.mark.django_db
def test_no_page_of_any_list_takes_more_than_four_queries(admin_client):
    manyrows.fill(30)
    opened = [
        one
        for path in ROUTES
        for query in ({}, *apilists.filters_of(view_of(path))[-1:])
        for one in apilists.pages(admin_client, path, query)
    ]
    assert {one.list for one in opened} >= {*LARGE} - {"/api/v1/curators/"}
    for one in opened:
        assert one.queries <= 4, one


@pytest.mark.django_db
def test_a_plan_is_read_as_what_it_does():
    manyrows.fill(100)
    table = DifferenceRun._meta.db_table
    plan = plans.plan_of(str(DifferenceRun.objects.order_by("noise_level").query))
    assert plans.rows_sorted(plan) == DifferenceRun.objects.count()
    assert plans.whole_tables(plan, least=-2) == {table}
    assert plans.plan_of("UPDATE x SET y = 1") == {}
    assert plans.rows_read({}) == plans.blocks_read({}) == 0
