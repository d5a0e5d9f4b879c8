import pytest

from catalog import config
from catalog.models import CatalogEntry
from catalog.publish import NoObject, publish, publish_object_of
from curation.models import Alert, AlertChannel
from curation.parameters import ReviewPolicy
from curation.services import judge
from detection.models import Detection
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def curator(db):
    return factories.make_user("ada", group="curator")


@pytest.fixture
def detection(db):
    return factories.make_detection(confidence_score=0.9)


def say(detection, curator, label="supernova", *, is_valid=True):
    return judge(detection, by=curator, is_valid=is_valid, label=label, policy=ReviewPolicy())


def test_a_confirmation_makes_a_draft_that_says_what_it_rests_on(detection, curator):
    event = say(detection, curator)
    entry = CatalogEntry.objects.get()
    model = detection.model_run.model
    assert (entry.version, entry.is_current, entry.publication_state) == (1, True, "draft")
    assert (entry.designation, entry.object_class) == (
        detection.sky_object.designation, "supernova"
    )  # fmt: skip
    assert entry.evidence == {
        "detections": [str(detection.pk)],
        "verdicts": [str(event.pk)],
        "models": [{"name": model.name, "version": model.version, "sha256": model.sha256}],
    }
    # odds of the score times the odds that one curator is right: 9 x 19
    assert entry.posterior == pytest.approx(171 / 172)


def test_the_peak_of_each_band_is_kept_with_error_and_epoch(curator):
    sky_object = factories.make_sky_object()
    for band, flux in (("g", 100.0), ("g", -300.0), ("r", 50.0)):
        observation = factories.make_observation(filter_band=band)
        run = factories.make_difference_run(observation=observation)
        found = factories.make_candidate(difference_run=run, flux=flux, flux_error=10.0)
        say(factories.make_detection(candidate=found, sky_object=sky_object), curator)
    entry = CatalogEntry.objects.get(is_current=True)
    peaks = {band: (peak["peak_flux_adu"], peak["error_adu"]) for band, peak in entry.magnitudes.items()}  # fmt: skip  # noqa: E501
    assert peaks == {"g": (-300.0, 10.0), "r": (50.0, 10.0)}
    faded = Detection.objects.get(candidate__flux=-300.0)
    assert entry.magnitudes["g"]["mjd_utc"] == faded.observation.mjd_utc
    assert entry.magnitudes["g"]["detection"] == str(faded.pk)


def test_publishing_again_without_news_changes_nothing(detection, curator):
    say(detection, curator)
    first = CatalogEntry.objects.get()
    assert publish(detection.sky_object) == first
    assert CatalogEntry.objects.count() == 1


def test_a_changed_verdict_makes_the_next_version_and_one_is_current(detection, curator):
    say(detection, curator)
    say(detection, curator, "agn")
    old, new = CatalogEntry.objects.order_by("version")
    assert (old.is_current, old.object_class) == (False, "supernova")
    assert (new.is_current, new.object_class, new.version) == (True, "variable", 2)


def test_a_withdrawn_confirmation_retracts_and_a_new_one_publishes_again(detection, curator):
    say(detection, curator)
    say(detection, curator, "dipole", is_valid=False)
    assert CatalogEntry.objects.get().publication_state == "retracted"
    say(detection, curator)
    entry = CatalogEntry.objects.get(is_current=True)
    assert (entry.version, entry.publication_state) == (2, "draft")


def test_one_of_two_confirmations_withdrawn_leaves_the_other(detection, curator):
    second = factories.make_detection(sky_object=detection.sky_object)
    say(detection, curator)
    say(second, curator)
    say(detection, curator, "artifact", is_valid=False)
    entry = CatalogEntry.objects.get(is_current=True)
    assert entry.publication_state == "draft"
    assert entry.evidence["detections"] == [str(second.pk)]


def test_one_person_at_two_epochs_is_one_witness(detection, curator):
    second = factories.make_detection(sky_object=detection.sky_object, confidence_score=0.9)
    say(detection, curator)
    alone = CatalogEntry.objects.get(is_current=True).posterior
    say(second, curator)
    assert CatalogEntry.objects.get(is_current=True).posterior == pytest.approx(alone)


def test_without_a_label_the_class_is_the_networks(curator):
    row = factories.make_detection(detection_type="variable")
    say(row, curator, None)
    assert CatalogEntry.objects.get().object_class == "variable"


def test_a_confirmed_detection_without_object_gets_one_and_its_entry(curator):
    lonely = factories.make_detection(sky_object=None)
    say(lonely, curator)
    lonely.refresh_from_db()
    assert (lonely.sky_object.ra, lonely.sky_object.dec) == (lonely.ra, lonely.dec)
    assert CatalogEntry.objects.get().sky_object == lonely.sky_object


def test_what_belongs_to_no_object_has_no_entry():
    with pytest.raises(NoObject, match="belongs to no sky object"):
        publish_object_of(factories.make_detection(sky_object=None))


def test_an_object_nobody_confirmed_has_no_entry(detection):
    assert publish(detection.sky_object) is None
    assert not CatalogEntry.objects.exists()


def test_a_confirmation_raises_the_alerts_of_the_rules_in_force(detection, curator):
    AlertChannel.objects.create(name="desk", kind="email", address="desk@example.org")
    config.put("alert_rules", [{"name": "confirmed", "channels": ["desk"]}])
    say(detection, curator)
    alert = Alert.objects.get()
    assert (alert.alert_type, alert.deliveries.count()) == ("confirmed", 1)
    say(detection, curator, "agn")
    assert Alert.objects.count() == 1
