"""What lies farther from the night's work: one row of each by its model, and how many there are."""

import uuid
from datetime import datetime
from typing import Any

from detection.models import (
    ContextCatalog,
    ContextSource,
    ForcedMeasurement,
    ForcedPhotometryRun,
    SkyObject,
)
from differencing.models import DifferenceRun, ReferenceImage, ReferenceRun
from lightcurves import models as store
from observations.models import CalibrationExposure, Observation, ObservationRun, Survey


def of_survey(survey: Survey, frame: Observation, when: datetime) -> dict[str, Any]:
    """Write what a survey's frames come with: ingestions, raw frames, references."""
    place = {"ra": frame.ra, "dec": frame.dec}
    return {
        "ingestion": ObservationRun.objects.create(survey=survey, source="/frames"),
        "raw_frame": CalibrationExposure.objects.create(
            survey=survey, name="bias", kind="bias", exposure_time=0.0, observation_time=when,
            image_width=9, image_height=9, fits_url="file:///b.fits", fits_file_path="b.fits",
            file_sha256="0" * 64,
        ),
        "reference": ReferenceImage.objects.create(
            survey=survey, filter_band="r", file_path="r.fits", radius_deg=0.1, valid_from=when,
            **place,
        ),
        "reference_run": ReferenceRun.objects.create(grid_observation=frame, status="completed"),
    }  # fmt: skip


def of_object(thing: SkyObject, run: DifferenceRun) -> dict[str, Any]:
    """Write what is known of an object without its being found: its fluxes, its neighbours."""
    forced = ForcedPhotometryRun.objects.create(
        difference_run=run, asked_by=run, method_version="1", status="completed"
    )
    stars = ContextCatalog.objects.create(
        name="gaia", kind="star", file_name="g", sha256=uuid.uuid4().hex, sources=1
    )
    return {
        "forced_run": forced,
        "measurement": ForcedMeasurement.objects.create(
            sky_object=thing, difference_run=run, observation=run.observation, run=forced,
            method_version="1", hidden_share=0.0, flux=1.0, flux_error=1.0,
        ),
        "star": ContextSource.objects.create(catalog=stars, ra=thing.ra, dec=thing.dec),
    }  # fmt: skip


def of_curve(curve: store.DataSet) -> dict[str, Any]:
    """Write what a light curve comes from and what is found in it."""
    later = store.DataSet.objects.create(
        values=[1.0, 2.0, 3.0], errors=[1.0, 1.0, 1.0],
        target=curve.target, observation=curve.observation,
    )  # fmt: skip
    return {
        "dataset": later,  # copies of a row take the keys after its own
        "features": store.CurveFeatures.objects.create(
            dataset=curve, kind="period", version="1", features={}, period=2.5
        ),
        "derivation": store.DataSetHierarchy.objects.create(
            source_dataset=curve, child_dataset=later
        ),
        "fits_frame": store.FITSFrame.objects.create(
            cadence=1, observation=curve.observation, bitpix=-32, naxis=2, naxis_values=[9, 9],
            file_path="f.fits",
        ),
    }  # fmt: skip
