"""What is measured on two frames each by itself, or not again."""

from functools import partial

import numpy as np

from astrid.core.threads import in_threads
from differencing.parameters import DifferenceParameters
from differencing.psf.match import shared_stars
from differencing.psf.stars import Sources
from differencing.subtraction.measure import (
    FRAMES,
    Models,
    Planes,
    likely_of_both,
    measure_psf,
)
from differencing.subtraction.pack import (
    ReferencePack,
    check_pack,
    take_apart,
    without_cosmics,
)
from differencing.subtraction.prepare import Plane
from preprocessing.calibrated import CalibratedFrame

Reference = CalibratedFrame | ReferencePack
Parts = tuple[tuple[Plane, Sources], tuple[Plane, Sources]]  # science first


def take_both_apart(
    science: CalibratedFrame,
    reference: Reference,
    parameters: DifferenceParameters,
) -> Parts:
    """Find the sources of the science frame and, unless that is done, of the reference."""
    seen = take_apart(science, FRAMES[0], parameters)
    if isinstance(reference, ReferencePack):
        check_pack(reference, parameters)
        return seen, (reference.plane, reference.sources)
    return seen, take_apart(reference, FRAMES[1], parameters)


def measure_both(
    parts: Parts, reference: Reference, parameters: DifferenceParameters, threads: int
) -> tuple[Planes, Models]:
    """Measure both PSFs and mark cosmic rays; a reference that was prepared is ready.

    It is measured again where the science frame shows that it took hits for stars.
    """
    (plane, found), (bare, known) = parts
    likely = likely_of_both((found, known), plane.shape, parameters)
    chosen, _ = shared_stars((found, known), likely, radius=parameters.match_radius)
    mine = partial(measure_psf, plane, found, chosen, parameters, FRAMES[0])
    if isinstance(reference, ReferencePack):
        if np.array_equal(reference.stars, likely[1]):
            model = mine()
            return (without_cosmics(plane, model), reference.plane), (model, reference.model)
        bare = Plane.of(reference.frame, FRAMES[1])
    other, model = measure_psf(bare, known, likely[1], parameters, FRAMES[1]), mine()
    # only that is work on enough pixels at a time for threads
    clean, old = in_threads(
        lambda pair: without_cosmics(*pair), ((plane, model), (bare, other)), threads=threads
    )
    return (clean, old), (model, other)
