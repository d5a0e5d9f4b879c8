"""The page of what is published."""

import pytest
from django.urls import reverse

from catalog.models import CatalogEntry, PublicationState
from tests.factories import make_sky_object, make_user

pytestmark = pytest.mark.django_db
PAGE = reverse("catalog:entries")


@pytest.fixture
def entries():
    things = [make_sky_object(ra=80.0, dec=10.0 + number / 10) for number in range(3)]
    return [
        CatalogEntry.objects.create(
            sky_object=thing,
            designation=thing.designation,
            object_class="supernova",
            posterior=0.987654,
            ra=thing.ra,
            dec=thing.dec,
            publication_state=state,
        )
        for thing, state in zip(
            things, [PublicationState.PUBLISHED, PublicationState.PUBLISHED, "draft"], strict=True
        )
    ]


def page_of(client, role, **asked):
    client.force_login(make_user(group=role))
    return client.get(PAGE, asked).content.decode()


def test_published_entries_lead_to_their_objects(client, entries, django_assert_max_num_queries):
    page_of(client, "viewer")
    with django_assert_max_num_queries(5):  # session, person, permissions, entries, and one over
        page = client.get(PAGE).content.decode()
    for entry in entries[:2]:
        address = reverse("curation:object", args=[entry.sky_object_id])
        assert f'<a href="{address}">{entry.designation}</a>' in page
    assert entries[2].designation not in page
    assert "0.9877" in page


def test_a_guest_reads_entries_without_links_to_pages_that_are_closed(client, entries):
    page = page_of(client, "guest")
    assert entries[0].designation in page
    assert "/console/objects/" not in page


def test_a_cone_is_looked_for_around_its_place(client, entries):
    page = page_of(client, "guest", q="80 10.1 10")
    assert entries[1].designation in page
    assert entries[0].designation not in page
