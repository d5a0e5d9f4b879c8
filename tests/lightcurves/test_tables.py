"""What the database itself refuses, and what goes when something is deleted."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, models, transaction
from django.db.models.deletion import ProtectedError

from lightcurves.models import (
    DataSet,
    DataSetHierarchy,
    FITSFrame,
    Instrument,
    Mission,
    MissionCatalog,
    Observation,
    PhotometricSource,
    ProcessingMethod,
    QualityFlagArray,
    Target,
    TargetSpecificTime,
)


def frame(sky, **changes):
    row = {
        "cadence": 1,
        "observation": sky.observation,
        "bitpix": 16,
        "naxis": 2,
        "naxis_values": [2048, 2136],
        "file_path": "frame.fits",
    }
    return FITSFrame(**row | changes)


def flags(sky, **changes):
    row = {"observation": sky.observation, "quality_flags": [0, 0, 1, 0]}
    return QualityFlagArray(**row | changes)


def times(sky):
    return TargetSpecificTime(
        target=sky.target,
        observation=sky.observation,
        barycentric_julian_dates=[1.0, 2.0, 3.0, 4.0],
    )


def refused_by_the_database(row):
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save()


def test_names_that_must_be_unique_are(sky):
    other = Mission.objects.create(name="Kepler", time_format_name="bkjd")
    refused_by_the_database(Mission(name="TESS", time_format_name="other"))
    refused_by_the_database(Mission(name="Other", time_format_name="btjd"))
    refused_by_the_database(MissionCatalog(host_mission=other, name="TIC"))
    refused_by_the_database(Target(catalog=sky.catalog, name=1234))
    Target.objects.create(
        catalog=MissionCatalog.objects.create(host_mission=other, name="KIC"), name=1234
    )
    for model in (PhotometricSource, ProcessingMethod):
        model.objects.create(name="one")
        refused_by_the_database(model(name="one"))


def test_a_frame_is_unique_by_type_and_cadence(sky):
    frame(sky).save()
    frame(sky, cadence=2).save()
    refused_by_the_database(frame(sky, observation=sky.observation))


@pytest.mark.parametrize("changes", [{"bitpix": 12}, {"naxis": 3}, {"naxis_values": []}])
def test_a_frame_whose_header_cannot_be_is_refused(sky, changes):
    refused_by_the_database(frame(sky, **changes))


def test_times_are_unique_by_target_and_observation(sky):
    times(sky).save()
    refused_by_the_database(times(sky))


def test_quality_flags_are_unique_with_null_equal_to_null(sky):
    flags(sky).save()
    flags(sky, target=sky.target).save()
    flags(sky, type="tess_quality").save()
    refused_by_the_database(flags(sky))
    refused_by_the_database(flags(sky, target=sky.target))
    with pytest.raises(ValidationError, match="already exists"):
        flags(sky).full_clean()


@pytest.mark.django_db
def test_every_foreign_key_is_held_by_the_database():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, a.attname FROM pg_constraint f JOIN pg_class c ON c.oid = f.conrelid"
            " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (f.conkey)"
            " WHERE f.contype = 'f' AND c.relname LIKE 'lightcurves%%'"
        )
        held = set(cursor.fetchall())
    declared = {
        (model._meta.db_table, field.column)
        for model in Mission._meta.apps.get_app_config("lightcurves").get_models()
        for field in model._meta.local_fields
        if isinstance(field, models.ForeignKey)
    }
    assert len(declared) == 16
    assert held == declared


class TestDeleting:
    """Every row deleted must take what SCHEMA says with it, and nothing else."""

    @pytest.fixture(autouse=True)
    def rows(self, sky, make_dataset):
        self.sky = sky
        self.source = PhotometricSource.objects.create(name="aperture")
        self.method = ProcessingMethod.objects.create(name="detrended")
        self.raw = make_dataset(photometric_method=self.source)
        self.derived = make_dataset(processing_method=self.method)
        DataSetHierarchy.objects.create(source_dataset=self.raw, child_dataset=self.derived)
        for row in (frame(sky), times(sky), flags(sky), flags(sky, target=sky.target)):
            row.save()

    def counts(self):
        kinds = (DataSet, DataSetHierarchy, FITSFrame, TargetSpecificTime, QualityFlagArray)
        return [kind.objects.count() for kind in kinds]

    def test_all_are_there_before(self):
        assert self.counts() == [2, 1, 1, 1, 2]

    def test_an_observation_takes_frames_times_datasets_and_flags(self):
        self.sky.observation.delete()
        assert self.counts() == [0, 0, 0, 0, 0]
        assert Target.objects.exists()

    def test_a_target_takes_datasets_times_and_its_own_flags(self):
        self.sky.target.delete()
        assert self.counts() == [0, 0, 1, 0, 1]
        assert Observation.objects.exists()

    def test_a_photometric_source_takes_its_datasets(self):
        self.source.delete()
        assert list(DataSet.objects.all()) == [self.derived]
        assert not DataSetHierarchy.objects.exists()

    def test_a_processing_method_takes_its_datasets(self):
        self.method.delete()
        assert list(DataSet.objects.all()) == [self.raw]

    def test_a_dataset_takes_its_steps_of_derivation_only(self):
        self.raw.delete()
        assert self.counts() == [1, 0, 1, 1, 2]

    def test_an_instrument_takes_its_parts_but_not_observations(self):
        whole = Instrument.objects.create(name="TESS")
        Instrument.objects.create(name="Camera 2", parent=whole)
        whole.delete()
        assert list(Instrument.objects.all()) == [self.sky.instrument]
        with pytest.raises(ProtectedError):
            self.sky.instrument.delete()

    def test_the_database_refuses_to_orphan_rows(self):
        delete = "DELETE FROM lightcurves_target; SET CONSTRAINTS ALL IMMEDIATE"
        with connection.cursor() as cursor, pytest.raises(IntegrityError):
            cursor.execute(delete)
