"""What the admin shows of a subtraction beside its fields: pictures, and algorithms compared."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from astrid.core import store
from astrid.core.errors import MissingFile
from astrid.core.models import RunStatus
from differencing import comparison
from differencing.models import DifferenceRun
from differencing.parameters import Algorithm

# The address holds the hash of the content: what was fetched once is never asked for again.
FOREVER = "private, max-age=31536000, immutable"
FRAMES, PANELS = ("science", "reference"), ("difference", "significance")
MOST_SOURCES = 200

# label, path in the figures of a run, decimals
FIGURES = (
    ("Std of S_corr in blank sky, before scaling", ("quality", "noise_scale"), 4),
    ("Error of the PSFs' ratio, share of their width", ("quality", "model_error"), 4),
    ("Scatter of places, px per axis", ("quality", "sigma_ast"), 3),
    ("Flux ratio", ("quality", "flux_ratio"), 4),
    ("FWHM, science, px", ("quality", "fwhm_science"), 2),
    ("FWHM, reference, px", ("quality", "fwhm_reference"), 2),
    ("Stars in the kernel", ("quality", "n_kernel_stars"), 0),
    ("CPU, s", ("cpu_seconds",), 2),
    ("Subtraction, s", ("seconds", "subtract"), 2),
    ("Peak memory, MB", ("peak_memory_mb",), 0),
)


@dataclass(frozen=True)
class Column:
    """One algorithm of a comparison."""

    run: DifferenceRun
    pictures: list[tuple[str, str]]  # panel and address


def address_of(run: DifferenceRun, name: str) -> str:
    """Give the address of a picture of ``run``; empty where there is none."""
    stored = run.pictures.get(name)
    if not stored:
        return ""
    version = stored.rpartition("/")[2]
    return reverse("admin:differencing_differencerun_picture", args=[run.pk, name, version])


def picture(_request: HttpRequest, key: UUID, name: str, version: str) -> HttpResponse:
    """Stream a picture; 404 where it is gone or another version is asked for."""
    run = get_object_or_404(DifferenceRun, pk=key)
    stored = run.pictures.get(name, "")
    if stored.rpartition("/")[2] != version:
        raise Http404(f"{run} has no such picture; reload the page that shows it")
    try:
        content = store.get(stored)
    except MissingFile as error:
        raise Http404(str(error)) from error
    return HttpResponse(content, content_type="image/png", headers={"Cache-Control": FOREVER})


def compared(run: DifferenceRun) -> dict[str, Any]:
    """Give what the page that compares the algorithms of a pair shows."""
    runs = comparison.completed(run)
    sources = comparison.matched(runs)
    done = {one.algorithm for one in runs}
    others = comparison.runs_of(run).exclude(status=RunStatus.COMPLETED)
    latest = {one.algorithm: one for one in others if one.algorithm not in done}
    open_to = {name for name, one in latest.items() if one.status == RunStatus.FAILED}
    return {
        "columns": [Column(one, _addresses(one, PANELS)) for one in runs],
        "frames": _addresses(runs[0], FRAMES) if runs else [],
        "panels": PANELS,
        "figures": list(_figures(runs)),
        "sources": sources,
        "shown": sources[:MOST_SOURCES],
        "everywhere": sum(one.is_everywhere for one in sources),
        "same_px": comparison.SAME_PX,
        "waiting": list(latest.values()),
        "missing": [
            each.value
            for each in Algorithm
            if each.value not in done and (each.value not in latest or each.value in open_to)
        ],
    }


def _addresses(run: DifferenceRun, names: tuple[str, ...]) -> list[tuple[str, str]]:
    found = ((name, address_of(run, name)) for name in names)
    return [(name, address) for name, address in found if address]


def _figures(runs: list[DifferenceRun]) -> Iterator[tuple[str, list[str]]]:
    """Give a label with the figure of each run; a figure that no run has is left out."""
    yield "Candidates", [str(run.candidates_found) for run in runs]
    for label, path, decimals in FIGURES:
        values = [_figure(run.figures, path) for run in runs]
        if any(value is not None for value in values):
            yield label, ["-" if value is None else f"{value:.{decimals}f}" for value in values]


def _figure(figures: Any, path: tuple[str, ...]) -> float | None:
    """Follow ``path`` into nested figures."""
    for name in path:
        figures = figures.get(name) if isinstance(figures, dict) else None
    return None if figures is None else float(figures)
