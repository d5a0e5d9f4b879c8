"""The Python client that is written from the description of the API, against a running server."""

import base64
import importlib
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path
from pkgutil import walk_packages
from uuid import uuid4

import pytest
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer

from catalog.access import keys
from catalog.access.scopes import EVERYTHING
from catalog.models import ExportJob
from observations.models import Observation
from observations.simulator import simulate_night
from tests.factories import make_observation, make_survey, make_user

CONFIG = Path(__file__).parents[2] / "deploy/client.yml"


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """Generate the client, without one warning, and give a way to import from it."""
    folder = tmp_path_factory.mktemp("client")
    schema = SchemaGenerator().get_schema(request=None, public=True)
    (folder / "api.json").write_bytes(OpenApiJsonRenderer().render(schema))
    command = [
        Path(sys.executable).parent / "openapi-python-client", "generate", "--meta", "none",
        "--fail-on-warning", "--config", CONFIG, "--path", folder / "api.json",
        "--output-path", folder / "astrid_client",
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 -- our own words
    sys.path.insert(0, str(folder))
    yield lambda name: importlib.import_module(f"astrid_client.{name}")
    sys.path.remove(str(folder))
    for name in [name for name in sys.modules if name.startswith("astrid_client")]:
        del sys.modules[name]


@pytest.fixture
def client_of(package, live_server):
    """Give a maker of clients of the running server with a key."""

    def make(user):
        _key, secret = keys.issue(user, keys.Wanted("a program", [EVERYTHING]), by=user)
        signed_in = package("client").AuthenticatedClient
        return signed_in(base_url=live_server.url, token=secret, prefix="Token")

    return make


def test_a_program_searches_reads_sends_and_is_told_what_is_wrong(package, client_of, tmp_path):
    api, models = (lambda name: package(f"api.observations.{name}")), package("models")
    here, there = make_observation(ra=10.0, dec=5.0), make_observation(ra=40.0, dec=5.0)
    with client_of(make_user(group="operator")) as client:
        cone = api("observations_list").sync(client=client, ra=10.001, dec=5.0, radius=0.1)
        assert [row.id for row in cone.results] == [here.pk]
        one = api("observations_retrieve").sync(id=there.pk, client=client)
        assert (one.observation_id, one.seeing) == (there.observation_id, there.seeing)

        simulate_night(tmp_path, seed=3, fields=1, science_epochs=1, size=160)
        path = sorted(tmp_path.glob("*.fits"))[0]
        frame = models.Frame(path.name, base64.b64encode(path.read_bytes()).decode())
        body = models.Uploads(make_survey().pk, [frame])
        sent = api("observations_create").sync(client=client, body=body)
        assert [row.status.value for row in sent.rows] == ["created"]
        assert Observation.objects.filter(pk=sent.rows[0].observation).exists()

        nobody = api("observations_retrieve").sync_detailed(id=uuid4(), client=client)
        assert (nobody.status_code, nobody.parsed.status) == (404, 404)
        wrong = api("observations_list").sync(client=client, ra=400, dec=5.0, radius=0.1)
        assert isinstance(wrong, models.Problem)
        assert "ra is 400.0" in wrong.detail
        assert wrong.errors[0].parameter == "ra"


def test_every_part_of_the_client_can_be_imported_and_sends_one_kind_of_body(package):
    api = package("api")
    found = [each.name for each in walk_packages(api.__path__, f"{api.__name__}.")]
    assert f"{api.__name__}.exports.exports_create" in found
    for name in found:
        part = importlib.import_module(name)
        if source := getattr(part, "_get_kwargs", None):
            kinds = re.findall(r'"(json|data|files)"', inspect.getsource(source))
            assert len(kinds) <= 1, name


def test_a_program_asks_for_a_file(package, client_of):
    wanted = package("models").ExportRequest(query="astrid.objects")
    with client_of(make_user(group="researcher")) as client:
        job = package("api.exports.exports_create").sync(client=client, body=wanted)
    assert (job.status.value, str(job.id)) == ("pending", str(ExportJob.objects.get().pk))


def test_the_description_of_the_api_is_json_for_generators(client, db):
    answer = client.get("/api/schema/", {"format": "json"})
    assert json.loads(answer.content)["openapi"].startswith("3.")
