"""Rows of the light-curve store, valid unless told otherwise."""

from types import SimpleNamespace

import numpy as np
import pytest

from lightcurves.models import (
    DataSet,
    Instrument,
    Mission,
    MissionCatalog,
    Target,
    TESSObservation,
)


@pytest.fixture
def sky(db):
    """One TESS target in one sector of four cadences."""
    mission = Mission.objects.create(name="TESS", time_epoch="2457000", time_format_name="btjd")
    catalog = MissionCatalog.objects.create(host_mission=mission, name="TIC")
    instrument = Instrument.objects.create(name="Camera 1")
    return SimpleNamespace(
        mission=mission,
        catalog=catalog,
        instrument=instrument,
        target=Target.objects.create(catalog=catalog, name=1234),
        observation=TESSObservation.objects.create(
            instrument=instrument, cadence_reference=[1, 2, 3, 5], sector=1
        ),
    )


@pytest.fixture
def make_dataset(sky):
    """Give a maker of datasets of the target."""

    def make(values=(1.0, 2.0, 4.0, 8.0), *, save=True, **changes):
        given = {"target": sky.target, "observation": sky.observation, "values": values} | changes
        if isinstance(given["values"], tuple | list):
            given["values"] = np.array(given["values"])
        given.setdefault("errors", given["values"])
        row = DataSet(**given)
        if save:
            row.save()
        return row

    return make
