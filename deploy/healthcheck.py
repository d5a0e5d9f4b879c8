"""Ask the web server of this container whether it is alive; the exit status answers.

The request is one that the settings let pass: for a host that is served, as if it had come through
the proxy that does HTTPS.
"""

import os
import sys
from http.client import HTTPConnection

PORT = 8000
PATH = "/health/live"
TIMEOUT_S = 8.0  # a first request loads the URLs; docker-compose.yml waits 10 s
OK = 200


def served_host(allowed: str) -> str:
    """Give a host name that ALLOWED_HOSTS lets in."""
    first = allowed.split(",")[0].strip().lstrip(".")
    return "localhost" if first in ("", "*") else first


def main() -> None:
    """Ask, and exit."""
    headers = {
        "Host": served_host(os.environ.get("ALLOWED_HOSTS", "")),
        "X-Forwarded-Proto": "https",
    }
    connection = HTTPConnection("127.0.0.1", PORT, timeout=TIMEOUT_S)
    connection.request("GET", PATH, headers=headers)
    status = connection.getresponse().status
    if status != OK:
        sys.exit(f"{PATH} answered {status}")


if __name__ == "__main__":
    main()
