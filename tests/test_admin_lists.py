"""Every list of the admin, at any size: few queries, no count, no offset, indexes only."""

import re
from itertools import islice

import pytest
from django.contrib import admin
from django.contrib.admin.filters import AllValuesFieldListFilter
from django.db import connection, models
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from astrid.core import admin as console
from astrid.core.admin import ConsoleAdmin
from astrid.core.changelist import KeysetList
from astrid.core.indexes import can_filter
from benchmarks import adminlists, manyrows
from detection.models import Detection
from differencing.models import Candidate
from tests.factories import make_candidate, make_detection, make_user
from tests.pages import list_page, row_page

pytestmark = pytest.mark.django_db

DETECTIONS = 100  # several pages of each table that grows
LARGE = [page for page in admin.site._registry.values() if getattr(page, "is_large", False)]
FEW_VALUES = (models.BooleanField, models.DateField)
NAMES = [page.model._meta.label for page in LARGE]


@pytest.fixture
def staff(client):
    user = make_user("vera", is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


def test_every_view_of_every_list_takes_few_queries_that_count_and_skip_nothing(monkeypatch):
    manyrows.fill(DETECTIONS)
    monkeypatch.setattr(ConsoleAdmin, "list_per_page", 5)
    reader, paged = adminlists.reader(), set()
    for model, page in admin.site._registry.items():
        views = adminlists.views_of(reader, model, choices=1)
        for view, address in views if page in LARGE else islice(views, 1):
            statements = adminlists.statements_of(reader, address)
            assert len(statements) <= 12, address
            assert not [sql for sql in statements if adminlists.BANNED.search(sql)], address
            paged |= {model._meta.label} if view == "next" else set()
    assert {"detection.Detection", "curation.ReviewTask", "catalog.AuditLog"} <= paged


def test_the_page_of_a_row_takes_few_queries_however_much_belongs_to_it(client, staff):
    manyrows.fill(DETECTIONS)
    for model, page in admin.site._registry.items():
        row = model._default_manager.first()
        if row is None or not isinstance(page, ConsoleAdmin):
            continue
        row_page(client, row)  # content types
        with CaptureQueriesContext(connection) as captured:
            assert row_page(client, row).status_code == 200
        assert len(captured) <= 12, f"{model._meta.label}: {len(captured)}"


@pytest.mark.parametrize("page", LARGE, ids=NAMES)
def test_a_large_table_is_filtered_and_searched_by_indexes_only(page):
    for each in page.list_filter:
        if isinstance(each, type):
            continue  # made by us for one table; its views are opened above and in the benchmark
        assert can_filter(page.model, each), each
        column = page.opts.get_field(each.partition("__")[0])
        is_free_text = not (column.is_relation or column.choices)
        assert not is_free_text or isinstance(column, FEW_VALUES), each
        assert not isinstance(each, AllValuesFieldListFilter)
    for lookup in page.search_fields:
        is_anchored = lookup in ("id", "=id") or re.fullmatch(r"=.*|.*__(startswith|exact)", lookup)
        assert is_anchored, lookup


@pytest.mark.parametrize("model", admin.site._registry, ids=lambda model: model._meta.label)
def test_no_form_offers_the_rows_of_a_large_table_one_by_one(model, rf, staff):
    page, request = admin.site._registry[model], rf.get("/")
    request.user = staff
    offered = page.get_form(request).base_fields if page.has_add_permission(request) else {}
    chosen = {*page.get_autocomplete_fields(request), *page.raw_id_fields}
    for column in [*model._meta.fields, *model._meta.many_to_many]:
        target = admin.site._registry.get(column.related_model)
        if column.name in offered and getattr(target, "is_large", False):
            assert column.name in chosen, column


def follow(client, page, words):
    links = dict(page.context["cl"].page_links)
    assert links[words], words
    return client.get(reverse("admin:differencing_candidate_changelist") + links[words])


def columns(client):
    return [*list_page(client, Candidate).context["cl"].list_display]


def shown(page):
    return [row.significance for row in page.context["cl"].result_list]


@pytest.fixture
def candidates(monkeypatch):
    monkeypatch.setattr(ConsoleAdmin, "list_per_page", 3)
    first = make_candidate(significance=0.0, is_edge=True)
    for number in range(1, 11):
        make_candidate(
            difference_run=first.difference_run, significance=float(number), is_edge=number % 5 > 0
        )


def test_links_keep_filter_order_and_search(client, staff, candidates):
    name = Candidate.objects.first().observation.observation_id
    number = columns(client).index("sigma")
    page = list_page(client, Candidate, f"?is_edge__exact=1&o={number}&q={name[:8]}")
    assert shown(page) == [0.0, 1.0, 2.0]
    page = follow(client, page, "Next")
    assert shown(page) == [3.0, 4.0, 6.0]
    page = follow(client, page, "Last")
    assert shown(page) == [7.0, 8.0, 9.0]
    assert dict(page.context["cl"].page_links)["Next"] is None
    page = follow(client, page, "Previous")
    assert shown(page) == [3.0, 4.0, 6.0]
    page = follow(client, page, "First")
    assert shown(page) == [0.0, 1.0, 2.0]
    assert "9 candidates" in " ".join(page.content.decode().split())


def test_a_cut_address_shows_the_first_page_and_says_so(client, staff, candidates):
    page = list_page(client, Candidate, "?p=aWyJ")
    assert shown(page) == [10.0, 9.0, 8.0]
    assert "This is the first page" in page.content.decode()


def test_a_column_without_an_index_gives_no_order_even_by_hand(client, staff, candidates):
    page = list_page(client, Candidate, f"?o={columns(client).index('snr_figure')}")
    assert shown(page) == [10.0, 9.0, 8.0]


def test_equals_of_a_chosen_order_follow_their_keys_and_nothing_else(client, staff, candidates):
    number = columns(client).index("brightness")
    page = list_page(client, Candidate, f"?o={number}")
    assert page.context["cl"].queryset.query.order_by == ("magnitude", "pk")
    page = list_page(client, Candidate, f"?o=-{number}")
    assert page.context["cl"].queryset.query.order_by == ("-magnitude", "-pk")


def test_an_action_on_all_that_match_takes_so_many_and_says_so(client, staff, monkeypatch):
    monkeypatch.setattr(console, "REACH", 2)
    detections = [make_detection() for _ in range(3)]
    address = reverse("admin:detection_detection_changelist")
    data = {"action": "judge_unsure", "_selected_action": [detections[0].pk], "select_across": "1"}
    page = client.post(address, data, follow=True)
    told = [str(message) for message in page.context["messages"]]
    assert "Only the first 2 of the list were taken: repeat it for the rest." in told
    assert "2 judged" in told
    assert Detection.objects.filter(status="pending").count() == 1


def test_every_list_is_paged_by_rows(client, staff):
    for page in admin.site._registry.values():
        request = type("Request", (), {"user": staff, "GET": {}})()
        assert issubclass(page.get_changelist(request), KeysetList)
