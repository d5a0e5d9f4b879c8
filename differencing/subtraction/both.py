"""What is measured on two frames each by itself: side by side, or not again."""

from collections.abc import Callable
from typing import Any

import numpy as np

from astrid.core.threads import in_threads
from differencing.parameters import DifferenceParameters
from differencing.psf.match import shared_stars
from differencing.psf.model import PsfModel
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
    measure_reference,
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
    threads: int,
) -> Parts:
    """Find the sources of the science frame and, unless that is done, of the reference."""

    def known() -> tuple[Plane, Sources]:
        if isinstance(reference, ReferencePack):
            check_pack(reference, parameters)
            return reference.plane, reference.sources
        return take_apart(reference, FRAMES[1], parameters)

    seen, old = side_by_side(
        lambda: take_apart(science, FRAMES[0], parameters), known, threads=threads
    )
    return seen, old


def measure_both(
    parts: Parts, reference: Reference, parameters: DifferenceParameters, threads: int
) -> tuple[Planes, Models]:
    """Measure both PSFs and mark cosmic rays; a reference that was prepared is ready.

    It is measured again where the science frame shows that it took hits for stars.
    """
    (plane, found), (_, known) = parts
    likely = likely_of_both((found, known), plane.shape, parameters)
    chosen, _ = shared_stars((found, known), likely, radius=parameters.match_radius)

    def mine() -> tuple[Plane, PsfModel]:
        model = measure_psf(plane, found, chosen, parameters, FRAMES[0])
        return without_cosmics(plane, model), model

    def its() -> tuple[Plane, PsfModel]:
        if not isinstance(reference, ReferencePack):
            pack = measure_reference(reference, *parts[1], likely[1], parameters)
        elif np.array_equal(reference.stars, likely[1]):
            pack = reference
        else:
            bare = Plane.of(reference.frame, FRAMES[1])
            pack = measure_reference(reference.frame, bare, known, likely[1], parameters)
        return pack.plane, pack.model

    old, new = side_by_side(its, mine, threads=threads)
    return (new[0], old[0]), (new[1], old[1])


def side_by_side(*works: Callable[[], tuple[Plane, Any]], threads: int) -> list[tuple[Plane, Any]]:
    """Do different things at a time, as far as ``threads`` go."""
    return in_threads(lambda work: work(), works, threads=threads)
