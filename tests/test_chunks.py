"""Bodies that come in pieces are read at every door, up to a length."""

import json

import pytest
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from astrid import chunks
from astrid.chunks import whole_bodies
from catalog.access import keys
from catalog.crossmatch import sent
from detection.api import infer
from observations.api import uploading
from tests.chunks import environ_of, in_pieces
from tests.factories import make_survey, make_user


def read_back(environ, start_response):
    """Answer with what was sent, as Django reads it."""
    start_response("200 OK", [])
    return [environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))]


def sent_back(environ):
    heads = []
    answer = whole_bodies(read_back)(environ, lambda status, _: heads.append(status))
    return heads[0][:3], b"".join(answer)


@pytest.mark.parametrize("length", [0, 1, chunks.IN_MEMORY_BYTES + 1])
def test_a_body_in_pieces_is_given_whole(length):
    body = bytes(range(256)) * (length // 256 + 1)
    assert sent_back(environ_of("/", body[:length], "text/plain")) == ("200", body[:length])


def test_a_body_in_too_many_pieces_is_refused(monkeypatch):
    monkeypatch.setattr(chunks, "MOST_BYTES", 10)
    assert sent_back(environ_of("/", b"x" * 10, "text/plain")) == ("200", b"x" * 10)
    assert sent_back(environ_of("/", b"x" * 11, "text/plain"))[0] == "413"


def test_a_body_whose_end_the_server_does_not_know_is_left_alone():
    told = environ_of("/", b"pieces", "text/plain") | {"wsgi.input_terminated": False}
    assert sent_back(told) == ("200", b"")
    told = environ_of("/", b"pieces", "text/plain") | {"CONTENT_LENGTH": "3"}
    assert sent_back(told) == ("200", b"pie")


def test_no_door_takes_more_than_is_read_in_pieces():
    doors = uploading.MOST_BYTES, infer.MOST_REQUEST_BYTES, sent.MOST_BYTES
    assert max(doors) <= chunks.MOST_BYTES


@pytest.mark.django_db
def test_the_api_answers_a_body_in_pieces_as_one_that_comes_whole(client):
    user = make_user("olga", group="operator")
    sign = {"Authorization": f"Token {keys.sign_in(user)[1]}"}
    survey = str(make_survey().pk)
    rows = json.dumps({"survey": survey, "rows": [{"name": "a.fits", "fits": "AAAA"}]})
    form = encode_multipart(BOUNDARY, {"survey": survey})
    told = set()
    for path, body, kind in (
        ("/api/v1/observations/", rows.encode(), "application/json"),
        ("/api/v1/observations/files/", form, MULTIPART_CONTENT),
    ):
        status, content = in_pieces(path, body, kind, **sign)
        whole = client.generic("POST", path, body, kind, headers=sign)
        assert (int(status[:3]), content) == (whole.status_code, whole.content)
        assert content != in_pieces(path, b"", kind, **sign)[1]
        told.add(content)
    assert len(told) == 2
