"""Fluxes at given places of a difference that is stored."""

import numpy as np
import pytest

from astrid.core.errors import BadImage
from differencing.extraction.forced import names_of
from differencing.models import DifferenceRun
from differencing.services import forced_photometry
from tests.factories import make_difference_run
from tests.pipeline.work import work

pytestmark = pytest.mark.django_db


def test_forced_fluxes_of_a_stored_difference_are_those_of_its_candidates(
    camera, reference, science
):
    camera(reference, science)
    work()
    run = DifferenceRun.objects.get()
    strong = list(run.candidates.filter(significance__gt=10, is_edge=False, mask_bits=0))
    assert len(strong) >= 3
    assert any(one.magnitude for one in strong)
    places = np.array([(one.ra, one.dec) for one in strong])
    found = forced_photometry(run, *places.T)
    for one, forced in zip(strong, found, strict=True):
        # a candidate's flux is read off a parabola through the peak: 1 % of it
        assert forced["flux"] == pytest.approx(one.flux, abs=0.3 * one.flux_error, rel=0.01)
        if one.flux > 0:
            # 1 % of the flux, or 0.3 of its error where that is more, in magnitudes
            apart = max(0.011, 0.33 * one.magnitude_error)
            assert forced["magnitude"] == pytest.approx(one.magnitude, abs=apart)
        assert forced["x"] == pytest.approx(one.pixel_x, abs=1e-3)


def test_a_place_far_outside_has_no_flux_but_a_reason(camera, reference, science):
    camera(reference, science)
    work()
    found = forced_photometry(DifferenceRun.objects.get(), np.array([10.0]), np.array([-80.0]))
    assert np.isnan(found["flux"][0])
    assert names_of(int(found["mask_bits"][0])) == "NO_DATA, EDGE"


def test_a_difference_that_is_not_there_has_no_fluxes():
    run = make_difference_run(status="failed")
    with pytest.raises(BadImage, match="is failed: only a completed difference holds fluxes"):
        forced_photometry(run, np.array([150.0]), np.array([2.0]))
