import pytest
from astropy.io import fits

from astrid.core import store
from astrid.core.errors import BadParameters
from observations.models import Observation, Survey
from observations.services import ingest_directory, ingest_survey
from observations.simulator import simulate_night

pytestmark = pytest.mark.django_db
RULES = {
    "survey": "named in the rules",
    "frames": [{"pattern": "field01_ref*", "role": "reference", "epoch": "a"}],
}


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    folder = tmp_path_factory.mktemp("frames")
    simulate_night(folder, seed=3, fields=1, science_epochs=1, size=160)
    return folder


@pytest.fixture
def folder(frames, tmp_path):
    """The frames without a rule file."""
    target = tmp_path / "deep field"
    target.mkdir()
    for path in frames.glob("*.fits"):
        (target / path.name).write_bytes(path.read_bytes())
    return target


def test_a_survey_reads_its_own_folder_by_its_own_rules(folder):
    settings = {"directory": str(folder), "rules": RULES}
    survey = Survey.objects.create(name="mine", adapter_settings=settings)
    run = ingest_survey(survey)
    assert (run.survey, run.found, run.new, run.left_out) == (survey, 1, 1, 1)
    assert Observation.objects.get().survey == survey
    survey.refresh_from_db()
    assert survey.adapter_settings == settings


def test_a_survey_without_rules_reads_everything(folder):
    survey = Survey.objects.create(name="mine", adapter_settings={"directory": str(folder)})
    assert ingest_survey(survey).new == 2
    assert set(Observation.objects.values_list("survey__name", "role")) == {
        ("mine", "reference"),
        ("mine", "science"),
    }


def test_a_survey_without_a_folder_says_what_is_missing():
    with pytest.raises(BadParameters, match="names no folder"):
        ingest_survey(Survey.objects.create(name="mine"))


def test_a_folder_without_rules_is_a_survey_of_that_name(folder):
    assert ingest_directory(folder).survey.name == "deep field"


def test_the_second_pass_changes_nothing(folder):
    first, second = ingest_directory(folder), ingest_directory(folder)
    assert (first.new, second.new, second.known) == (2, 0, 2)


def test_one_file_that_cannot_be_opened_costs_no_other(folder):
    (folder / "gone.fits").symlink_to(folder / "nothing.fits")
    (folder / "loop.fits").mkdir()
    run = ingest_directory(folder)
    assert (run.new, run.status) == (2, "completed")


def test_a_filter_name_that_no_column_holds_costs_its_file_alone(folder):
    path = folder / "field01_sci1.fits"
    with fits.open(path, mode="update") as units:
        units[0].header["FILTER"] = "x" * 60
        for keyword in ("CHECKSUM", "DATASUM"):
            units[0].header.remove(keyword, ignore_missing=True)
    run = ingest_directory(folder)
    assert (run.new, run.refused) == (1, 1)
    assert "filter_band cannot be stored" in run.refusals[0]["reason"]


def test_another_file_under_a_known_name_is_refused(folder):
    ingest_directory(folder)
    other = folder / "field01_ref.fits"
    (folder / "field01_sci1.fits").write_bytes(other.read_bytes())
    run = ingest_directory(folder)
    assert run.refused == 1
    assert "is known with other content" in run.refusals[0]["reason"]


def test_the_star_catalogue_that_the_rules_name_is_stored_with_the_survey(folder):
    (folder / "stars.csv").write_bytes(b"ra,dec,rmag\n150.0,2.0,15.5\n")
    settings = {"directory": str(folder), "rules": {**RULES, "star_catalog": "stars.csv"}}
    survey = Survey.objects.create(name="calibrated", adapter_settings=settings)
    ingest_survey(survey)
    survey.refresh_from_db()
    assert store.get(survey.star_catalog_path) == b"ra,dec,rmag\n150.0,2.0,15.5\n"
    survey.adapter_settings["rules"] = RULES
    ingest_survey(survey)
    survey.refresh_from_db()
    assert survey.star_catalog_path == ""


def test_a_star_catalogue_that_is_not_there_is_refused_in_words(folder):
    settings = {"directory": str(folder), "rules": {**RULES, "star_catalog": "gone.csv"}}
    survey = Survey.objects.create(name="uncalibrated", adapter_settings=settings)
    with pytest.raises(BadParameters, match=r"star_catalog gone.csv cannot be read .*No such file"):
        ingest_survey(survey)
