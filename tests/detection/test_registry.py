import shutil
from datetime import UTC, datetime

import pytest

from astrid.core.errors import BadWeights
from astrid.core.sky import separation_deg
from detection import registry, weights
from detection.association import designation, mean_position
from detection.card import CLASSIFIER
from detection.models import Model

pytestmark = pytest.mark.django_db


@pytest.fixture
def copy(tmp_path):
    """The shipped network under another path, with its card."""
    for suffix in (".onnx", ".json"):
        shutil.copy(weights.DEFAULT.with_suffix(suffix), tmp_path / f"copy{suffix}")
    return tmp_path / "copy.onnx"


def test_the_first_time_the_shipped_network_is_in_force():
    row = registry.active()
    assert (row.is_active, row.model_path) == (True, weights.DEFAULT.name)
    assert row.sha256 == weights.load().card.sha256
    assert registry.active() == row
    assert Model.objects.count() == 1


@pytest.mark.parametrize("kind", list(weights.SHIPPED))
def test_a_newer_release_of_the_code_puts_its_own_networks_in_the_place_of_its_older_ones(kind):
    name = weights.load(weights.SHIPPED[kind]).card.name
    old = Model.objects.create(
        name=name, version="0", model_type=kind, model_path=f"{name}-0.onnx", is_active=True
    )
    row = registry.in_force(kind)
    old.refresh_from_db()
    assert (row.model_path, row.is_active, old.is_active) == (
        weights.SHIPPED[kind].name, True, False
    )  # fmt: skip


def test_a_network_of_ones_own_is_never_replaced_by_the_shipped_one():
    own = Model.objects.create(
        name="astrid-stamps", version="1.1", model_type=CLASSIFIER, is_active=True,
        model_path="/var/lib/models/astrid-stamps-1.1.onnx",
    )  # fmt: skip
    assert registry.in_force(CLASSIFIER) == own


def test_a_version_that_is_registered_with_other_weights_is_refused(copy):
    row = registry.active()
    Model.objects.filter(pk=row.pk).update(sha256="0" * 64)
    with pytest.raises(BadWeights, match="give the new weights a new version"):
        registry.register(copy)


def test_weights_that_changed_since_they_were_registered_are_not_used(copy):
    row = registry.active()
    row.sha256 = "f" * 64
    with pytest.raises(BadWeights, match="SHA-256"):
        registry.open_weights(row)


def test_a_row_without_weights_is_not_used():
    with pytest.raises(BadWeights, match="has no weights file"):
        registry.open_weights(Model(name="empty", version="1"))


def test_one_network_steps_back_when_another_comes_into_force():
    old = registry.active()
    new = Model.objects.create(name="other", version="1", model_type=old.model_type)
    registry.put_in_force(new)
    old.refresh_from_db()
    assert (old.is_active, registry.active()) == (False, new)
    assert new.deployment_date <= datetime.now(UTC)


# Names by the IAU's rule, worked out by hand: coordinates are cut off, not rounded.
@pytest.mark.parametrize(
    ("ra", "dec", "name"),
    [
        (0.0, 0.0, "AstrID J000000.00+000000.0"),
        (318.1081667, -66.0156111, "AstrID J211225.96-660056.1"),
        (359.99999, 89.99999, "AstrID J235959.99+895959.9"),
        (150.0, -0.00001, "AstrID J100000.00-000000.0"),
    ],
)
def test_designations_follow_the_iau(ra, dec, name):
    assert designation(ra, dec) == name


def test_a_mean_position_is_right_across_right_ascension_0_and_at_the_pole():
    ra, dec = mean_position([(359.9, 0), (0.1, 0)])
    assert separation_deg(ra, dec, 0, 0) == pytest.approx(0, abs=1e-9)
    assert mean_position([(0, 89), (90, 89), (180, 89), (270, 89)])[1] == pytest.approx(90)
