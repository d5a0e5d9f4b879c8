"""Documents of AstrID, by the schemas of the IVOA that the peer brings along."""

import os
import subprocess

import pytest

from catalog.vo.models import TapJob
from tests.catalog.vo.wire import ROOT, session_of

pytestmark = pytest.mark.django_db
ALL = "SELECT TOP 3 * FROM ivoa.ObsCore"
# Run by the Python that the packages of the peer belong to.
_JUDGE = """
import sys
from gavo.helpers import testtricks
print(testtricks.getXSDErrors(sys.stdin.buffer.read()) or "valid")
"""


@pytest.fixture
def judge(both, folder):
    """Give what says whether a document is valid, or why it is not."""

    def ask(content):
        own = {"GAVOSETTINGS": str(folder / "gavorc"), "HOME": str(folder), "PATH": os.defpath}
        done = subprocess.run(  # noqa: S603
            ["/usr/bin/python3", "-W", "ignore", "-c", _JUDGE],
            input=content, capture_output=True, check=True, env=own,
        )  # fmt: skip
        return done.stdout.decode().strip().splitlines()[-1]

    return ask


def test_every_document_is_valid(judge):
    session = session_of()
    given = {"QUERY": ALL, "LANG": "ADQL", "PHASE": "RUN", "RUNID": "mine"}
    for query in (ALL, "SELECT"):
        session.post(f"{ROOT}/vo/tap/async", data={**given, "QUERY": query})
    jobs = [f"tap/async/{each.pk}" for each in TapJob.objects.order_by("pk")]
    first = "SELECT TOP 1 obs_publisher_did FROM ivoa.obscore"
    asked = {**given, "QUERY": first, "RESPONSEFORMAT": "json"}
    image = session.post(f"{ROOT}/vo/tap/sync", data=asked).json()["rows"][0][0]
    addresses = [
        *(f"{name}/capabilities" for name in ("tap", "scs", "sia2", "datalink", "soda")),
        "tap/availability", "tap/tables", "tap/tables/astrid.objects", "tap/async", *jobs,
        *(f"{jobs[0]}/{part}" for part in ("parameters", "results", "results/result")),
        f"{jobs[1]}/error", "sia2?MAXREC=3", "scs?RA=0&DEC=0&SR=1", "scs?RA=0&DEC=0&SR=0",
        f"datalink/links?ID={image.replace('?', '%3F')}",
        "datalink/links?ID=x", "scs", "sia2?POS=x",
    ]  # fmt: skip
    judged = {each: judge(session.get(f"{ROOT}/vo/{each}").content) for each in addresses}
    assert set(judged.values()) == {"valid"}, judged


def test_a_document_that_is_wrong_is_called_so(judge):
    content = b'<job xmlns="http://www.ivoa.net/xml/UWS/v1.0"><phase>RUN</phase></job>'
    assert judge(content) != "valid"
