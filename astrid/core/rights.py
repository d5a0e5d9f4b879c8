"""Who may open a page of the console."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.cache import never_cache

View = Callable[..., HttpResponseBase]


def for_people_who_may(*permissions: str) -> Callable[[View], View]:
    """Let people in who have all permissions; others sign in, or are refused. Nothing is cached."""

    def around(view: View) -> View:
        @never_cache
        @login_required
        @permission_required(permissions, raise_exception=True)
        @wraps(view)
        def answer(request: HttpRequest, **parts: Any) -> HttpResponseBase:
            return view(request, **parts)

        return answer

    return around
