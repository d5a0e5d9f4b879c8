"""Forced photometry without pixels."""

from detection.fluxes import VERSION
from detection.models import ForcedMeasurement, ForcedPhotometryRun
from tests.factories import make_difference_run


def look(frame, things, *, flux=100.0, scale=10.0, version=VERSION, **fields):
    """Measure things on a new difference of a frame."""
    difference = make_difference_run(observation=frame)
    run = ForcedPhotometryRun.objects.create(
        difference_run=difference, asked_by=difference, method_version=version
    )
    values = {"flux": flux, "flux_error": 5.0, "total_flux": flux + 50, "total_flux_error": 6.0}
    microjansky = {f"{name}_ujy": scale * value for name, value in values.items() if scale}
    facts = {"total_mask_bits": 0, "photometric_system": "AB" if scale else "instrumental"}
    ForcedMeasurement.objects.bulk_create(
        ForcedMeasurement(
            sky_object=thing, difference_run=difference, observation=frame, run=run,
            method_version=version, hidden_share=0.0, **values | microjansky | facts | fields,
        )
        for thing in things
    )  # fmt: skip
