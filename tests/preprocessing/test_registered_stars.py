"""What counts in the end: the stars of a registered frame stand on those of the reference."""

import numpy as np
import pytest
from astropy.wcs import WCS

from preprocessing.astrometry.matching import match_nearest
from preprocessing.astrometry.register import grid_of, positions, stars_of
from preprocessing.parameters import PreprocessParameters
from preprocessing.prepare import onto_grid
from tests.preprocessing.synthetic import expose, scatter_stars, tan_wcs

SHAPE = (360, 400)
PARAMETERS = PreprocessParameters()
SKY = scatter_stars(SHAPE, 80, np.random.default_rng(11))
REFERENCE = expose(SKY, SHAPE, wcs=tan_wcs(SHAPE), seed=1, fwhm=3.2)
GRID = grid_of(REFERENCE, PARAMETERS)


def mirrored(wcs):
    """The same solution of a frame whose columns run the other way."""
    other = wcs.deepcopy()
    other.wcs.crpix = [SHAPE[1] + 1 - wcs.wcs.crpix[0], wcs.wcs.crpix[1]]
    other.wcs.cd = wcs.wcs.cd * [[-1, 1], [-1, 1]]
    other.wcs.set()
    return other


SOLUTIONS = {
    "shifted": tan_wcs(SHAPE, shift=(7.4, -3.7)),
    "upside down": tan_wcs(SHAPE, rotation_deg=180.0),
    "mirrored": mirrored(tan_wcs(SHAPE)),
    "turned": tan_wcs(SHAPE, rotation_deg=33.0),
    "finer pixels": tan_wcs(SHAPE, scale=0.3),
    "coarser pixels": tan_wcs(SHAPE, scale=0.6),
}


@pytest.mark.parametrize("by_wcs", [True, False], ids=["WCS", "patterns"])
@pytest.mark.parametrize("name", SOLUTIONS)
def test_stars_of_a_registered_frame_stand_on_those_of_the_reference(name, by_wcs):
    wcs = SOLUTIONS[name]

    def place(x, y):
        sky = REFERENCE.wcs.all_pix2world(np.column_stack([x, y]), 0)
        return wcs.all_world2pix(sky, 0).T

    pixel = abs(np.linalg.det(wcs.wcs.cd)) ** 0.5 * 3600 / 0.4
    frame = expose(
        SKY, SHAPE, wcs=wcs if by_wcs else WCS(naxis=2), place=place, seed=2, fwhm=3.2 / pixel
    )
    moved, registration = onto_grid(frame, GRID, PARAMETERS)
    assert moved.shape == SHAPE
    stars = stars_of(moved, PARAMETERS)
    first, second = match_nearest(positions(GRID.stars), positions(stars), 2.0)
    off = positions(stars)[second] - positions(GRID.stars)[first]
    # four fifths of those in the part of the field that both frames show
    assert first.size > 0.8 * GRID.stars.size * registration.overlap - 2
    # 0.02 to 0.05 px of both stars, more on coarser pixels; rms of the map is far less
    assert np.sqrt((off**2).mean()) < 0.07 * max(1.0, pixel)
    ratio = stars["flux"][second] / GRID.stars["flux"][first]
    # fluxes in ADU are those of the sky, whatever the pixels
    assert np.median(ratio) == pytest.approx(1.0, abs=0.02)
