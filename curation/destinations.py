"""Where a webhook may lead: to the internet, not into the network that AstrID stands in.

The name is resolved when the message is sent, and the connection goes to the very address that
was looked at: a name that answers differently a moment later leads nowhere else. Where the
environment names a proxy for HTTP, the proxy decides.
"""

import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from astrid.core.errors import AstridError

Address = IPv4Address | IPv6Address
_NAT64 = ip_network("64:ff9b::/96")  # RFC 6052


class NotPublic(AstridError):
    """A host that is no part of the internet."""


def addresses_for(host: str, port: int) -> list[str]:
    """Give the addresses to connect to, the best first.

    Raises
    ------
    NotPublic
        If the name leads to private, loopback or otherwise special addresses only, and neither
        it nor one of them is in ``WEBHOOK_PRIVATE_HOSTS``.
    OSError
        If the name cannot be resolved.
    """
    found = [
        str(each[4][0]).partition("%")[0]
        for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    ]
    is_named = host.rstrip(".").lower() in {each.lower() for each in settings.WEBHOOK_PRIVATE_HOSTS}
    allowed = [each for each in found if is_named or _may_be_asked(ip_address(each))]
    if not allowed:
        raise NotPublic(
            "it leads into a private network; an operator of this host can name it in "
            "WEBHOOK_PRIVATE_HOSTS"
        )
    return allowed


def _may_be_asked(address: Address) -> bool:
    faces = list(_faces(address))
    return all(is_public(face) for face in faces) or any(
        face in network
        for network in _networks(settings.WEBHOOK_PRIVATE_HOSTS)
        for face in faces
        if face.version == network.version
    )


def is_public(address: Address) -> bool:
    """Say whether an address is one of the internet's."""
    return address.is_global and not address.is_multicast


def _faces(address: Address) -> Iterable[Address]:
    """Give an address, and the one of version 4 that it stands for."""
    yield address
    if isinstance(address, IPv4Address):
        return
    for inner in (address.ipv4_mapped, address.sixtofour, *(address.teredo or ())):
        if inner is not None:
            yield inner
    if address in _NAT64:
        yield IPv4Address(int(address) & 0xFFFFFFFF)


def _networks(names: Iterable[str]) -> Iterable[Any]:
    for name in names:
        try:
            yield ip_network(name, strict=False)
        except ValueError:  # the name of a host
            continue


class _Http(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _connected(self, super()._new_conn)


class _Https(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _connected(self, super()._new_conn)


def _connected(connection: Any, connect: Callable[[], socket.socket]) -> socket.socket:
    # The certificate is for the name, so that is put back before anybody asks for it.
    name = connection._dns_host
    *others, last = addresses_for(name, connection.port)
    try:
        for address in others:
            connection._dns_host = address
            with suppress(OSError, HTTPError):
                return connect()
        connection._dns_host = last
        return connect()
    finally:
        connection._dns_host = name


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


class PublicOnly(HTTPAdapter):
    """Connects to the addresses that :func:`addresses_for` gives."""

    def init_poolmanager(self, *options: Any, **named: Any) -> None:
        """Make pools whose connections look where they lead."""
        super().init_poolmanager(*options, **named)
        pools = {"http": _HttpPool, "https": _HttpsPool}
        manager: PoolManager = self.poolmanager
        manager.pool_classes_by_scheme = pools
