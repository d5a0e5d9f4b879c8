"""A simulated night through the whole pipeline: seconds and memory per stage."""

import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

from rich.progress import Progress

from astrid.inprocess import Report, process
from observations.models import ObservationRun
from observations.services import ingest_directory
from observations.simulator import simulate_night
from observations.simulator.night import RULES_FILE

RULES = """\
survey = "{survey}"
description = "Frames of a benchmark; they may be deleted."

[[frames]]
pattern = "field*_ref.fits"
role = "reference"
epoch = "ref"

[[frames]]
pattern = "field*_sci*.fits"
role = "science"
epoch = "sci"
"""


def measure(seed: int, *, fields: int, size: int, bars: Progress) -> dict[str, Any]:
    """Process a night of ``fields`` references and twice as many science frames.

    The frames stay in the database, as a survey of their own. Whatever else is due there is
    processed too, and counted.
    """
    survey = f"Benchmark {uuid.uuid4().hex[:8]}"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        simulate_night(folder, seed=seed, fields=fields, size=size)
        (folder / RULES_FILE).write_text(RULES.format(survey=survey), encoding="utf-8")
        began = time.perf_counter()
        run = ingest_directory(folder)
        ingested = time.perf_counter()
        report = process(bars)
    return figures(run, report, ingested - began, time.perf_counter() - ingested) | {
        "survey": survey,
        "size": size,
    }


def figures(run: ObservationRun, report: Report, ingest_s: float, process_s: float) -> dict:
    """Give what a night cost, as plain values."""
    return {
        "frames": run.new,
        "seconds": {"ingest": ingest_s, **report.seconds},
        "runs": {"ingest": run.new, **report.done},
        "peak_memory_mb": report.peak_memory_mb,
        "process_s": process_s,
        "failed": report.failed,
    }
