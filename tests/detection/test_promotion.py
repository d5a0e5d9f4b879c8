"""Networks follow one another by proof and two people, and go back by one."""

import getpass
import json
from dataclasses import replace
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.urls import reverse

from astrid.core.errors import BadWeights, InvalidTransition
from catalog import config
from catalog.audit import history
from detection import promotion, registry
from detection.errors import NotPromotable
from detection.models import Comparison, Model, ModelChange
from detection.networks import in_force
from tests.factories import make_model, make_user
from tests.pages import act, row_page

pytestmark = pytest.mark.django_db
PHRASE = "a long enough pass phrase"


@pytest.fixture
def champion():
    return in_force().model


def next_version(champion, version="9"):
    """A second row with the same, usable weights."""
    return make_model(
        name=champion.name,
        version=version,
        model_type=champion.model_type,
        model_path=champion.model_path,
        sha256=champion.sha256,
    )


@pytest.fixture
def challenger(champion):
    row = next_version(champion)
    registry.challenge(row)
    return row


@pytest.fixture
def olga():
    return make_user("olga", group="operator", is_staff=True, password=PHRASE)


@pytest.fixture
def ida():
    return make_user("ida", group="operator", is_staff=True, password=PHRASE)


def figures(low=-0.001):
    value = {"value": 0.0, "low": low, "high": 0.01}
    return {
        name: {"champion": value, "challenger": value, "difference": value}
        for name in ("auc", "fpr_at_tpr95", "ece")
    }


def make_proof(challenger, champion, **fields):
    return Comparison.objects.create(
        **{
            "challenger": challenger,
            "champion": champion,
            "set_name": "real.npz",
            "set_sha256": "0" * 64,
            "is_real_set": True,
            "real": 100,
            "bogus": 100,
            "figures": figures(),
            "margins": {},
            **fields,
        }
    )


def test_two_networks_of_one_type_are_never_in_force(champion, challenger):
    with pytest.raises(IntegrityError, match="model_one_active"), transaction.atomic():
        Model.objects.filter(pk=challenger.pk).update(is_active=True, is_challenger=False)


def test_there_is_one_challenger_and_it_is_not_the_champion(champion, challenger):
    other = next_version(champion, "3")
    registry.challenge(other)
    assert registry.challenger(champion.model_type) == other
    with pytest.raises(BadWeights, match="in force already"):
        registry.challenge(champion)
    with pytest.raises(IntegrityError, match="model_one_role"), transaction.atomic():
        Model.objects.filter(pk=champion.pk).update(is_challenger=True)


def test_without_a_proof_nobody_can_ask(champion, challenger, olga):
    with pytest.raises(NotPromotable, match="compare_models on a set of real stamps"):
        promotion.ask(challenger, by=olga)


@pytest.mark.parametrize(
    "flaw", [{"is_real_set": False}, {"shortcomings": ["the AUC may be lower by 0.1"]}]
)
def test_a_comparison_on_simulations_or_with_shortcomings_is_no_proof(
    champion, challenger, olga, flaw
):
    make_proof(challenger, champion, **flaw)
    with pytest.raises(NotPromotable, match="nothing shows"):
        promotion.ask(challenger, by=olga)


def test_a_proof_against_another_champion_does_not_count(champion, challenger, olga):
    make_proof(challenger, next_version(champion, "3"))
    with pytest.raises(NotPromotable, match="nothing shows"):
        promotion.ask(challenger, by=olga)


def test_a_second_person_puts_a_proven_network_in_force(champion, challenger, olga, ida):
    proof = make_proof(challenger, champion)
    change = promotion.ask(challenger, by=olga, reason="better on bright stars")
    assert registry.champion(champion.model_type) == champion
    promotion.approve(change, by=ida)
    challenger.refresh_from_db()
    assert (challenger.is_active, challenger.is_challenger) == (True, False)
    assert registry.champion(champion.model_type) == challenger
    change.refresh_from_db()
    assert (change.status, change.comparison, change.decided_by) == ("done", proof, ida)


