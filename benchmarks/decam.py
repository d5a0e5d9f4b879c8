"""A real change: five exposures of each of two epochs by DECam, every pair of them.

The change is known (something point-like on an extended source, brighter in the epoch OBS04); all
else that is found is taken to be false, although the sky may hold more.
"""

import argparse
import itertools
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.io import fits
from astropy.wcs import WCS, FITSFixedWarning

from astrid.core.console import progress, stderr, table
from astrid.core.sky import separation_deg
from benchmarks.estimates import wilson
from detection import inference, normalise
from detection.weights import Weights, load
from differencing.extraction.extract import Candidates, extract
from differencing.parameters import DifferenceParameters
from differencing.subtraction.subtract import Difference, subtract
from preprocessing.calibrated import CalibratedFrame
from preprocessing.parameters import PreprocessParameters
from preprocessing.prepare import calibrate

Figures = dict[str, Any]

HELP = (
    "Subtract real exposures of two epochs from each other: the known change must rank first, and "
    "nothing may stand there within an epoch. Takes about half a minute."
)
# 21:12:25.96 -66:00:56.2, where the data's own description puts the change
RA, DEC = 15 * (21 + 12 / 60 + 25.96 / 3600), -(66 + 0 / 60 + 56.2 / 3600)
NEAR_ARCSEC = 1.0
EPOCHS = {epoch: [f"{epoch}{letter}" for letter in "abcde"] for epoch in ("OBS04", "OBS18")}
LEAST_FIRST = 20 / 25
# Flags with which a candidate does not survive: what they name explains it without a change.
FLAGS = ("is_saturated", "is_edge", "is_dipole", "near_bright_star")


@dataclass(frozen=True)
class Result:
    """What one pair shows.

    Attributes
    ----------
    candidates, survivors, believed : int
        All; those that rise without a flag; those of any sign that the network passes.
    near : int
        Candidates of any sign and score at the place of the change.
    rank, network_rank : int or None
        Of the change among the survivors by significance, and by the network among what rises,
        1 being the first; None where it is not among them.
    """

    science: str
    reference: str
    candidates: int
    survivors: int
    believed: int
    near: int
    rank: int | None
    network_rank: int | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with DEC-OBS04a.mini.fits and the others"
    )
    parser.add_argument("--exposures", type=int, default=5, help="of each epoch, 2 to 5 (5)")


def run(options: dict[str, Any]) -> Figures:
    """Subtract all pairs.

    Raises
    ------
    ValueError
        If there are no such files.
    """
    names = {epoch: some[: options["exposures"]] for epoch, some in EPOCHS.items()}
    frames = {name: read(options["data"], name) for some in names.values() for name in some}
    network = load()
    across = list(itertools.product(names["OBS04"], names["OBS18"]))
    within = [pair for some in names.values() for pair in itertools.permutations(some, 2)]
    with progress(quiet=options["json"]) as bars:
        results = [
            try_pair(science, reference, frames, network)
            for science, reference in bars.track(across + within, description="pairs")
        ]
    return figures(results[: len(across)], results[len(across) :], network)


def read(folder: Path, name: str) -> CalibratedFrame:
    """Read one exposure; the files have no sky left in them.

    Raises
    ------
    ValueError
        If it is not there.
    """
    path = folder / f"DEC-{name}.mini.fits"
    if not path.is_file():
        raise ValueError(f"{path} is not there: --data wants the folder of the DECam exposures")
    with fits.open(path) as units, warnings.catch_warnings():
        warnings.simplefilter("ignore", FITSFixedWarning)
        header = units[0].header
        return calibrate(
            units[0].data.astype(np.float32),
            wcs=WCS(header),
            gain=header["GAIN"],
            read_noise=header["RDNOISE"],
            saturation=header["ESATUR"],
            parameters=PreprocessParameters(),
        )


