"""Mission kinds: one proxy class each, and no table changes."""

from enum import IntFlag

import numpy as np
import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import connection

from lightcurves.models import (
    FITSFrame,
    HSTObservation,
    Observation,
    QualityFlagArray,
    TESSObservation,
    TESSQualityFlags,
)
from lightcurves.models.kinds import is_kind
from lightcurves.models.typed import Integer, Real, Text


class PLATOObservation(Observation, kind="plato_of_a_test"):
    quarter = Integer(required=True)
    season = Text()

    class Meta:
        proxy = True
        app_label = "lightcurves"


class PLATOFrame(FITSFrame, kind="plato_frame_of_a_test"):
    exposure = Real(required=True)

    class Meta:
        proxy = True
        app_label = "lightcurves"


class PLATOBits(IntFlag):
    argabrightening = 64
    cosmic_ray = 128


class PLATOFlags(QualityFlagArray, kind="plato_flags_of_a_test"):
    BITS = PLATOBits

    class Meta:
        proxy = True
        app_label = "lightcurves"


def make(kind, sky, **values):
    return kind(instrument=sky.instrument, cadence_reference=[1, 2], **values)


@pytest.mark.django_db
def test_a_third_kind_of_everything_needs_no_migration():
    assert is_kind("lightcurves", "platoobservation")
    call_command("makemigrations", "lightcurves", check=True, dry_run=True, verbosity=0)


def test_the_base_gives_each_row_its_class(sky):
    make(HSTObservation, sky, visit_id="01", program_id=9).save()
    make(PLATOObservation, sky, quarter=3).save()
    make(Observation, sky).save()
    found = [type(row) for row in Observation.objects.all()]
    assert found == [TESSObservation, HSTObservation, PLATOObservation, Observation]


def test_a_foreign_key_and_a_join_give_the_class_of_the_kind(sky, make_dataset):
    dataset = make_dataset()
    fresh = type(dataset).objects.get()
    joined = type(dataset).objects.select_related("observation").get()
    assert type(fresh.observation) is type(joined.observation) is TESSObservation


def test_a_kind_sees_only_its_rows_and_filters_and_orders_by_its_values(sky):
    for sector in (3, 10, 2):
        make(TESSObservation, sky, sector=sector).save()
    make(HSTObservation, sky, visit_id="01", program_id=3).save()
    rows = TESSObservation.objects
    assert [row.sector for row in rows.order_by("-sector")] == [10, 3, 2, 1]
    assert rows.get(sector=10).sector == 10
    assert rows.filter(sector__gte=3).count() == 2
    assert rows.filter(sector__in=[1, 2]).count() == 2
    assert rows.exclude(sector=1).count() == 3
    assert rows.filter(orbit_number__isnull=True).count() == 4
    assert rows.filter(cosmic_ray_mitigation=True).count() == 0


def test_a_value_is_looked_up_in_an_index_that_serves_every_kind(sky):
    rows = [make(TESSObservation, sky, sector=n) for n in range(2000)]
    TESSObservation.objects.bulk_create(rows)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE lightcurves_observation")
        plan = TESSObservation.objects.filter(sector=1000).order_by().explain()
    assert "lc_observation_extra" in plan


def test_a_base_row_of_another_kind_is_not_found_through_a_kind(sky):
    other = make(HSTObservation, sky, visit_id="01", program_id=3)
    other.save()
    with pytest.raises(TESSObservation.DoesNotExist):
        TESSObservation.objects.get(pk=other.pk)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "sector is missing"),
        ({"sector": "1"}, "sector is '1'; it must be a whole number"),
        ({"sector": True}, "sector is True; it must be a whole number"),
        ({"sector": 1, "cosmic_ray_mitigation": 1}, "it must be true or false"),
        ({"sector": 1, "spacecraft_quaternion": [1.0, 0.0]}, "a list of 4 finite numbers"),
        ({"sector": 1, "spacecraft_quaternion": [np.nan] * 4}, "a list of 4 finite numbers"),
    ],
)
def test_values_of_the_wrong_type_are_refused_by_every_way_of_writing(sky, values, words):
    with pytest.raises(ValidationError, match=words):
        make(TESSObservation, sky, **values).save()
    with pytest.raises(ValidationError, match=words):
        TESSObservation.objects.bulk_create([make(TESSObservation, sky, **values)])
    with pytest.raises(ValidationError, match=words):
        make(Observation, sky, type="tess", extra=values).save()
    assert Observation.objects.count() == 1


