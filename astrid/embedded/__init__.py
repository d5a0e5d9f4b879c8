"""The embedded default: PostgreSQL and Valkey from wheels, under the state folder.

Nothing here imports Django: ``manage.py`` and the test runner need the servers before it starts.
Reading an address is pure and starts nothing; :func:`services` starts, keeps and stops.
"""

from astrid.embedded.client import hold, services, unset_services
from astrid.embedded.errors import EmbeddedError
from astrid.embedded.places import (
    Places,
    broker_url,
    cache_url,
    database_url,
    redis_url,
    state_folder,
)
from astrid.embedded.secret import secret_key

__all__ = [
    "EmbeddedError",
    "Places",
    "broker_url",
    "cache_url",
    "database_url",
    "hold",
    "redis_url",
    "secret_key",
    "services",
    "state_folder",
    "unset_services",
]
