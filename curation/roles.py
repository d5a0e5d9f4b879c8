"""Who may do what: three groups, kept up to date after every migration."""

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
# What holds network addresses, mail addresses and the addresses of webhooks is the operator's.
_CONFIDENTIAL = Q(content_type__app_label="auth") | Q(
    content_type__model__in=("auditlog", "alertchannel", "delivery", "systemconfig")
)
_VIEW = Q(codename__startswith="view_") & ~_CONFIDENTIAL
_JUDGE = Q(content_type__app_label="curation", codename="add_validationevent")
# Verdicts and the audit trail are never written by hand: no role may add, change or delete them
# but for the verdict a curator gives through the review pages.
_BY_HAND_NEVER = Q(content_type__model__in=("auditlog", "validationevent")) & ~Q(
    codename__startswith="view_"
)
_OPERATE = ~_BY_HAND_NEVER & ~Q(content_type__app_label="auth")
ROLES = {
    "viewer": _VIEW,
    "curator": _VIEW | _JUDGE,
    "operator": _JUDGE | _OPERATE | _ACCOUNTS,
}


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
