"""Bodies that come in pieces, put together before Django sees them.

TOPCAT and other programs send what they do not know the length of with ``Transfer-Encoding:
chunked`` (RFC 9112, section 7.1). The web server joins the pieces, but Django reads nothing of
which nobody says how long it is.
"""

import shutil
from collections.abc import Callable, Iterable
from tempfile import SpooledTemporaryFile
from typing import Any

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]

MOST_BYTES = 2**28 + 2**16  # the longest that any door takes, and what a form adds
IN_MEMORY_BYTES = 2**20  # beyond, the body lies in a file
REFUSED = b"The body is longer than the %d bytes that are read in pieces." % MOST_BYTES


def whole_bodies(application: Application) -> Application:
    """Let an application read bodies that come in pieces; the doors have limits of their own."""

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if not _is_in_pieces(environ):
            return application(environ, start_response)
        with SpooledTemporaryFile(IN_MEMORY_BYTES) as body:
            shutil.copyfileobj(_Bounded(environ["wsgi.input"]), body)
            length = body.tell()
            if length > MOST_BYTES:
                start_response("413 Content Too Large", [("Content-Type", "text/plain")])
                return [REFUSED]
            body.seek(0)
            whole = environ | {"wsgi.input": body, "CONTENT_LENGTH": str(length)}
            return application(whole, start_response)

    return answer


def _is_in_pieces(environ: dict[str, Any]) -> bool:
    is_chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
    # A server that does not say where the pieces end cannot be read to its end.
    return (
        is_chunked
        and not environ.get("CONTENT_LENGTH")
        and bool(environ.get("wsgi.input_terminated"))
    )


class _Bounded:
    """Reads a stream until it ends or is known to be too long."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.left = MOST_BYTES + 1

    def read(self, number: int = 2**16, /) -> bytes:
        """Read some bytes; none at the end."""
        some: bytes = self.stream.read(min(number, self.left))
        self.left -= len(some)
        return some
