"""What the page of a network shows of its card."""

import pytest
from django.urls import reverse

from detection import cardview, registry
from detection.networks import in_force
from tests.factories import make_user

pytestmark = pytest.mark.django_db


def test_simulated_and_real_figures_stand_side_by_side_with_their_intervals():
    row = in_force().model
    lines = {line.name: line for line in cardview.lines_of(row)}
    part = row.training_metrics
    auc = lines["area under the ROC curve (AUC)"]
    for told, found in ((auc.simulated, part["simulated"]), (auc.real, part["real_out_of_fold"])):
        value = found["auc"]
        assert told == f"{value['value']:.4f} [{value['low']:.4f}, {value['high']:.4f}]"
    counts = lines["real / bogus candidates"]
    assert counts.real == "{real} / {bogus}".format(**part["real_out_of_fold"])


def test_what_was_never_measured_on_the_sky_is_said_so():
    lines = cardview.lines_of(registry.active())
    assert lines
    assert {line.real for line in lines} == {"not measured"}


@pytest.mark.parametrize("which", ["model", "unet", "anomaly_detector"])
def test_every_card_names_where_its_network_fails(which):
    row = getattr(in_force(), which)
    limits = cardview.limits_of(row)
    assert len(limits) >= 2
    assert all(" ".join(limit.split()) in " ".join(row.model_card.replace("`", "").split())
               for limit in limits)  # fmt: skip


def test_the_page_shows_figures_failures_and_the_whole_card(client):
    row = in_force().model
    client.force_login(make_user("vic", group="viewer", is_staff=True))
    page = client.get(reverse("admin:detection_model_change", args=[row.pk])).content.decode()
    assert cardview.lines_of(row)[1].real in page
    for words in ("Known to fail", "The whole model card", row.sha256):
        assert words in page
    listed = client.get(reverse("admin:detection_model_changelist")).content.decode()
    assert f"{row.training_metrics['real_out_of_fold']['auc']['value']:.4f}" in listed
