"""The mask of bad pixels that goes with a master: what it shows, and what others showed before."""

from collections.abc import Sequence

import numpy as np

from astrid.core import store
from preprocessing.masks import Bools
from preprocessing.models import CalibrationFrame, CalibrationKind, CalibrationRun
from preprocessing.parameters import PreprocessParameters
from preprocessing.raw.bad_pixels import bad_pixel_mask
from preprocessing.raw.building import Input, find_nonlinear, net_flats
from preprocessing.raw.library import Candidate, Conditions, choose
from preprocessing.raw.master_files import bad_pixels_to_fits, nonlinear_from_fits
from preprocessing.raw.master_store import candidates, load_master
from preprocessing.raw.masters import Master
from preprocessing.raw.reduction import Masters


def bad_pixels_of(
    conditions: Conditions,
    made: Master,
    inputs: Sequence[Input],
    masters: Masters,
    parameters: PreprocessParameters,
) -> tuple[bytes, dict[str, float]]:
    """Give the file of what this master and those that hold with it show to be bad.

    Only raw flats tell which pixels are not linear: what those of every flat that holds have
    shown is kept, whatever master this is.
    """
    setup = [each for each in candidates(conditions) if each.holds_at(conditions.observed_at)]
    flats = [load_master(each) for each in _newest_flats(setup)]
    dark, shown = made if made.kind != "flat" else masters.dark or masters.bias, None
    if made.kind == "flat":
        flats = [made, *flats]
        shown = find_nonlinear(dark, flats, net_flats(inputs, masters)[0])
    elif made.kind == "bias":
        longest = choose(conditions, setup, parameters, needs_flat=False).dark
        dark = load_master(longest) if longest else made
    known = [*_nonlinear_in(setup), *([] if shown is None else [shown])]
    nonlinear = np.logical_or.reduce(known) if known else None
    bad, counts = bad_pixel_mask(dark=dark, flats=flats, nonlinear=nonlinear)
    return bad_pixels_to_fits(bad, counts, nonlinear=shown), counts


def _nonlinear_in(setup: Sequence[Candidate]) -> list[Bools]:
    """Give what the raw frames of each flat showed to be not linear, as its run stored it."""
    flats = [each.key for each in setup if each.kind == "flat"]
    own = CalibrationRun.objects.filter(
        frames__kind=CalibrationKind.FLAT, frames__file_path__in=flats
    )
    masks = CalibrationFrame.objects.filter(kind=CalibrationKind.BAD_PIXEL_MASK, run__in=own)
    return [nonlinear_from_fits(store.get(mask.file_path)) for mask in masks]


def _newest_flats(setup: Sequence[Candidate]) -> list[Candidate]:
    flats = sorted(
        (each for each in setup if each.kind == "flat"), key=lambda c: c.conditions.observed_at
    )
    return list({each.conditions.filter_band: each for each in flats}.values())
