"""Choices that the database holds to."""

from django.db import models
from django.db.models import Q


def known(field: str, choices: type[models.TextChoices], name: str) -> models.CheckConstraint:
    """Allow only the choices."""
    return models.CheckConstraint(condition=Q(**{f"{field}__in": choices.values}), name=name)


def known_or_null(
    field: str, choices: type[models.TextChoices], name: str
) -> models.CheckConstraint:
    """Allow the choices, and nothing said."""
    inside = Q(**{f"{field}__isnull": True}) | Q(**{f"{field}__in": choices.values})
    return models.CheckConstraint(condition=inside, name=name)