def test_nobody_approves_what_they_asked_for(champion, challenger, olga):
    make_proof(challenger, champion)
    change = promotion.ask(challenger, by=olga)
    with pytest.raises(NotPromotable, match="somebody else has to approve"):
        promotion.approve(change, by=olga)
    with pytest.raises(IntegrityError, match="change_by_two_people"), transaction.atomic():
        ModelChange.objects.filter(pk=change.pk).update(status="done", decided_by=olga)
    with pytest.raises(IntegrityError, match="change_with_proof"), transaction.atomic():
        ModelChange.objects.filter(pk=change.pk).update(comparison=None)


def test_what_was_asked_for_is_stale_once_another_network_is_in_force(
    champion, challenger, olga, ida
):
    make_proof(challenger, champion)
    change = promotion.ask(challenger, by=olga)
    registry.put_in_force(next_version(champion, "3"))
    with pytest.raises(NotPromotable, match="compare again"):
        promotion.approve(change, by=ida)


def test_a_network_is_asked_for_once_and_a_refusal_is_final(champion, challenger, olga, ida):
    make_proof(challenger, champion)
    change = promotion.ask(challenger, by=olga)
    with pytest.raises(NotPromotable, match="waits for a decision"):
        promotion.ask(challenger, by=ida)
    promotion.refuse(change, by=ida, decision="wait for the new camera")
    with pytest.raises(InvalidTransition):
        promotion.approve(change, by=ida)
    assert promotion.ask(challenger, by=ida).status == "requested"


def test_going_back_is_one_step_and_is_written_down(champion, challenger, olga, ida):
    make_proof(challenger, champion)
    promotion.approve(promotion.ask(challenger, by=olga), by=ida)
    change = promotion.roll_back(challenger, by=olga, reason="loses trails")
    assert registry.champion(champion.model_type) == champion
    assert (change.kind, change.model, change.previous) == ("rollback", champion, challenger)
    with pytest.raises(NotPromotable, match="nothing to go back to"):
        promotion.roll_back(champion, by=olga)


def test_where_nothing_is_in_force_approval_is_enough(olga, ida, champion):
    first = make_model(
        model_type="segmentation", model_path=champion.model_path, sha256=champion.sha256
    )
    promotion.approve(promotion.ask(first, by=olga), by=ida)
    assert registry.champion("segmentation") == first


# --- in the admin


def step(client, row, name, **data):
    address = reverse("admin:detection_model_step", args=[row.pk])
    response = client.post(address, {"step": name, **data}, follow=True)
    return response, [str(each) for each in response.context["messages"]]


def test_two_operators_promote_in_the_admin_and_one_goes_back(
    client, champion, challenger, olga, ida
):
    make_proof(challenger, champion)
    client.force_login(olga)
    _, said = step(client, challenger, "ask", reason="better")
    assert said == ["Asked for. Somebody else approves it under model changes."]
    change = ModelChange.objects.get()
    assert "somebody else has to approve" in act(client, [change], "approve")[0]
    client.force_login(ida)
    assert act(client, [change], "approve") == ["1 put in force"]
    assert f"Go back to {champion}" in row_page(client, challenger).content.decode()
    step(client, challenger, "roll_back", reason="loses trails")
    assert registry.champion(champion.model_type) == champion
    trail = [(entry.user_id, entry.action) for entry in history(change)]
    assert trail == [(str(ida.pk), "update"), (str(olga.pk), "create")]


def test_who_may_only_look_sees_no_buttons_and_takes_no_steps(client, champion, challenger):
    make_proof(challenger, champion)
    client.force_login(make_user("vic", group="viewer", is_staff=True))
    assert 'name="step"' not in row_page(client, challenger).content.decode()
    for name in ("ask", "challenge", "roll_back", "fly"):
        address = reverse("admin:detection_model_step", args=[challenger.pk])
        assert client.post(address, {"step": name}).status_code == 403
    assert not ModelChange.objects.exists()


def test_the_page_of_a_network_shows_its_card(client, champion, olga):
    client.force_login(olga)
    page = row_page(client, champion).content.decode()
    assert "Known limits" in page
    assert champion.sha256 in page


# --- by commands


@pytest.fixture
def typed(monkeypatch):
    monkeypatch.setattr(getpass, "getpass", lambda prompt: PHRASE)


def run(name, *args):
    out = StringIO()
    call_command(name, *args, stdout=out)
    return out.getvalue()


