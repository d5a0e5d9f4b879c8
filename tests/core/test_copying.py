import uuid
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from astrid.core.copyformat import _PART
from astrid.core.copying import copy_columns
from astrid.core.ids import new_id, new_ids
from catalog.audit import audited_as
from catalog.models import AuditLog, ProcessingJob
from detection.models import SkyObject
from differencing import product, services
from differencing.extraction.extract import DTYPE
from differencing.models import Candidate
from preprocessing.photometry.magnitudes import System, ZeroPoint, ZeroPointSource
from tests.factories import make_difference_run, make_user


def found_things(number):
    rng = np.random.default_rng(5)
    found = np.zeros(number, DTYPE)
    for name in DTYPE.names:
        found[name] = rng.uniform(0, 1, number) if DTYPE[name].kind == "f" else rng.integers(0, 2)
    found["mask_bits"] = rng.integers(0, 2**16, number)
    found["ra"], found["dec"] = rng.uniform(0, 360, number), rng.uniform(-90, 90, number)
    found["ra"][0] = 360.0  # kept as 0
    is_limit = np.arange(number) % 3 == 0
    found["magnitude"][is_limit] = found["magnitude_error"][is_limit] = np.nan
    found["upper_limit"][~is_limit] = np.nan
    return found


def test_columns_become_the_rows_that_objects_would(db):
    run, found = make_difference_run(), found_things(50)
    zero_point = ZeroPoint(25.0, 0.01, ZeroPointSource.GIVEN, System.AB, "g")
    services.write_candidates(run, found, zero_point)
    copied = list(Candidate.objects.order_by("id"))
    Candidate.objects.all().delete()
    Candidate.objects.bulk_create(services.rows_of(run, found, zero_point))
    names = [one.attname for one in Candidate._meta.concrete_fields]
    own = {"id", "created_at", "updated_at"}
    for ours, theirs in zip(copied, Candidate.objects.order_by("id"), strict=True):
        for name in names:
            if name not in own:
                assert getattr(ours, name) == getattr(theirs, name), name
        assert timezone.now() - ours.created_at < timedelta(minutes=5)
    assert [one.mask_bits for one in copied] == product.columns(found)["mask_bits"].tolist()


def things(**columns):
    when = datetime(2026, 3, 1, 4, 5, 6, 789, tzinfo=UTC)
    defaults = {
        "designation": ["a", "", "wide"],
        "ra": np.array([1.0, 2.0, 3.0]),
        "dec": np.array([4.0, 5.0, -6.0]),
        "first_seen": when,
        "last_seen": np.array([when.replace(tzinfo=None)] * 3, "M8[us]"),
        "best_class": "unknown",
    }
    return defaults | columns


def test_texts_times_and_keys_arrive_as_they_were_given(db):
    keys = [new_id() for _ in range(3)]
    names = ["naïve ☄", "", "a" * 40]
    assert SkyObject.objects.copy_columns(things(id=keys, designation=names)) == 3
    rows = list(SkyObject.objects.order_by("id"))
    assert [one.pk for one in rows] == keys
    assert [one.designation for one in rows] == names
    assert {one.first_seen for one in rows} == {things()["first_seen"]}
    assert {one.last_seen for one in rows} == {things()["first_seen"]}
    assert SkyObject.objects.cone_search(3.0, -6.0, 1e-6).get() == rows[2]


def test_rows_that_are_sent_in_parts_keep_their_own_values(db):
    number = 2 * _PART + 1  # the last part is one row
    rows = {
        "priority": list(range(number)),
        "entity_type": [f"{count:05d}"[: count % 6] for count in range(number)],
        "task_id": [None if count < _PART or count % 7 else str(count) for count in range(number)],
        "work_done": [count if count % 3 else None for count in range(number)],
    }
    shared = {"job_type": "export", "entity_id": new_id(), "work_total": None}
    copy_columns(ProcessingJob, {**rows, **shared})
    found = ProcessingJob.objects.order_by("id").values_list(*rows, *shared)
    wanted = [(*row, *shared.values()) for row in zip(*rows.values(), strict=True)]
    assert list(found) == wanted


def test_none_and_masks_become_null_and_json_stays_what_it_is(db):
    errors = [{"kind": "é", "n": [1, None]}, None]
    columns = {
        "job_type": "export",
        "entity_type": "catalog.ExportJob",
        "entity_id": new_ids(2),
        "task_id": [None, "seven"],
        "error_details": errors,
        "priority": np.array([-3, 2**31 - 1]),
        "started_at": [None, datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)],
    }
    copy_columns(ProcessingJob, columns)
    first, second = ProcessingJob.objects.order_by("id")
    assert (first.task_id, second.task_id) == (None, "seven")
    assert [first.error_details, second.error_details] == errors
    assert [first.priority, second.priority] == columns["priority"].tolist()
    assert [first.started_at, second.started_at] == columns["started_at"]
    assert first.entity_id == uuid.UUID(bytes=columns["entity_id"][0].tobytes())
    assert (first.status, first.max_retries, first.run_id) == ("pending", 3, None)


def test_many_keys_rise_differ_and_are_of_version_7():
    raw = [one.tobytes() for one in new_ids(5000)]
    keys = [uuid.UUID(bytes=one) for one in raw]
    assert keys == sorted(set(keys))
    assert {(key.version, key.variant) for key in keys} == {(7, uuid.RFC_4122)}
    # made within a minute of a key by the other maker; the first 48 bits are milliseconds
    assert abs((keys[0].int >> 80) - (new_id().int >> 80)) < 60_000


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"colour": "red"}, "SkyObject has no colour"),
        ({"number_of_detections": np.array([1, 2])}, "columns differ in length"),
        ({"number_of_detections": np.array([1, 2, 2**40])}, "1099511627776 does not fit"),
        ({"number_of_detections": np.array([1.0, 2.0, np.nan])}, "nan does not fit"),
        ({"ra": np.array([1.0, 400.0, 3.0])}, "ra is 400.0"),
        ({"first_seen": ["yesterday"] * 3}, "first_seen cannot be written"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_value(db, columns, words):
    with pytest.raises(ValueError, match=words):
        SkyObject.objects.copy_columns(things(**columns))
    assert not SkyObject.objects.exists()


def test_nothing_to_write_writes_nothing(db):
    services.write_candidates(make_difference_run(), found_things(1)[:0], None)
    assert not Candidate.objects.exists()


def test_a_column_without_a_default_must_be_given(db):
    columns = things()
    del columns["first_seen"]
    with pytest.raises(ValueError, match="no first_seen is given"):
        SkyObject.objects.copy_columns(columns)


def test_the_database_checks_and_keeps_all_rows_or_none(db):
    with pytest.raises(IntegrityError, match="class"), transaction.atomic():
        SkyObject.objects.copy_columns(things(best_class=["unknown", "unknown", "dragon"]))
    assert not SkyObject.objects.exists()


def test_the_audit_log_names_who_copied(db):
    person = make_user()
    with audited_as(person.pk):
        SkyObject.objects.copy_columns(things())
    SkyObject.objects.copy_columns(things(designation=["x", "y", "z"]))
    written = AuditLog.objects.filter(entity_type="detection.SkyObject")
    assert {one.user_id for one in written} == {str(person.pk)}
    assert written.count() == 3
