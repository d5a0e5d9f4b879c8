"""Who may do what: five groups, kept up to date after every migration.

Each role may do what the one before it may: guest, viewer, curator, researcher, admin.
"""

from typing import Any

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db.models import Q

DOMAINS = (
    "lightcurves",
    "observations",
    "preprocessing",
    "differencing",
    "detection",
    "curation",
    "catalog",
)
# Of the accounts an operator adds and changes users; groups are made here and nowhere else.
_ACCOUNTS = Q(
    content_type__app_label="auth",
    codename__in=("add_user", "change_user", "view_user", "view_group"),
)
# What holds network addresses, mail addresses, the addresses of webhooks and who has which keys
# is the operator's.
_CONFIDENTIAL = Q(content_type__app_label="auth") | Q(
    content_type__model__in=(
        "auditlog",
        "alertchannel",
        "delivery",
        "systemconfig",
        "apikey",
        "serviceaccount",
        "externalidentity",
    )
)
_VIEW = Q(codename__startswith="view_") & ~_CONFIDENTIAL
_JUDGE = Q(content_type__app_label="curation", codename="add_validationevent")
# Verdicts and the audit trail are never written by hand: no role may add, change or delete them
# but for the verdict a curator gives through the review pages.
_BY_HAND_NEVER = Q(content_type__model__in=("auditlog", "validationevent")) & ~Q(
    codename__startswith="view_"
)
_OPERATE = ~_BY_HAND_NEVER & ~Q(content_type__app_label="auth")
# What was found and published, and the light-curve store. Entries that are not published are
# left out for those who may not see detections: `published_only`.
_PUBLIC = Q(
    content_type__model__in=("catalogentry", "analytics"), codename__startswith="view_"
) | Q(content_type__app_label="lightcurves", codename__startswith="view_")
# Everybody may match a table with what they see; each sees their own.
_MATCH = Q(codename__in=("add_crossmatchjob", "view_crossmatchjob"))
# What the work on results takes: queues, tests of curators, disputes, networks, exports, entries
# to publish, and asking for another subtraction beside the one that counts.
_RESEARCH = Q(
    codename__in=(
        "add_reviewqueue",
        "change_reviewqueue",
        "delete_reviewqueue",
        "change_reviewtask",
        "add_golditem",
        "change_golditem",
        "add_modelchange",
        "change_modelchange",
        "add_exportjob",
        "change_exportjob",
        "add_savedquery",
        "change_savedquery",
        "delete_savedquery",
        "change_differencerun",
        "change_catalogentry",
    )
)
_ALL = _JUDGE | _OPERATE | _ACCOUNTS
ROLES = {
    "guest": _PUBLIC | _MATCH,
    "viewer": _VIEW | _MATCH,
    "curator": _VIEW | _MATCH | _JUDGE,
    "researcher": _VIEW | _MATCH | _JUDGE | _RESEARCH,
    "admin": _ALL,
    "operator": _ALL,  # the older name of admin
}
DRAFTS = "detection.view_detection"  # the right behind what is not published
# By what one may do, the highest first: what somebody has beyond a group counts too.
_MARKS = {
    "admin": "catalog.change_systemconfig",
    "researcher": "curation.change_reviewqueue",
    "curator": "curation.add_validationevent",
    "viewer": DRAFTS,
    "guest": "catalog.view_catalogentry",
}


def role_of(user: Any) -> str:
    """Name the role that a person's rights amount to; empty where they have none."""
    if user.is_superuser:
        return "superuser"
    return next((role for role, right in _MARKS.items() if user.has_perm(right)), "")


def sees_drafts(user: Any) -> bool:
    """Say whether a person sees what is not published."""
    return bool(user.has_perm(DRAFTS))


def grant(sender: Any, *, using: str, apps: Any = installed, **_: Any) -> None:
    """Give the groups their permissions on the app that was just migrated, and no others.

    What one person is to have beyond a role belongs to that person, or to another group.
    """
    try:
        groups, permissions = (
            apps.get_model("auth", name)._default_manager.using(using)
            for name in ("Group", "Permission")
        )
    except LookupError:  # a partial migration: the tables are not there yet
        return
    if sender.label not in (*DOMAINS, "auth", "django_celery_beat"):
        return
    create_permissions(sender, verbosity=0, using=using, apps=apps)
    of_app = permissions.filter(content_type__app_label=sender.label)
    for name, allowed in ROLES.items():
        group, _made = groups.get_or_create(name=name)
        group.permissions.add(*of_app.filter(allowed))
        group.permissions.remove(*of_app.exclude(allowed))
