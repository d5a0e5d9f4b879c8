"""The candidates of one image, written by every way."""

from collections.abc import Callable

import numpy as np
from django.db import transaction

from benchmarks import samplerows
from benchmarks.spending import Server, spending
from differencing import services
from differencing.extraction.extract import DTYPE, Candidates
from differencing.models import Candidate, DifferenceRun

NUMBER, SAVED = 10_000, 500
TIMES = 3


def measure(seed: int) -> dict[str, float]:
    """Write candidates; give rows per processor second."""
    run = samplerows.make().difference_run
    found = candidates(np.random.default_rng(seed), NUMBER)
    ways: dict[str, tuple[Callable[[], object], int]] = {
        "save()": (lambda: _save(run, found[:SAVED]), SAVED),
        "bulk_create": (lambda: _insert(run, found), NUMBER),
        "AstrID, binary COPY": (lambda: _copy(run, found), NUMBER),
    }
    server = Server.found()
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(TIMES):
        for name, (write, number) in ways.items():
            with spending(server) as cost:
                write()
            rates[name].append(number / cost.seconds)
    return {name: float(np.median(each)) for name, each in rates.items()}


def candidates(rng: np.random.Generator, number: int) -> Candidates:
    """Draw what an image of many changes gives: the faintest most often, the brightest first."""
    found = np.zeros(number, DTYPE)
    for name in DTYPE.names or ():
        if DTYPE[name].kind == "f":
            found[name] = rng.uniform(0, 1, number)
    found["ra"], found["dec"] = 150 + found["ra"], 2 + found["dec"]
    strength = np.sort(5 * (1 - rng.uniform(0, 1, number)) ** -0.8)[::-1]
    found["significance"] = found["snr"] = strength
    found["flux"] = strength * rng.uniform(20, 30, number)
    found["magnitude"] = 30 - 2.5 * np.log10(found["flux"])
    is_limit = rng.uniform(size=number) < 0.4
    found["magnitude"][is_limit] = found["magnitude_error"][is_limit] = np.nan
    found["upper_limit"][~is_limit] = np.nan
    return found


def _save(run: DifferenceRun, found: Candidates) -> None:
    for row in services.rows_of(run, found, None):
        row.save(force_insert=True)


@transaction.atomic
def _insert(run: DifferenceRun, found: Candidates) -> None:
    Candidate.objects.bulk_create(services.rows_of(run, found, None), batch_size=1000)


@transaction.atomic
def _copy(run: DifferenceRun, found: Candidates) -> None:
    services.write_candidates(run, found, None)
