"""The page on which people make, see and revoke their keys."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST, require_safe

from catalog.access import keys
from catalog.access.forms import KeyForm, ServiceForm
from catalog.access.keys import MANAGES_SERVICES
from catalog.access.models import ApiKey

_MOST = 200


@require_safe
@never_cache
@login_required
def held(request: HttpRequest) -> HttpResponse:
    """Show the keys of a person, and of the service accounts where they keep those."""
    return _shown(request)


@require_POST
@never_cache
@login_required
@sensitive_variables("secret")
def make(request: HttpRequest) -> HttpResponse:
    """Make a key, and show it this once."""
    person: Any = request.user
    form = KeyForm(person, request.POST)
    if not form.is_valid():
        return _shown(request, form=form, status=400)
    try:
        key, secret = keys.make(person, **form.cleaned_data)
    except keys.BadKey as error:
        form.add_error(None, str(error))
        return _shown(request, form=form, status=400)
    return _shown(request, made=key, secret=secret)


@require_POST
@login_required
def revoke(request: HttpRequest, key: UUID) -> HttpResponse:
    """Take back a key of one's own, or of a service account that one keeps."""
    found = get_object_or_404(_kept_by(request.user), pk=key)
    keys.revoke(found)
    messages.success(request, f"{found} opens nothing any more.")
    return redirect("access:keys")


@require_POST
@login_required
@permission_required(MANAGES_SERVICES, raise_exception=True)
def make_service(request: HttpRequest) -> HttpResponse:
    """Make an account for a program."""
    form = ServiceForm(request.POST)
    if not form.is_valid():
        return _shown(request, service_form=form, status=400)
    try:
        account = keys.make_service(**form.cleaned_data, by=request.user)
    except keys.BadKey as error:
        form.add_error("name", str(error))
        return _shown(request, service_form=form, status=400)
    messages.success(request, f"The account {account} is made; make a key for it now.")
    return redirect("access:keys")


def _kept_by(person: Any) -> QuerySet[ApiKey]:
    """Give the keys that a person may see and revoke."""
    return ApiKey.objects.select_related("owner", "created_by").filter(keys.kept_by(person))


def _shown(request: HttpRequest, *, status: int = 200, **more: Any) -> HttpResponse:
    person = request.user
    context = {
        "title": "Keys",
        "keys": _kept_by(person).order_by("-id")[:_MOST],
        "manages_services": person.has_perm(MANAGES_SERVICES),
        "form": KeyForm(person),
        "service_form": ServiceForm(),
        **more,
    }
    return render(request, "catalog/keys.html", context, status=status)
