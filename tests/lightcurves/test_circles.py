"""Trees of instruments and lineages of datasets have no circles, and are walked in one query."""

from contextlib import contextmanager

import numpy as np
import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lightcurves.errors import LineageCircle
from lightcurves.models import DataSet, DataSetHierarchy, Instrument
from lightcurves.services import derive

IN_ONE_TRANSACTION = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
EDGES = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=14)


def reach(edges, start):
    """Walk edges (from, to) by hand."""
    found, todo = set(), [start]
    while todo:
        here = todo.pop()
        for there in {b for a, b in edges if a == here} - found:
            found.add(there)
            todo.append(there)
    return found


@contextmanager
def undone():
    """Roll back whatever the block writes: Hypothesis runs many examples in one test."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@IN_ONE_TRANSACTION
@given(edges=EDGES)
def test_a_lineage_takes_exactly_the_steps_that_close_no_circle(make_dataset, edges):
    with undone():
        rows = [make_dataset(save=False) for _ in range(7)]
        DataSet.objects.bulk_create(rows)
        taken = set()
        for child, source in edges:
            closes = child == source or child in reach(taken, source)
            try:
                derive(rows[child], [rows[source]])
                assert not closes
                taken.add((child, source))
            except LineageCircle:
                assert closes
        for place, row in enumerate(rows):
            assert set(row.sources()) == {rows[k] for k in reach(taken, place)}
            back = {(b, a) for a, b in taken}
            assert set(row.derivatives()) == {rows[k] for k in reach(back, place)}


@IN_ONE_TRANSACTION
@given(moves=EDGES)
def test_a_tree_takes_exactly_the_moves_that_close_no_circle(db, moves):
    with undone():
        rows = [Instrument.objects.create(name=str(k)) for k in range(7)]
        parents = {}
        for part, whole in moves:
            closes = part == whole or part in reach(parents.items(), whole)
            try:
                with transaction.atomic():
                    Instrument.objects.filter(pk=rows[part].pk).update(parent=rows[whole])
                assert not closes
                parents[part] = whole
            except IntegrityError:
                assert closes
        for place, row in enumerate(rows):
            row.refresh_from_db()
            assert set(row.ancestors()) == {rows[k] for k in reach(parents.items(), place)}
            down = {(b, a) for a, b in parents.items()}
            assert set(row.descendants()) == {rows[k] for k in reach(down, place)}


class TestInstruments:
    @pytest.fixture
    def tree(self, db):
        whole = Instrument.objects.create(name="TESS")
        camera = Instrument.objects.create(name="Camera 1", parent=whole)
        detectors = [Instrument.objects.create(name=f"CCD {n}", parent=camera) for n in (1, 2)]
        return whole, camera, detectors

    def test_ancestors_and_descendants_take_one_query_each(self, tree, django_assert_num_queries):
        whole, camera, detectors = tree
        with django_assert_num_queries(1):
            assert list(whole.descendants()) == [detectors[0], detectors[1], camera]
        with django_assert_num_queries(1):
            assert set(detectors[0].ancestors()) == {whole, camera}

    def test_the_path_leads_from_the_whole_to_the_part(self, tree, django_assert_num_queries):
        whole, camera, detectors = tree
        with django_assert_num_queries(1):
            assert detectors[1].path() == [whole, camera, detectors[1]]

    def test_a_circle_is_refused_in_words_and_by_the_database(self, tree):
        whole, _, detectors = tree
        whole.parent = detectors[0]
        with pytest.raises(ValidationError, match="CCD 1 is TESS or part of it"):
            whole.full_clean()
        with pytest.raises(IntegrityError, match="would close a circle"), transaction.atomic():
            whole.save()
        whole.parent = whole
        with pytest.raises(ValidationError, match="TESS is TESS or part of it"):
            whole.full_clean()


class TestLineage:
    @pytest.fixture
    def chain(self, make_dataset):
        raw, detrended, binned = (make_dataset() for _ in range(3))
        derive(detrended, [raw])
        derive(binned, [detrended, raw])
        return raw, detrended, binned

    def test_both_directions_are_at_hand(self, chain, django_assert_num_queries):
        raw, detrended, binned = chain
        assert set(binned.source_datasets.all()) == {raw, detrended}
        assert set(raw.derived_datasets.all()) == {binned, detrended}
        with django_assert_num_queries(1):
            assert set(binned.sources()) == {raw, detrended}
        with django_assert_num_queries(1):
            assert set(raw.derivatives()) == {binned, detrended}

    def test_stating_a_derivation_again_changes_nothing(self, chain):
        raw, detrended, _ = chain
        derive(detrended, [raw])
        assert DataSetHierarchy.objects.count() == 3

    def test_a_circle_is_refused_however_it_is_written(self, chain):
        raw, _, binned = chain
        link = DataSetHierarchy(source_dataset=binned, child_dataset=raw)
        with pytest.raises(LineageCircle, match=f"DataSet {raw.pk} cannot be made from"):
            derive(raw, [binned])
        with pytest.raises(ValidationError, match="cannot be its source"):
            link.full_clean()
        for write in (
            link.save,
            lambda: DataSetHierarchy.objects.bulk_create([link]),
            lambda: raw.source_datasets.add(binned),
            lambda: DataSetHierarchy.objects.filter(
                child_dataset=binned, source_dataset=raw
            ).update(child_dataset=raw, source_dataset=binned),
        ):
            with pytest.raises(IntegrityError, match="would close a circle"), transaction.atomic():
                write()
        assert DataSetHierarchy.objects.count() == 3

    def test_a_dataset_is_not_its_own_source(self, chain):
        raw, *_ = chain
        with pytest.raises(LineageCircle):
            derive(raw, [raw])
        with pytest.raises(IntegrityError), transaction.atomic():
            DataSetHierarchy.objects.create(source_dataset=raw, child_dataset=raw)

    def test_a_new_dataset_is_saved_with_its_derivation_or_not_at_all(self, chain, make_dataset):
        raw, *_ = chain
        new = make_dataset(save=False)
        derive(new, [raw])
        assert set(new.sources()) == {raw}
        broken = make_dataset(save=False, errors=np.ones(2))
        with pytest.raises(ValidationError):
            derive(broken, [raw])
        assert DataSet.objects.count() == 4

    def test_steps_are_read_without_arrays(self, chain):
        link = DataSetHierarchy.objects.select_related("source_dataset").first()
        assert link.source_dataset.get_deferred_fields() == {"values", "errors"}
