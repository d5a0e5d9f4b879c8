"""The page on which people ask the tables."""

import re

import pytest
from astropy.table import Table

from catalog.vo import uws
from catalog.vo.console import shown
from catalog.vo.models import TapJob, TapStatus
from tests.catalog.vo.skies import make_sky, make_viewer
from tests.factories import make_user
from tests.pages import list_page

pytestmark = pytest.mark.django_db
PAGE = "/console/catalog/tap/"
ALL = "SELECT designation, ra FROM astrid.objects ORDER BY ra"


@pytest.fixture
def viewer(client):
    person = make_viewer()
    client.force_login(person)
    return person


@pytest.fixture
def queued(monkeypatch):
    """Catch what is sent to workers, instead of a broker."""
    sent = []
    monkeypatch.setattr(uws, "nudge", lambda name, key: sent.append(key))
    return sent


def test_an_answer_is_shown_as_a_table_with_units(client, viewer):
    things = make_sky(number=4)
    page = client.post(PAGE, {"query": ALL, "action": "show"}).content.decode()
    assert f"{len(things)} rows" in re.sub(r"\s+", " ", page)
    assert page.count('<td class="number">') == len(things)
    assert '<span class="why">deg</span>' in page
    lowest = min(things, key=lambda each: each.ra)
    assert page.index(lowest.designation) < page.index(things[-1].designation)


def test_what_does_not_fit_on_the_page_is_said(client, viewer, monkeypatch):
    make_sky(number=2)
    monkeypatch.setattr(shown, "SHOWN_ROWS", 3)
    given = {"query": ALL, "action": "show", "maxrec": 5}
    page = re.sub(r"\s+", " ", client.post(PAGE, given).content.decode())
    assert "5 rows <span" in page
    assert "there are more" in page
    assert "The first 3 are shown" in page


@pytest.mark.parametrize(("action", "form"), [("csv", "ascii.csv"), ("votable", "votable")])
def test_an_answer_is_sent_as_a_file(client, viewer, tmp_path, action, form):
    things = make_sky(number=2)
    answer = client.post(PAGE, {"query": ALL, "action": action})
    assert "attachment" in answer["Content-Disposition"]
    path = tmp_path / "answer"
    path.write_bytes(answer.content)
    table = Table.read(path, format=form)
    assert sorted(table["designation"].tolist()) == sorted(each.designation for each in things)


def test_what_is_wrong_with_a_query_stands_beside_it(client, viewer):
    answer = client.post(PAGE, {"query": "SELECT nothing FROM astrid.objects"})
    assert answer.status_code == 400
    assert "no column is called" in answer.content.decode()
    assert "SELECT nothing" in answer.content.decode()


def test_queries_are_queued_called_off_and_removed(client, viewer, queued):
    make_sky(number=2)
    for _ in range(2):
        client.post(PAGE, {"query": ALL, "action": "queue", "maxrec": 4})
    first, second = TapJob.objects.order_by("pk")
    assert queued == [str(first.pk), str(second.pk)]
    uws.run(str(first.pk))
    client.post(f"{PAGE}{second.pk}/abort/")
    page = client.get(PAGE).content.decode()
    link = f"/vo/tap/async/{first.pk}/results/result"
    assert link in page
    assert client.get(link).status_code == 200
    assert TapJob.objects.get(pk=second.pk).status == TapStatus.ABORTED
    assert (
        "SELECT designation"
        in client.get(f"{PAGE}?job={first.pk}").context["form"]["query"].value()
    )
    client.post(f"{PAGE}{first.pk}/remove/")
    assert list(TapJob.objects.all()) == [second]


def test_queries_of_others_are_neither_seen_nor_called_off(client, viewer, queued):
    client.post(PAGE, {"query": ALL, "action": "queue"})
    row = TapJob.objects.get()
    client.force_login(make_viewer("otto"))
    assert str(row.pk) not in client.get(PAGE).content.decode()
    assert client.post(f"{PAGE}{row.pk}/abort/").status_code == 404


def test_guests_are_shown_the_tables_that_they_may_ask(client):
    client.force_login(make_user("gast", group="guest"))
    page = client.get(f"{PAGE}?example=classes").content.decode()
    assert "astrid.entries" in page
    assert "astrid.candidates" not in page
    assert "GROUP BY best_class" in page
    assert "pos.eq.ra;meta.main" in page


def test_operators_see_all_queries_in_the_admin_and_call_them_off(client, viewer, queued):
    client.post(PAGE, {"query": ALL, "action": "queue"})
    row = TapJob.objects.get()
    client.force_login(make_user("olga", group="admin", is_staff=True))
    assert "SELECT designation" in list_page(client, TapJob).content.decode()
    address = "/admin/catalog/tapjob/"
    client.post(address, {"action": "call_off", "_selected_action": [str(row.pk)]})
    row.refresh_from_db()
    assert row.status == TapStatus.ABORTED
