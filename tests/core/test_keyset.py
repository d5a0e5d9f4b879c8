"""Pages that begin behind a row: none is left out or shown twice, whatever rows share."""

import base64
import json
from itertools import chain

import pytest
from django.db.models import F

from astrid.core import keyset
from astrid.core.counting import COUNTED, About, count_about
from differencing.models import Candidate
from tests.factories import make_candidate, make_difference_run

pytestmark = pytest.mark.django_db

MAGNITUDES = [None, 20.5, 19.0, 19.0, None, 19.0, 21.25, 0.1 + 0.2, None, 19.0, 18.0]
ORDERS = [
    ("-id",),
    ("magnitude", "-id"),
    ("-magnitude", "id"),
    ("snr", "-magnitude", "id"),
    ("difference_run__observation__observation_id", "-magnitude", "-id"),
    ("-observation", "magnitude", "pk"),
]


@pytest.fixture
def rows():
    runs = [make_difference_run(), make_difference_run()]
    for number, magnitude in enumerate(MAGNITUDES):
        make_candidate(
            difference_run=runs[number % 2], magnitude=magnitude, snr=[5.0, None, 7.0][number % 3]
        )
    return Candidate.objects.all()


def walk(rows, place, step, size=3):
    pages = []
    while place is not None:
        page = keyset.page(rows, place, size)
        pages.append(page.rows)
        place = getattr(page, step)
    return pages


@pytest.mark.parametrize("order", ORDERS)
def test_pages_forward_and_back_hold_every_row_once_in_order(rows, order):
    rows = rows.order_by(*order)
    # The order by the frame's own default would be another: ids are what pages compare.
    by_key = rows.order_by(*(name.replace("-observation", "-observation_id") for name in order))
    whole = list(by_key)
    assert [*chain(*walk(rows, keyset.FIRST, "next"))] == whole
    backwards = walk(rows, keyset.LAST, "previous")
    # The last step back fills the first page from the start.
    assert [*chain(*backwards[:-1][::-1])] == whole[-3 * (len(backwards) - 1) :]
    assert backwards[-1] == whole[:3]


def test_a_page_that_goes_before_the_start_is_the_first_page(rows):
    rows = rows.order_by("id")
    second = keyset.page(rows, keyset.page(rows, keyset.FIRST, 2).next, 4)
    page = keyset.page(rows, second.previous, 4)
    assert page.rows == list(rows[:4])
    assert page.previous is None


def test_a_page_goes_on_where_its_row_was_deleted(rows):
    rows = rows.order_by("id")
    first = keyset.page(rows, keyset.FIRST, 3)
    rest = list(rows[3:])
    first.rows[-1].delete()
    assert keyset.page(rows, first.next, 20).rows == rest


def token(names, values):
    return "a" + base64.urlsafe_b64encode(json.dumps([names, values]).encode()).decode()


@pytest.mark.parametrize(
    "place",
    [
        "3",
        "a",
        "aé",
        "a!!!!",
        "a" + "A" * 3000,
        "zWzFd",
        token(["-id"], ["1", "2"]),
        token(["magnitude", "-id"], ["bright", "x"]),
        token(["magnitude", "-id"], ["19.0", None]),
        token(["magnitude", "-id"], ["19.0", 7]),
        token(["magnitude", "-id"], ["19.0", "\x00"]),
        token(["-magnitude", "id"], ["19.0", "0192e0c0-0000-7000-8000-000000000000"]),
        token("magnitude", {}),
        "a" + base64.urlsafe_b64encode(b"\xff\xfe").decode(),
        "a" + base64.urlsafe_b64encode(b"[" * 1000).decode(),
    ],
)
def test_an_edited_place_is_refused_in_words(rows, place):
    with pytest.raises(keyset.BadPlace, match=r"no place of a page|no value of|another order"):
        keyset.page(rows.order_by("magnitude", "-id"), place, 3)


def test_an_order_that_cannot_be_compared_is_refused(rows):
    with pytest.raises(TypeError, match="order by names of columns"):
        keyset.page(rows.order_by(F("snr") * 2), keyset.FIRST, 3)


def test_few_rows_are_counted_and_many_are_estimated(rows):
    assert count_about(rows) == len(MAGNITUDES)
    many = count_about(rows, at_least=1_234_567)
    assert isinstance(many, About)
    assert (int(many), str(many)) == (1_200_000, "about 1,200,000")
    # Known to be more than the planner thinks: the bound on counting is what can be said.
    assert str(count_about(rows, at_least=COUNTED + 1)) == "about 1,000"