def test_an_unknown_value_is_an_error_of_the_constructor(sky):
    with pytest.raises(TypeError, match="sectr"):
        make(TESSObservation, sky, sectr=1)


def test_an_unknown_kind_cannot_be_written_but_can_be_read(sky):
    with pytest.raises(ValidationError, match=r"type is 'gaia'; known are .*hst"):
        make(Observation, sky, type="gaia").save()
    Observation.objects.filter(pk=sky.observation.pk).update(type="gaia")
    assert type(Observation.objects.get()) is Observation


def test_numpy_values_are_kept_as_json_can_hold_them(sky):
    quaternion = np.array([0.0, 0.0, 0.6, 0.8])
    row = make(TESSObservation, sky, sector=np.int64(7), spacecraft_quaternion=quaternion)
    row.save()
    again = Observation.objects.get(pk=row.pk)
    assert (again.sector, again.spacecraft_quaternion) == (7, [0.0, 0.0, 0.6, 0.8])


def test_many_rows_of_a_kind_are_written_by_one_insert(sky, django_assert_num_queries):
    rows = [make(TESSObservation, sky, sector=n) for n in range(50)]
    with django_assert_num_queries(1):
        TESSObservation.objects.bulk_create(rows)
    assert TESSObservation.objects.filter(sector__lt=50, sector__gt=1).count() == 48


def test_two_classes_cannot_claim_one_kind():
    with pytest.raises(ValueError, match="'tess' is TESSObservation already"):
        type("Other", (Observation,), {"__module__": __name__}, kind="tess")


def test_frames_have_kinds_too(sky):
    PLATOFrame.objects.create(
        cadence=1, observation=sky.observation, bitpix=-32, naxis=2, naxis_values=[4, 4],
        file_path="a.fits", exposure=1.5,
    )  # fmt: skip
    found = FITSFrame.objects.get()
    assert (type(found), found.exposure) == (PLATOFrame, 1.5)
    assert PLATOFrame.objects.filter(exposure__lt=2).exists()


class TestQualityBits:
    def flags(self, sky, kind=TESSQualityFlags):
        flags = [0, 64, 64 | 128, 1 << 20]
        return kind(observation=sky.observation, quality_flags=np.array(flags, np.int32))

    def test_bits_have_names(self, sky):
        self.flags(sky).save()
        found = QualityFlagArray.objects.get()
        assert type(found) is TESSQualityFlags
        np.testing.assert_array_equal(found.has("cosmic_ray"), [False, True, True, False])
        wanted = found.mask("manual_exclude", "safe_mode")
        np.testing.assert_array_equal(wanted, [False, False, True, False])
        np.testing.assert_array_equal(found.mask(), [False, True, True, True])
        assert found.decode(2) == ["cosmic_ray", "manual_exclude"]
        assert found.decode(3) == ["bit_20"]
        assert (found.n, found.flagged) == (4, 3)

    def test_the_same_number_means_another_thing_for_another_mission(self, sky):
        assert self.flags(sky, PLATOFlags).decode(1) == ["argabrightening"]
        assert self.flags(sky, QualityFlagArray).decode(1) == ["bit_6"]

    def test_an_unknown_bit_is_an_error_that_lists_the_known_ones(self, sky):
        with pytest.raises(KeyError, match="no bit 'moon'; it has argabrightening, cosmic_ray"):
            self.flags(sky, PLATOFlags).has("moon")

    def test_negative_flags_are_refused(self, sky):
        row = self.flags(sky)
        row.quality_flags[0] = -1
        with pytest.raises(ValidationError, match="bits are not negative"):
            row.save()
