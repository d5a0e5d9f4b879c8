"""Requests whose bodies come in pieces, as gunicorn gives them to an application."""

import io

from django.core.signals import request_started
from django.db import close_old_connections
from django.test import RequestFactory

from astrid.wsgi import application


def environ_of(path, body, content_type, **headers):
    """Give what the application is told: the server joins the pieces, and says no length."""
    told = RequestFactory().generic("POST", path, headers=headers).environ
    told.pop("CONTENT_LENGTH", None)
    return told | {
        "CONTENT_TYPE": content_type,
        "wsgi.input_terminated": True,
        "wsgi.input": io.BytesIO(body),
        "HTTP_TRANSFER_ENCODING": "chunked",
    }


def in_pieces(path, body, content_type, **headers):
    """Send a body in pieces; give the status and the content of the answer."""
    heads = []
    told = environ_of(path, body, content_type, **headers)
    request_started.disconnect(close_old_connections)  # as Django's own client does in tests
    try:
        answer = application(told, lambda status, _: heads.append(status))
        return heads[0], b"".join(answer)
    finally:
        request_started.connect(close_old_connections)
