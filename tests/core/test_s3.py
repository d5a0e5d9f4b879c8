"""The file store, and a frame on its way through it, on a real S3 server."""

import runpy
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from django.core.files.storage import storages

import astrid
from astrid.core import store
from astrid.core.errors import CorruptFile, MissingFile
from astrid.core.models import RunStatus
from observations.models import Observation, ObservationStatus
from observations.services import ingest_directory
from observations.simulator import SceneParameters, simulate_night
from preprocessing import services as preprocessing
from preprocessing.calibrated import from_fits
from preprocessing.parameters import PreprocessParameters
from preprocessing.tasks import preprocess
from tests import s3

PREFIX = "night/products"
SETTINGS = Path(astrid.__file__).with_name("settings.py")


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    try:
        with s3.serving(tmp_path_factory.mktemp("seaweed")) as running:
            client_of(running).create_bucket(Bucket=running.bucket)
            yield running
    except s3.NoServer as reason:
        pytest.skip(f"no S3 server: {reason}")


def client_of(server):
    return boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}),
    )


@pytest.fixture
def bucket(server):
    """The bucket as a client of its own sees it; empty after each test."""
    client = client_of(server)
    yield Bucket(client, server.bucket)
    for key in Bucket(client, server.bucket).names():
        client.delete_object(Bucket=server.bucket, Key=key)


class Bucket:
    """What is in a bucket, seen past the code under test."""

    def __init__(self, client, name):
        self.client, self.name = client, name

    def names(self):
        listed = self.client.list_objects_v2(Bucket=self.name)
        return [entry["Key"] for entry in listed.get("Contents", [])]

    def written_at(self, key):
        return self.client.head_object(Bucket=self.name, Key=key)["LastModified"]

    def overwrite(self, key, content):
        self.client.put_object(Bucket=self.name, Key=key, Body=content)


def name_server(monkeypatch, server, **changed):
    """Set the variables that name an S3 store; give what the settings make of them."""
    variables = {
        "S3_BUCKET": server.bucket,
        "S3_ENDPOINT_URL": server.endpoint,
        "S3_ACCESS_KEY": server.access_key,
        "S3_SECRET_KEY": server.secret_key,
        "S3_PREFIX": PREFIX,
    }
    for name, value in {**variables, **changed}.items():
        monkeypatch.setenv(name, value)
    return runpy.run_path(SETTINGS)["STORAGES"]["products"]


@pytest.fixture
def on_s3(monkeypatch, settings, server, product_files, bucket):
    """Products go to the server, as the environment says."""
    products = name_server(monkeypatch, server)
    settings.STORAGES = settings.STORAGES | {"products": products}
    return bucket


def test_content_comes_back_from_below_the_prefix(on_s3):
    name = store.put(b"pixels")
    assert on_s3.names() == [f"{PREFIX}/{name}"]
    assert store.get(name) == b"pixels"


def test_content_larger_than_one_part_comes_back_whole(on_s3):
    content = bytes(range(256)) * 40_000  # 10 MB: boto3 uploads parts of 8 MB
    assert store.get(store.put(content)) == content


def test_the_same_content_is_written_once(on_s3):
    name = store.put(b"pixels")
    first = on_s3.written_at(f"{PREFIX}/{name}")
    store.put(b"pixels")
    assert on_s3.names() == [f"{PREFIX}/{name}"]
    assert on_s3.written_at(f"{PREFIX}/{name}") == first


def test_the_loser_of_a_race_for_a_name_leaves_no_copy(on_s3, monkeypatch):
    name = store.put(b"pixels")
    storage = storages["products"]
    # what it saw: no such file, just before the winner wrote it
    answers = iter([False])
    monkeypatch.setattr(storage, "exists", lambda key: next(answers, key == name))
    assert store.put(b"pixels") == name
    assert on_s3.names() == [f"{PREFIX}/{name}"]


def test_a_missing_object_is_named(on_s3):
    with pytest.raises(MissingFile, match="cas/00/0000' is gone; restore it"):
        store.get(store.name_of("0000"))


def test_an_altered_object_is_not_handed_out(on_s3):
    name = store.put(b"pixels")
    on_s3.overwrite(f"{PREFIX}/{name}", b"pixelz")
    with pytest.raises(CorruptFile, match="restore it from a backup"):
        store.get(name)


def test_a_wrong_key_is_refused_by_the_server_and_not_taken_for_a_missing_file(
    monkeypatch, settings, server, on_s3
):
    name = store.put(b"pixels")
    products = name_server(monkeypatch, server, S3_SECRET_KEY="x")  # noqa: S106
    settings.STORAGES = settings.STORAGES | {"products": products}
    with pytest.raises(ClientError, match="403"):
        store.get(name)


@pytest.mark.django_db
def test_a_frame_is_taken_in_and_preprocessed_on_s3(on_s3, tmp_path, product_files):
    night = simulate_night(
        tmp_path / "night", seed=4, fields=1, science_epochs=1,
        parameters=SceneParameters(size=256, max_dither=8),
    )  # fmt: skip
    ingest_directory(night.directory)
    reference = Observation.objects.get(role="reference")
    (run,) = preprocessing.begin(reference, PreprocessParameters())
    preprocess(str(run.pk))
    run.refresh_from_db()
    assert run.status == RunStatus.COMPLETED
    assert run.observation.status == ObservationStatus.PREPROCESSED
    frame = from_fits(store.get(run.processed_fits_path))
    assert frame.shape == (256, 256)
    # two images and one product, and nothing on the local disk
    assert len(on_s3.names()) == 3
    assert not product_files.exists()
