"""The ways to subtract a reference, behind one call: the same frames in, a Difference out."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from differencing.kernels.classic import subtract_classic
from differencing.kernels.hotpants import subtract_hotpants
from differencing.parameters import Algorithm, DifferenceParameters
from differencing.subtraction.both import Reference
from differencing.subtraction.subtract import Difference, subtract
from preprocessing.calibrated import CalibratedFrame

Subtraction = Callable[..., Difference]

ALGORITHMS: Mapping[Algorithm, Subtraction] = {
    Algorithm.ZOGY: subtract,
    Algorithm.CLASSIC: subtract_classic,
    Algorithm.HOTPANTS: subtract_hotpants,
}


def subtract_with(
    science: CalibratedFrame,
    reference: Reference,
    parameters: DifferenceParameters,
    *,
    threads: int = 1,
) -> Difference:
    """Subtract ``reference`` from ``science`` by the algorithm that ``parameters`` name.

    All algorithms take the same frames and masks and give the same images in science ADU:
    difference, significance, flux with its error, mask, PSF and figures. The zero point is that of
    the science frame.

    Raises
    ------
    ValueError
        If the frames cannot be subtracted, or the program that does it is not installed.
    """
    make = ALGORITHMS[parameters.algorithm]
    difference = make(science, reference, parameters, threads=threads)
    return replace(difference, zero_point=science.zero_point)