def test_the_command_asks_approves_and_goes_back(typed, champion, challenger, olga, ida):
    make_proof(challenger, champion)
    assert "waits for approval" in run(
        "promote_model", "--registered", champion.name, "9", "--by", "olga"
    )
    with pytest.raises(CommandError, match="somebody else"):
        run("promote_model", "--approve", champion.name, "9", "--by", "olga")
    assert "is in force" in run("promote_model", "--approve", champion.name, "9", "--by", "ida")
    assert "in force again" in run("promote_model", "--roll-back", "--by", "olga")
    assert in_force().model == champion


def test_the_command_asks_who_is_there(monkeypatch, champion, challenger, olga):
    make_proof(challenger, champion)
    monkeypatch.setattr(getpass, "getpass", lambda prompt: "something else")
    with pytest.raises(CommandError, match="not the password of olga"):
        run("promote_model", "--registered", champion.name, "9", "--by", "olga")
    make_user("vic", group="viewer", password=PHRASE)
    with pytest.raises(CommandError, match="takes the permission"):
        run("promote_model", "--registered", champion.name, "9", "--by", "vic")


def test_the_command_names_what_there_is(typed, champion, olga):
    with pytest.raises(CommandError, match=r"there are: .*astrid-stamps 2, astrid-unet 1"):
        run("promote_model", "--registered", "nothing", "7", "--by", "olga")


@pytest.fixture
def stamps(tmp_path):
    """Thirty stamps with a source in the middle of the difference and thirty without."""
    rng = np.random.default_rng(3)
    x = rng.normal(100, 5, (60, 3, 63, 63)).astype(np.float32)
    y = np.arange(60) % 2
    yy, xx = np.mgrid[-31:32, -31:32]
    source = 150 * np.exp(-(xx**2 + yy**2) / (2 * 1.2**2))
    x[y == 1, 0] += source
    x[:, 2] = x[:, 0] - x[:, 1]
    path = tmp_path / "stamps.npz"
    np.savez(path, x=x, y=y.astype(np.int8), oid=np.array([f"o{i // 2}" for i in range(60)]))
    return path


def test_equal_networks_differ_by_nothing_and_the_comparison_is_kept(champion, challenger, stamps):
    config.put("model_promotion", {"largest_ece": 1.0})
    report = json.loads(run("compare_models", str(stamps), "--json"))["comparisons"][0]
    for figure in ("auc", "fpr_at_tpr95", "ece"):
        assert report[figure]["difference"] == {"value": 0, "low": 0, "high": 0}
    assert (report["is_proof"], report["real"], report["bogus"]) == (True, 30, 30)
    assert promotion.proof_of(challenger) == Comparison.objects.get()


def test_few_stamps_or_simulated_ones_prove_nothing(champion, challenger, stamps):
    config.put("model_promotion", {"largest_ece": 1.0, "least_of_a_kind": 31})
    assert "31 of each are needed" in run("compare_models", str(stamps))
    config.put("model_promotion", {"largest_ece": 1.0})
    assert "the stamps are simulated" in run("compare_models", str(stamps), "--simulated")
    assert promotion.proof_of(challenger) is None


def test_a_file_of_pickled_objects_is_refused(champion, challenger, tmp_path):
    path = tmp_path / "pickled.npz"
    np.savez(path, x=np.array([{"a": 1}], dtype=object), y=np.array([1]))
    with pytest.raises(CommandError, match="unpickling"):
        run("compare_models", str(path))
    assert not Comparison.objects.exists()


def test_a_network_that_scores_no_stamps_is_named(champion, challenger, stamps, monkeypatch):
    card = replace(registry.open_weights(challenger).card, model_type="anomaly_detector")
    opened = replace(registry.open_weights(challenger), card=card)
    monkeypatch.setattr(registry, "open_weights", lambda row: opened)
    with pytest.raises(CommandError, match="scores no labelled stamps"):
        run("compare_models", str(stamps))


def test_a_network_is_not_compared_with_itself_or_with_nothing(champion, stamps):
    with pytest.raises(CommandError, match="there is no challenger"):
        run("compare_models", str(stamps))
    with pytest.raises(CommandError, match="compared with itself"):
        run("compare_models", str(stamps), "--challenger", champion.name, champion.version)
