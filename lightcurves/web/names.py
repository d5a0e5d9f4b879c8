"""What people call targets."""

from collections.abc import Collection

from lightcurves.models import Target


def names_of(targets: Collection[Target]) -> dict[int, str]:
    """Name targets by their keys: by the designation of their object, else as their catalogue does.

    The number of a target that AstrID made for an object of its own says nothing to people.
    """
    keys = [target.pk for target in targets]
    objects = Target.objects.filter(pk__in=keys, sky_objects__isnull=False).order_by("sky_objects")
    known = dict(objects.values_list("pk", "sky_objects__designation"))
    return {target.pk: known.get(target.pk) or str(target) for target in targets}
