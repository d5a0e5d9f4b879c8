"""Which store new light curves go to: the database, until there are many."""

from django.conf import settings

from astrid.core.counting import estimate
from lightcurves.models import DataSet


def store_for_new() -> str:
    """Name the store, of `STORES`, for arrays of curves that are taken in now."""
    many = estimate(DataSet.objects.all()) >= settings.LIGHTCURVES_IN_DATABASE
    return "shards" if many else "database"
