"""Fixtures of the review tests."""

import pytest

from curation import policy as policies
from curation.parameters import ReviewOrder, ReviewPolicy
from tests import factories


@pytest.fixture(autouse=True)
def _site(settings):
    settings.SITE_URL = "https://astrid.example"


@pytest.fixture
def curator(db):
    """Someone who may judge."""
    return factories.make_user("ada", group="curator", is_staff=True)


@pytest.fixture
def second_curator(db):
    """Someone else who may judge."""
    return factories.make_user("ben", group="curator", is_staff=True)


@pytest.fixture
def third_curator(db):
    """A third who may judge."""
    return factories.make_user("cleo", group="curator", is_staff=True)


@pytest.fixture
def viewer(db):
    """Someone who may look only."""
    return factories.make_user("vic", group="viewer", is_staff=True)


@pytest.fixture
def operator(db):
    """Someone who runs the survey."""
    return factories.make_user("olga", group="operator", is_staff=True)


@pytest.fixture
def policy():
    """One verdict is enough."""
    return ReviewPolicy()


@pytest.fixture
def two_votes():
    """Two must agree."""
    return ReviewPolicy(votes_required=2)


@pytest.fixture(autouse=True)
def _best_first(monkeypatch):
    """The highest score comes first; nothing is left to chance."""
    order = ReviewOrder(random_share=0.0, uncertainty=0.0, disagreement=0.0, novelty=0.0)
    monkeypatch.setitem(policies._sources, ReviewOrder, lambda: order)
