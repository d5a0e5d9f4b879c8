"""Verbs of the light-curve store."""

from collections.abc import Iterable

from django.db import transaction

from lightcurves.errors import LineageCircle
from lightcurves.models import DataSet, DataSetHierarchy


def derive(child: DataSet, sources: Iterable[DataSet]) -> None:
    """State that ``child`` was made from ``sources``; what is stated already stays.

    ``child`` may be new: it is then saved in the same transaction.

    Raises
    ------
    LineageCircle
        If one of the sources is the child or was itself derived from it.
    """
    with transaction.atomic():
        if child.pk is None:
            child.save()
        wanted = {source.pk for source in sources}
        barred = wanted & {child.pk, *child.derivatives().values_list("pk", flat=True)}
        if barred:
            named = ", ".join(map(str, sorted(barred)))
            raise LineageCircle(
                f"DataSet {child.pk} cannot be made from {named}: the same, or derived from it"
            )
        DataSetHierarchy.objects.bulk_create(
            [DataSetHierarchy(source_dataset_id=pk, child_dataset=child) for pk in sorted(wanted)],
            ignore_conflicts=True,
        )
