"""pyvo on a server of its own, over the network of this machine."""

import pytest
import pyvo
import requests
from pyvo.dal.adhoc import DatalinkResults

from catalog import config
from catalog.vo import uws
from catalog.vo.models import TapJob
from tests.catalog.vo.images import make_found


@pytest.mark.django_db(transaction=True)
def test_pyvo_accepts_every_service_of_a_live_server(live_server, monkeypatch):
    monkeypatch.setattr(uws, "nudge", lambda name, key: uws.run(key))  # a worker at once
    config.put("vo", {"anonymous_access": "everything"})
    found, _ = make_found()
    url = f"{live_server.url}/vo"
    # closed at the end, or the server would hold its connections to the database
    with requests.Session() as session:
        for name in ("scs", "scs/detections"):
            rows = pyvo.dal.SCSService(f"{url}/{name}", session=session).search(
                pos=(found.ra, found.dec), radius=0.01
            )
            assert len(rows) == 1
        images = pyvo.dal.SIA2Service(f"{url}/sia2", session=session).search(
            pos=(found.ra, found.dec, 0.01)
        )
        assert {row["dataproduct_subtype"] for row in images} == {"frame", "difference", "cutout"}
        links = DatalinkResults.from_result_url(
            f"{url}/datalink/links?ID={found.pk}", session=session
        )
        assert links[0]["content_qualifier"] == "cutout"
        tap = pyvo.dal.TAPService(f"{url}/tap", session=session)
        query = "SELECT detection_id FROM astrid.detections"
        assert tap.run_sync(query)[0]["detection_id"] == str(found.pk)
        assert tap.run_async(query)[0]["detection_id"] == str(found.pk)
    assert not TapJob.objects.exists()  # pyvo removes what it has fetched
