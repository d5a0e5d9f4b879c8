"""Benchmarks as tables on standard error."""

from collections.abc import Iterator
from typing import Any

from astrid.core.console import stderr, table
from benchmarks.summary import LARGEST_FLUX_BIAS, LEAST_FOUND, STD_TOLERANCE

Row = list[str]


def show(name: str, figures: dict[str, Any]) -> None:
    """Print the table of one benchmark."""
    stderr.print({"difference": difference, "pipeline": pipeline}[name](figures))


def difference(figures: dict[str, Any]) -> Any:
    """Lay the figures of the difference out, one column per variant."""
    variants = {name: value for name, value in figures.items() if isinstance(value, dict)}
    columns = [dict(_rows(value)) for value in variants.values()]
    labels = list(dict.fromkeys(label for column in columns for label in column))
    rows = [[label, *(column.get(label, "") for column in columns)] for label in labels]
    title = f"Difference of {figures['size']} px pairs, seeds {figures['seeds']}"
    return table(title, ["figure", *(name.replace("_", " ") for name in variants)], rows)


def _rows(variant: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield from _noise_rows(variant)
    yield from _completeness_rows(variant)
    for name, rate in variant["false_per_mpix"].items():
        yield f"false per Mpix, {name.replace('_', ' ')}", f"{rate:.2f}"
    yield from _photometry_rows(variant)
    for clock in ("cpu", "wall"):
        for step, seconds in variant["cost"][f"{clock}_s_per_mpix"].items():
            yield f"{clock} s per Mpix, {step}", f"{seconds:.2f}"
    yield "peak memory, MB", f"{variant['cost']['peak_memory_mb']:.0f}"


def _noise_rows(variant: dict[str, Any]) -> Iterator[tuple[str, str]]:
    noise, wanted = variant["noise"], variant["required"]
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


def _completeness_rows(variant: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for kind, ranges in variant["completeness"].items():
        for name, cell in ranges.items():
            least = LEAST_FOUND.get(name) if kind == "all" else None
            required = f" (≥ {least:.0%})" if least else ""
            mark = f" {_mark(variant['required'][f'found {name}'])}" if least else ""
            yield f"found, {kind}, S/N {name}{required}", _share(cell) + mark


def _share(cell: dict[str, Any]) -> str:
    if not cell["injected"]:
        return "none injected"
    interval = f"{100 * cell['low']:.0f} to {100 * cell['high']:.0f}"
    return f"{cell['found']}/{cell['injected']} = {cell['share']:.1%} ({interval})"


def _photometry_rows(variant: dict[str, Any]) -> Iterator[tuple[str, str]]:
    photometry = variant["photometry"]
    if not photometry["sources"]:
        return
    bias, error = 100 * photometry["flux_bias"], 100 * photometry["flux_bias_error"]
    yield (
        f"flux bias, S/N > 10 (± {LARGEST_FLUX_BIAS:.0%})",
        f"{bias:+.2f} ± {error:.2f} % {_mark(variant['required']['flux_bias'])}",
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
