"""The embedded Valkey: its settings and command line."""

import signal

from astrid.embedded.binaries import Binaries
from astrid.embedded.places import Places
from astrid.embedded.server import Server
from astrid.embedded.wire import ping_valkey

SETTINGS = {
    "port": "0",  # no TCP
    "unixsocketperm": "700",
    "appendonly": "yes",  # what was queued before a stop is there after the next start
    "save": "",  # the append-only file is enough
    "maxmemory-policy": "noeviction",  # a broker must never drop a message
    "daemonize": "no",
    "logfile": "",
}


def make_valkey(places: Places, binaries: Binaries) -> Server:
    """Give the server."""
    socket = places.valkey_socket
    settings = {**SETTINGS, "dir": str(places.valkey), "unixsocket": str(socket)}
    options = [word for name, value in settings.items() for word in (f"--{name}", value)]
    command = [str(binaries.valkey), *options]
    log = places.logs / "valkey.log"
    return Server("Valkey", command, log, signal.SIGTERM, lambda: ping_valkey(socket))
