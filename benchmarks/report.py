"""Benchmarks as tables on standard error."""

from collections.abc import Iterator
from typing import Any

from astrid.core.console import stderr, table
from benchmarks.pages import lines
from benchmarks.summary import LARGEST_FLUX_BIAS, LEAST_FOUND, STD_TOLERANCE


def show_dithered(figures: dict[str, Any]) -> None:
    """Print the figures of dithered pairs."""
    stderr.print(table(_title(figures), ["figure", "value"], list(map(list, _rows(figures)))))


def render_dithered(figures: dict[str, Any]) -> str:
    """Give the same as Markdown."""
    return f"{_title(figures)}:\n\n{lines(['figure', 'value'], list(_rows(figures)))}"


def _title(figures: dict[str, Any]) -> str:
    seeds = ", ".join(map(str, figures["seeds"]))
    return f"Dithered pairs of {figures['size']} px, seeds {seeds}, measured on {figures['date']}"


def show_pipeline(figures: dict[str, Any]) -> None:
    """Print the cost of a night."""
    stderr.print(pipeline(figures))


def _rows(figures: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield from _noise_rows(figures)
    yield from _completeness_rows(figures)
    for name, rate in figures["false_per_mpix"].items():
        yield f"false per Mpix, {name.replace('_', ' ')}", f"{rate:.2f}"
    yield from _photometry_rows(figures)
    for clock in ("cpu", "wall"):
        for step, seconds in figures["cost"][f"{clock}_s_per_mpix"].items():
            yield f"{clock} s per Mpix, {step}", f"{seconds:.2f}"
    yield "peak memory, MB", f"{figures['cost']['peak_memory_mb']:.0f}"


def _noise_rows(figures: dict[str, Any]) -> Iterator[tuple[str, str]]:
    noise, wanted = figures["noise"], figures["required"]
    yield (
        f"std of S_corr, blank sky (1 ± {STD_TOLERANCE})",
        f"{noise['std_blank']:.3f} {_mark(wanted['std_blank'])}",
    )
    yield (
        "  lowest, highest pair",
        f"{noise['std_blank_lowest']:.3f}, " + (f"{noise['std_blank_highest']:.3f}"),
    )
    yield "  by the noise maps alone", f"{noise['std_blank_unscaled']:.3f}"
    yield "std of S_corr, on sources", f"{noise['std_source']:.3f}"


def _completeness_rows(figures: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for kind, ranges in figures["completeness"].items():
        for name, cell in ranges.items():
            least = LEAST_FOUND.get(name) if kind == "all" else None
            required = f" (≥ {least:.0%})" if least else ""
            mark = f" {_mark(figures['required'][f'found {name}'])}" if least else ""
            yield f"found, {kind}, S/N {name}{required}", _share(cell) + mark


def _share(cell: dict[str, Any]) -> str:
    if not cell["injected"]:
        return "none injected"
    interval = f"{100 * cell['low']:.0f} to {100 * cell['high']:.0f}"
    return f"{cell['found']}/{cell['injected']} = {cell['share']:.1%} ({interval})"


def _photometry_rows(figures: dict[str, Any]) -> Iterator[tuple[str, str]]:
    photometry = figures["photometry"]
    if not photometry["sources"]:
        return
    bias, error = 100 * photometry["flux_bias"], 100 * photometry["flux_bias_error"]
    yield (
        f"flux bias, S/N > 10 (± {LARGEST_FLUX_BIAS:.0%})",
        f"{bias:+.2f} ± {error:.2f} % {_mark(figures['required']['flux_bias'])}",
    )
    yield "position rms per axis, px, S/N > 10", f"{photometry['position_rms_px']:.3f}"


def _mark(is_reached: bool | None) -> str:
    return {True: "✓", False: "✗", None: "?"}[is_reached]


def pipeline(figures: dict[str, Any]) -> Any:
    """Lay the cost of a night out, one row per stage."""
    rows = [
        [
            stage,
            str(figures["runs"].get(stage, 0)),
            f"{seconds:.1f}",
            f"{figures['peak_memory_mb'].get(stage, float('nan')):.0f}".replace("nan", ""),
        ]
        for stage, seconds in figures["seconds"].items()
    ]
    title = f"{figures['frames']} frames of {figures['size']} px, {len(figures['failed'])} failed"
    return table(title, ["stage", "runs", "seconds", "peak MB"], rows)
