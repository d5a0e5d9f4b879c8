"""What a key may be used for: asked on top of what its owner may do.

Each request needs one scope. Views of the API say which by the table that they serve, or by
``scope_domain`` where that says it better; what says neither is closed to keys with few scopes.
"""

from collections.abc import Iterable
from typing import Any

from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

EVERYTHING = "everything"
READ = "read"
VO = "vo:read"
METRICS = "metrics:read"
ANY = "any"  # of a view that every key opens
NOT_BY_KEY = ""
_READING = frozenset({"GET", "HEAD", "OPTIONS"})

SCOPES = {
    EVERYTHING: "all that its owner may do",
    READ: "read the rows of the API",
    VO: "ask the Virtual Observatory services, queued queries included",
    "observations:write": "register observations",
    "preprocessing:write": "change calibration and preprocessing",
    "differencing:write": "change references and subtractions",
    "detection:write": "change detections and networks",
    "infer:write": "ask the networks about stamps of one's own",
    "curation:write": "give verdicts and work on alerts",
    "catalog:write": "change entries, and upload tables to be matched",
    "settings:write": "change settings, the rules of alerts among them",
    "exports:write": "ask for files",
    "jobs:write": "retry and cancel jobs",
    "lightcurves:write": "change the light-curve store",
    METRICS: "read the figures for monitors at /metrics",
}


def needed_for(request: Request, view: Any) -> str:
    """Name the scope that a request to a view of the API needs; empty where none is enough."""
    domain = getattr(view, "scope_domain", None) or _domain_of(view)
    if domain == ANY:
        return ANY
    if domain == "vo":
        return VO
    if request.method in _READING:
        return READ
    wanted = f"{domain}:write"
    return wanted if wanted in SCOPES else NOT_BY_KEY


def _domain_of(view: Any) -> str:
    queryset = getattr(view, "queryset", None)
    return "" if queryset is None else str(queryset.model._meta.app_label)


def check(scopes: Iterable[str], needed: str) -> None:
    """Let a key through that has the scope.

    Raises
    ------
    PermissionDenied
        If it has not; the message names the scope.
    """
    given = set(scopes)
    if needed == ANY or EVERYTHING in given or needed in given:
        return
    has = ", ".join(sorted(given))
    raise PermissionDenied(
        f"this needs a key with the scope {needed or EVERYTHING!r}; yours has {has}",
        code="missing_scope",
    )
