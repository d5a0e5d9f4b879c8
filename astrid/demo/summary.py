"""The figures that a demo ends with."""

from pathlib import Path
from typing import Any

from django.db.models import Count

from astrid.core.console import stderr, table
from astrid.demo.truth import false_positives, recoveries
from astrid.inprocess import Report
from detection.models import Detection, SkyObject
from differencing.models import Candidate, DifferenceRun
from observations.models import Observation, ObservationRun


def summary(run: ObservationRun, report: Report, truth_file: Path | None) -> dict[str, Any]:
    """Count what is in the database for the survey of ``run``, and what this pass took."""
    survey = run.survey
    frames = Observation.objects.filter(survey=survey)
    statuses = frames.values_list("status").annotate(Count("id")).order_by("status")
    counts: dict[str, Any] = {
        "survey": survey.name,
        "frames": frames.count(),
        "frames_by_status": dict(statuses),
        "frames_refused": run.refused,
        "differences": DifferenceRun.objects.filter(
            observation__survey=survey, status="completed"
        ).count(),
        "candidates": Candidate.objects.filter(observation__survey=survey).count(),
        "detections": Detection.objects.believed().filter(observation__survey=survey).count(),
        "sky_objects": SkyObject.objects.filter(detections__observation__survey=survey)
        .distinct()
        .count(),
        "seconds": {name: round(value, 2) for name, value in report.seconds.items()},
        "peak_memory_mb": report.peak_memory_mb,
        "failed": report.failed,
    }
    if truth_file is not None:
        counts["recovered"] = [vars(row) for row in recoveries(truth_file, survey.name)]
        counts["false_positives"] = vars(false_positives(truth_file, survey.name))
    return counts


def show(counts: dict[str, Any]) -> None:
    """Print the summary as tables."""
    kinds = ("frames", "differences", "candidates", "detections", "sky_objects")
    rows = [[name.replace("_", " "), str(counts[name])] for name in kinds]
    stderr.print(table(f"Survey {counts['survey']}", ["what", "how many"], rows))
    if "recovered" in counts:
        _show_recovered(counts["recovered"], counts["false_positives"])
    _show_stages(counts)


def _show_stages(counts: dict[str, Any]) -> None:
    if not counts["seconds"]:
        stderr.print("Nothing was due: every frame had been processed before.")
        return
    stages = [
        [name, f"{seconds:.1f}", f"{counts['peak_memory_mb'][name]:.0f}"]
        for name, seconds in counts["seconds"].items()
    ]
    stderr.print(table("This pass", ["stage", "seconds", "peak MB"], stages))


def _show_recovered(recovered: list[dict[str, Any]], false: dict[str, int]) -> None:
    rows = [
        [
            f"{row['low']:.0f} to {row['high']:.0f}" if row["high"] else f"{row['low']:.0f} up",
            str(row["injected"]),
            str(row["candidates"]),
            str(row["detections"]),
        ]
        for row in recovered
    ]
    rows.append(["false positives", "-", str(false["candidates"]), str(false["detections"])])
    header = ["ideal S/N", "injected", "before the network", "after the network"]
    stderr.print(table("Injected sources found, per frame", header, rows))
