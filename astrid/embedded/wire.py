"""Just enough of both servers' protocols to see that they answer and to make the database.

Trust authentication over a Unix socket in a private folder: no password is ever asked for.

References
----------
PostgreSQL 18 documentation, 54.7 "Message Formats"; RESP protocol, redis.io/topics/protocol.
"""

import socket
import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

PROTOCOL_3_0 = 196608
UNKNOWN_DATABASE = "3D000"
TIMEOUT_S = 10.0


class PostgresRefused(Exception):
    """The server answered with an error; ``code`` is its SQLSTATE."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def ask_postgres(path: Path, database: str, statement: str = "") -> None:
    """Sign in to ``database`` through the socket at ``path`` and run one statement.

    Raises
    ------
    PostgresRefused
        If the server refuses, for instance because it is still starting.
    OSError
        If nobody listens.
    """
    with closing(_connect(path)) as connection:
        connection.sendall(_startup_message(database))
        _read_until_idle(connection)
        if statement:
            connection.sendall(_message(b"Q", statement.encode() + b"\0"))
            _read_until_idle(connection)
        connection.sendall(_message(b"X", b""))


def ping_valkey(path: Path) -> bool:
    """Tell whether the server at ``path`` answers; False while it still loads its data.

    Raises
    ------
    OSError
        If nobody listens.
    """
    with closing(_connect(path)) as connection:
        connection.sendall(b"PING\r\n")
        return connection.recv(64).startswith(b"+PONG")


def _connect(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(TIMEOUT_S)
    try:
        connection.connect(str(path))
    except OSError:
        connection.close()
        raise
    return connection


def _message(kind: bytes, payload: bytes) -> bytes:
    return kind + struct.pack("!I", len(payload) + 4) + payload


def _startup_message(database: str) -> bytes:
    words = ["user", "postgres", "database", database, "application_name", "astrid keeper"]
    parameters = b"".join(word.encode() + b"\0" for word in words) + b"\0"
    return _message(b"", struct.pack("!I", PROTOCOL_3_0) + parameters)


def _read_until_idle(connection: socket.socket) -> None:
    for kind, payload in _messages(connection):
        if kind == b"E":
            raise _refusal(payload)
        if kind == b"Z":
            return


def _messages(connection: socket.socket) -> Iterator[tuple[bytes, bytes]]:
    while True:
        kind, length = struct.unpack("!cI", _read(connection, 5))
        yield kind, _read(connection, length - 4)


def _read(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise ConnectionResetError("PostgreSQL closed the connection")
        data += part
    return data


def _refusal(payload: bytes) -> PostgresRefused:
    fields = {part[:1]: part[1:].decode(errors="replace") for part in payload.split(b"\0") if part}
    return PostgresRefused(fields.get(b"C", ""), fields.get(b"M", "no reason given"))
