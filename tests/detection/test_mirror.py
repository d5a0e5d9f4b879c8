"""MLflow follows the database, embedded and on a server, and nothing waits for it."""

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
import requests
from django.core.management import CommandError, call_command

from detection import promotion, registry, tasks, tracking, weights
from detection.mirror import NotMirrored, mirror
from detection.models import Model
from tests.factories import make_model, make_user
from tests.s3 import free_ports

pytestmark = [
    pytest.mark.django_db,
    # Of MLflow and its packages, none of our calls.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
# Nothing listens on the first port; the connection is refused at once.
DOWN = "http://127.0.0.1:1"
START_S = 300


@pytest.fixture
def embedded(settings, tmp_path):
    settings.STATE = tmp_path
    settings.MLFLOW_TRACKING_URI = f"sqlite:///{tmp_path}/mlflow.db"
    return settings.MLFLOW_TRACKING_URI


@pytest.fixture
def champion():
    return registry.active()


def next_version(row, version="9"):
    return make_model(
        name=row.name,
        version=version,
        model_type=row.model_type,
        model_path=row.model_path,
        sha256=row.sha256,
    )


def aliases(name):
    found = tracking.client().get_registered_model(name).aliases
    return {alias: str(version) for alias, version in found.items()}


def check_that_versions_follow_the_rows(champion):
    assert mirror() == 1
    challenger = next_version(champion)
    registry.challenge(challenger)
    assert mirror() == 1
    for row in (champion, challenger):
        row.refresh_from_db()
    assert aliases(champion.name) == {
        "champion": champion.mlflow_version,
        "challenger": challenger.mlflow_version,
    }
    registry.put_in_force(challenger)
    assert mirror() == 0
    assert aliases(champion.name) == {"champion": challenger.mlflow_version}


def check_that_the_training_is_there(champion):
    mlflow = tracking.client()
    run = mlflow.get_run(Model.objects.get(pk=champion.pk).mlflow_run_id)
    auc = champion.training_metrics["auc"]
    logged = [run.data.metrics[name] for name in ("auc", "auc_low", "auc_high")]
    assert logged == pytest.approx([auc["value"], auc["low"], auc["high"]])
    assert run.data.params["seed"] == str(champion.hyperparameters["seed"])
    files = {each.path for each in mlflow.list_artifacts(run.info.run_id)}
    assert {"model_card.md", "astrid-unet-1.json", "astrid-unet-1.onnx"} <= files


def test_the_embedded_registry_follows_the_rows(embedded, champion, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_that_versions_follow_the_rows(champion)
    check_that_the_training_is_there(champion)
    # nothing was left where the command happened to run
    assert {each.name for each in tmp_path.iterdir()} == {"mlflow", "mlflow.db"}


@contextmanager
def serving(folder):
    """Run a real MLflow server on loopback until the block ends; give its address."""
    (port,) = free_ports(1)
    command = [
        *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)),
        *("--workers", "1", "--backend-store-uri", f"sqlite:///{folder}/server.db"),
        *("--artifacts-destination", str(folder / "artifacts")),
    ]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603  our own interpreter and arguments
            command,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=os.environ | tracking.MANNERS,
            start_new_session=True,
        )
    try:
        wait_for(f"http://127.0.0.1:{port}", process, folder / "server.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, 15)
        process.wait(START_S)


def wait_for(address, process, log):
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if requests.get(f"{address}/health", timeout=20).ok:
                return
        except requests.RequestException:
            time.sleep(0.3)
    pytest.fail(f"no MLflow server: {log.read_text()[-2000:]}")


@pytest.mark.slow
def test_a_server_follows_the_rows(settings, champion, tmp_path):
    with serving(tmp_path) as address:
        settings.MLFLOW_TRACKING_URI = address
        check_that_versions_follow_the_rows(champion)
        check_that_the_training_is_there(champion)


def test_networks_come_into_force_and_score_while_mlflow_is_down(settings, champion):
    settings.MLFLOW_TRACKING_URI = DOWN
    olga, ida = (make_user(name, group="operator") for name in ("olga", "ida"))
    first = make_model(
        model_type="classifier", model_path=champion.model_path, sha256=champion.sha256
    )
    promotion.approve(promotion.ask(first, by=olga), by=ida)
    assert registry.champion("classifier") == first
    assert registry.open_weights(registry.active()).card.sha256 == champion.sha256


def test_a_mirror_that_is_away_is_said_in_words_and_tried_again(
    settings, champion, embedded, caplog
):
    settings.MLFLOW_TRACKING_URI = DOWN
    with pytest.raises(NotMirrored, match="the next run of mirror_models tries again"):
        mirror()
    tasks.mirror_models()
    assert "did not take the networks" in caplog.text
    with pytest.raises(CommandError, match=DOWN):
        call_command("mirror_models")
    settings.MLFLOW_TRACKING_URI = embedded
    assert mirror() == 1


@pytest.mark.parametrize("kind", weights.SHIPPED)
def test_whatever_a_network_does_its_training_can_be_logged(kind):
    card = weights.load(weights.SHIPPED[kind]).card
    told = tracking.parameters_of(card)
    assert told["model_type"] == kind
    assert {"seed", "classifier"} & told.keys()
    figures = tracking.figures_of(card)
    assert {name for name in figures if name.endswith("_low")}
    assert all(isinstance(value, (str, int, float)) for value in told.values())


def test_every_number_of_the_card_is_logged_by_its_path():
    found = {
        "auc": {"value": 0.9, "low": 0.8, "high": 1.0},
        "real": {"ece": {"value": 0.1, "low": 0.0, "high": 0.2}, "bins": [1, 2]},
        "n": 3,
    }
    assert json.loads(json.dumps(dict(tracking.flat(found)))) == {
        "auc": 0.9,
        "auc_low": 0.8,
        "auc_high": 1.0,
        "real_ece": 0.1,
        "real_ece_low": 0.0,
        "real_ece_high": 0.2,
        "n": 3,
    }
