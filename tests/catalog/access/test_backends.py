"""What an account may do is asked for once, and is what Django says."""

import pytest
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AnonymousUser, Group, Permission, User

from catalog.access import keys
from catalog.access.backends import AccountBackend
from tests.api.routes import list_routes, queries_of
from tests.factories import make_user

pytestmark = pytest.mark.django_db
MOST_QUERIES = 4


@pytest.fixture
def reader():
    """Somebody with permissions of two groups, and one of their own."""
    user = make_user("reader", group="curator")
    user.groups.add(Group.objects.get(name="operator"))
    user.user_permissions.add(Permission.objects.get(codename="view_permission"))
    return user


def test_permissions_are_those_of_django_in_one_query(reader):
    expected = ModelBackend().get_all_permissions(User.objects.get(pk=reader.pk))
    person = User.objects.get(pk=reader.pk)
    assert len(queries_of(lambda: AccountBackend().get_all_permissions(person))) == 1
    assert AccountBackend().get_all_permissions(person) == expected
    assert "auth.view_permission" in expected


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_superuser": True}])
def test_accounts_that_may_nothing_or_everything_are_those_of_django(reader, change):
    User.objects.filter(pk=reader.pk).update(**change)
    own, theirs = (
        backend.get_all_permissions(User.objects.get(pk=reader.pk))
        for backend in (AccountBackend(), ModelBackend())
    )
    assert own == theirs
    assert AccountBackend().get_all_permissions(AnonymousUser()) == set()


@pytest.mark.parametrize("path", list_routes())
def test_a_page_of_any_list_costs_few_queries_by_session_and_by_key(client, reader, path):
    client.force_login(reader)
    assert len(queries_of(lambda: client.get(path, {"page_size": 100}))) <= MOST_QUERIES
    client.logout()
    _, secret = keys.issue(reader, keys.Wanted("a key", ("read",)), by=reader)
    headers = {"Authorization": f"Token {secret}"}
    assert client.get(path, headers=headers).status_code in (200, 403)  # notes the use
    assert len(queries_of(lambda: client.get(path, headers=headers))) <= MOST_QUERIES