def try_pair(
    science: str, reference: str, frames: dict[str, CalibratedFrame], network: Weights
) -> Result:
    """Subtract one pair and see where the change ranks."""
    parameters = DifferenceParameters()
    pair = frames[science], frames[reference]
    difference = subtract(*pair, parameters)
    found = extract(difference, *pair, threshold=parameters.threshold)
    scores = network_scores(network, pair, difference, found)
    near = np.array([separation_deg(one["ra"], one["dec"], RA, DEC) for one in found]) * 3600
    is_near, is_rising = near < NEAR_ARCSEC, ~found["is_negative"]
    is_flagged = np.any([found[name] for name in FLAGS], axis=0)
    survives = is_rising & ~is_flagged
    return Result(
        science,
        reference,
        candidates=len(found),
        survivors=int(survives.sum()),
        believed=int((scores >= network.card.thresholds["detection"]).sum()),
        near=int(is_near.sum()),
        rank=rank_of(found["significance"], is_near, survives),
        network_rank=rank_of(scores, is_near, is_rising),
    )


def network_scores(
    network: Weights,
    pair: tuple[CalibratedFrame, CalibratedFrame],
    difference: Difference,
    found: Candidates,
) -> npt.NDArray[np.float64]:
    """Give the confidence of the network in each candidate."""
    stack = normalise.channels(
        science=pair[0].pixels,
        reference=pair[1].pixels,
        difference=difference.difference,
        significance=difference.significance,
        mask=difference.mask,
    )
    probability = inference.probability_map(network, stack)
    return inference.score(probability, found["x"], found["y"], network.card.calibration)


def rank_of(
    values: npt.NDArray[np.floating], is_it: npt.NDArray[np.bool_], counts: npt.NDArray[np.bool_]
) -> int | None:
    """Give the place of the largest of ``is_it`` in the order of the values that count."""
    own = values[is_it & counts]
    return int((values[counts] > own.max()).sum()) + 1 if len(own) else None


def figures(across: Sequence[Result], within: Sequence[Result], network: Weights) -> Figures:
    """Give all results and what they come to; plain values, ready for JSON."""
    controls = sum(one.near > 0 for one in within)
    return {
        "network": network.card.name,
        "pairs": [vars(one) for one in across],
        "controls": [vars(one) for one in within],
        "first_by_significance": share([one.rank == 1 for one in across]),
        "first_by_network": share([one.network_rank == 1 for one in across]),
        "in_first_five": share([one.rank is not None and one.rank <= 5 for one in across]),
        "candidates_per_pair": float(np.mean([one.candidates for one in (*across, *within)])),
        "believed_per_control": float(np.mean([one.believed for one in within])),
        "controls_with_a_candidate_there": controls,
        "required": {
            "first_by_significance": bool(
                np.mean([one.rank == 1 for one in across]) >= LEAST_FIRST
            ),
            "nothing_in_controls": controls == 0,
        },
    }


def share(hits: Sequence[bool]) -> Figures:
    """Give a share with its 95 % interval."""
    low, high = wilson(sum(hits), len(hits))
    return {"found": sum(hits), "of": len(hits), "low": low, "high": high}


def show(found: Figures) -> None:
    """Print what the results come to on standard error."""
    rows = [
        [name.replace("_", " "), _share(cell)]
        for name, cell in found.items()
        if isinstance(cell, dict) and "of" in cell
    ]
    rows.append(["controls with a candidate there", _of(found)])
    rows.append(["candidates per pair", f"{found['candidates_per_pair']:.1f}"])
    rows.append(["passed by the network per control", f"{found['believed_per_control']:.1f}"])
    stderr.print(table("The change between two epochs", ["figure", "value"], rows))


def _share(cell: Figures) -> str:
    return f"{cell['found']}/{cell['of']} ({cell['low']:.2f} to {cell['high']:.2f})"


def _of(found: Figures) -> str:
    return f"{found['controls_with_a_candidate_there']}/{len(found['controls'])}"
