"""Both servers with the same rows: they are built once for all tests of this folder."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
import pyvo
import requests
from django.db import transaction

from catalog import config
from catalog.vo import uws
from tests.catalog.vo.peer import dachs
from tests.catalog.vo.peer.rows import make_rows, tables
from tests.catalog.vo.wire import ROOT, session_of


@dataclass(frozen=True)
class Server:
    """The addresses of one server, and how it is asked."""

    name: str
    scs: str
    sia: str
    tap: str
    session: requests.Session

    @property
    def tables(self):
        """Ask its tables."""
        return pyvo.dal.TAPService(self.tap, session=self.session)

    @property
    def cones(self):
        """Ask its cone search."""
        return pyvo.dal.SCSService(self.scs, session=self.session)

    def images(self):
        """Ask its image search."""
        return pyvo.dal.SIA2Service(self.sia, session=self.session)


@pytest.fixture(scope="session")
def folder():
    """Give a folder that another account can be given, as those of pytest cannot."""
    made = Path(tempfile.mkdtemp(prefix="dachs-"))
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="session")
def both(request, django_db_setup, django_db_blocker, folder):
    """Give AstrID and its peer, holding the same rows."""
    if not request.config.getoption("peer_vo"):
        pytest.skip("builds a server of another program: make peer-vo")
    if reason := dachs.missing():
        pytest.skip(reason)
    with django_db_blocker.unblock(), transaction.atomic():
        make_rows()
        config.put("vo", {"anonymous_access": "everything"})
        with dachs.serving(folder, tables()) as peer, requests.Session() as session:
            yield _ours(), _theirs(peer.url, session)
        transaction.set_rollback(True)


def _ours():
    vo = f"{ROOT}/vo"
    return Server("astrid", f"{vo}/scs", f"{vo}/sia2", f"{vo}/tap", session_of())


def _theirs(url, session):
    sitewide = f"{url}/__system__/siap2/sitewide"
    return Server("dachs", f"{url}/astrid/q/cone/scs.xml", sitewide, f"{url}/tap", session)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    """Let a queued query be answered by no other process."""
    monkeypatch.setattr(uws, "nudge", lambda name, key: uws.run(key))
