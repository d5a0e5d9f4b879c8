"""Why a difference of two files is not to be trusted: what they are, and what was assumed."""

from collections.abc import Iterable, Sequence

from differencing.origin import has_exposure
from observations.fits_header import UNKNOWN_FILTER
from preprocessing.exposure import Exposure
from preprocessing.photometry.bands import band_name


def refuse_quality(reasons: Sequence[str]) -> None:
    """Refuse frames that are too poor to be subtracted.

    Raises
    ------
    ValueError
        With every reason, if there is one.
    """
    if reasons:
        raise ValueError(
            f"{'; '.join(reasons)}: mend the frame or its header (a wrong gain shows in the "
            "noise), or subtract it all the same with --accept-quality"
        )


def check_filters(science: Exposure, reference: Exposure) -> None:
    """Refuse frames of two bands, where both are known.

    Raises
    ------
    ValueError
        With both names.
    """
    bands = [band_name(frame.filter_band) for frame in (science, reference)]
    if UNKNOWN_FILTER not in bands and bands[0] != bands[1]:
        raise ValueError(
            f"{science.name} was taken through filter {science.filter_band}, {reference.name} "
            f"through {reference.filter_band}: what differs is the colour of the stars; take a "
            "reference of the same band, or subtract all the same with --any-filter"
        )


def assumptions(frames: Iterable[Exposure], *, exposure_s: float | None) -> list[str]:
    """Say what neither headers nor the user told, and what stands in for it.

    Parameters
    ----------
    frames : iterable of Exposure
        As they were read.
    exposure_s : float or None
        What the user stated.
    """
    said = []
    for frame in frames:
        if frame.filter_band == UNKNOWN_FILTER:
            said.append(f"{frame.name} states no filter: it was not compared (--filter names it)")
        if not has_exposure(frame, exposure_s):
            said.append(
                f"{frame.name} states no exposure time: {frame.exposure_s:g} s is assumed "
                "(--exposure states it)"
            )
    return said
