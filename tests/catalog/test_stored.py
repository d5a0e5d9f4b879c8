import io
import json

import pytest
from django.core.management import CommandError, call_command

from astrid.core import store
from astrid.core.array_stores import STORES
from catalog import stored
from lightcurves.models import Instrument, TESSObservation, TESSQualityFlags
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def files(product_files):
    """Four files that five rows name; one of them names a file that came from outside."""
    names = [store.put(f"content {number}".encode()) for number in range(4)]
    factories.make_detection(cutouts_path=names[0], thumbnail_path=names[1])
    factories.make_detection(cutouts_path=names[0], thumbnail_path=names[2])
    factories.make_observation(fits_file_path="/elsewhere/frame.fits", thumbnail_path=names[3])
    return [product_files / name for name in names]


def said(*words):
    out = io.StringIO()
    with pytest.raises(CommandError) as refused:
        call_command("verify_storage", *words, stdout=out)
    return str(refused.value), out.getvalue()


def test_all_is_well_where_every_file_is_what_was_written(files):
    out = io.StringIO()
    call_command("verify_storage", stdout=out)
    assert out.getvalue() == "all 4 stored files are there and whole\n"


def test_lost_and_damaged_files_are_named_with_the_column_that_wants_them(files):
    files[0].unlink()
    files[3].write_bytes(b"a flipped bit")
    sentence, printed = said("--json")
    assert sentence.startswith("1 stored files are gone and 1 damaged, 2 are whole")
    found = json.loads(printed)
    names = [str(path.relative_to(path.parents[2])) for path in files]
    assert found["intact"] == 2
    assert found["missing"] == [{"name": names[0], "column": "detection.Detection.cutouts_path"}]
    assert found["corrupt"] == [
        {"name": names[3], "column": "observations.Observation.thumbnail_path"}
    ]


def test_presence_alone_reads_no_file(files):
    files[3].write_bytes(b"a flipped bit")
    call_command("verify_storage", "--presence", stdout=io.StringIO())
    files[1].unlink()
    assert said("--presence")[0].startswith("1 stored files are gone and 0 damaged")


def test_every_column_that_can_name_a_product_is_looked_at():
    labels = {f"{one.model._meta.label}.{one.name}" for one in stored.columns()}
    assert {
        "observations.Observation.fits_file_path",
        "preprocessing.PreprocessRun.processed_fits_path",
        "differencing.DifferenceRun.significance_map_path",
        "differencing.ReferenceImage.file_path",
        "detection.ModelRun.confidence_map_path",
        "detection.Detection.thumbnail_path",
        "catalog.ExportJob.file_path",
    } <= labels


def test_shards_of_light_curves_are_looked_at(product_files):
    instrument = Instrument.objects.create(name="Camera 1")
    observation = TESSObservation.objects.create(
        instrument=instrument, cadence_reference=[1, 2], sector=1
    )
    row = TESSQualityFlags(observation=observation, quality_flags=[0, 64])
    TESSQualityFlags.objects.copy_create([row], STORES["shards"])
    (shard,) = [path for path in product_files.rglob("*") if path.is_file()]
    call_command("verify_storage", stdout=io.StringIO())
    shard.write_bytes(b"a flipped bit")
    sentence, printed = said("--json")
    assert sentence.startswith("0 stored files are gone and 1 damaged")
    assert [one["column"] for one in json.loads(printed)["corrupt"]] == [
        "lightcurves.QualityFlagArray.quality_flags"
    ]
