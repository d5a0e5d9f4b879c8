"""Brightness is written as people read it, and a row has a magnitude or a limit."""

import pytest
from django.db import IntegrityError

from astrid.core.brightness import in_words
from tests.factories import make_candidate, make_detection

NOTHING = {
    "magnitude": None, "magnitude_error": None, "upper_limit": None, "photometric_system": "",
}  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "words"),
    [({}, ""),
     ({"magnitude": 19.3214, "magnitude_error": 0.0512, "photometric_system": "AB"},
      "19.321 ± 0.051 AB"),
     ({"magnitude": 19.3214}, "19.321"),
     ({"upper_limit": 21.306, "photometric_system": "Vega"}, "> 21.31 Vega")],
)  # fmt: skip
def test_brightness_is_a_magnitude_with_its_error_or_a_limit(facts, words):
    assert in_words({**NOTHING, **facts}) == words


@pytest.mark.django_db
def test_no_row_has_both_a_magnitude_and_a_limit():
    with pytest.raises(IntegrityError, match="candidate_magnitude_or_limit"):
        make_candidate(magnitude=19.0, upper_limit=20.0)


@pytest.mark.django_db
def test_the_pages_of_a_detection_show_its_magnitude(admin_client):
    found = make_candidate(magnitude=19.3214, magnitude_error=0.0512, photometric_system="AB")
    detection = make_detection(candidate=found)
    page = admin_client.get(f"/console/detections/{detection.pk}/")
    assert "19.321 ± 0.051 AB" in page.content.decode()
    assert "19.321 ± 0.051 AB" in admin_client.get("/admin/detection/detection/").content.decode()
    candidates = admin_client.get("/admin/differencing/candidate/")
    assert "19.321 ± 0.051 AB" in candidates.content.decode()
