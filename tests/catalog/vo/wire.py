"""A requests session that asks the site in this process, inside the test's transaction."""

import io

import requests
from django.test import Client
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

from catalog.access import keys

ROOT = "http://localhost"


class _InProcess(BaseAdapter):
    def send(self, request, **options):
        """Answer a request by the test client."""
        kind = request.headers.get("Content-Type", "")
        headers = {f"HTTP_{k.upper().replace('-', '_')}": v for k, v in request.headers.items()}
        body = request.body or b""
        found = Client(SERVER_NAME="localhost").generic(
            request.method,
            request.path_url,
            body.encode() if isinstance(body, str) else body,
            content_type=kind or "application/x-www-form-urlencoded",
            **headers,
        )
        content = b"".join(found.streaming_content) if found.streaming else found.content
        raw = HTTPResponse(
            io.BytesIO(content), dict(found.headers), found.status_code, preload_content=False
        )
        response = requests.Response()
        response.status_code, response.raw, response.url = found.status_code, raw, request.url
        response.headers.update(found.headers)
        response.request = request
        return response

    def close(self):
        """Nothing is held."""


def session_of(user=None):
    """Give a session, signed in as a user."""
    session = requests.Session()
    session.mount(ROOT, _InProcess())
    if user is not None:
        session.headers["Authorization"] = f"Token {keys.sign_in(user)[1]}"
    return session
