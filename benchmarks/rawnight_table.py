"""What the raw night gave, as a table for people and for the documentation."""

from typing import Any

from astrid.core.console import stderr, table
from benchmarks.pages import lines

Figures = dict[str, Any]

LEAST_FOUND = {8.0: 0.60, 12.0: 0.95}
MOST_FALSE = 20
HEADER = ["S/N", "in the difference", "found", "95 %"]


def render(figures: Figures) -> str:
    """Give the figures as Markdown."""
    first, second = figures["frames"]
    seeds = ", ".join(map(str, figures["seeds"]))
    return (
        f"{figures['filter']}, {second} frames (FWHM {figures['fwhm_science_px']:.1f} px) less "
        f"{first} (FWHM {figures['fwhm_reference_px']:.1f} px); "
        f"{figures['levels'][0]['injected']} stars per level, seeds {seeds}; measured on "
        f"{figures['date']}:\n\n{lines([*HEADER, 'asked for'], rows(figures, asked=True))}"
        f"\n\nFalse detections a frame: {figures['false_per_frame']:.1f} (at most {MOST_FALSE})."
    )


def rows(figures: Figures, *, asked: bool = False) -> list[list[str]]:
    """Give a row for each level."""
    return [
        [
            f"{each['snr']:g}",
            f"{each['snr_in_difference']:.1f}",
            f"{each['found']:.0%}",
            f"{each['interval'][0]:.0%} to {each['interval'][1]:.0%}",
            *([wanted(each["snr"])] if asked else []),
        ]
        for each in figures["levels"]
    ]


def wanted(level: float) -> str:
    """Say what share of a level is to be found."""
    least = [share for start, share in LEAST_FOUND.items() if level >= start]
    return f"≥ {least[-1]:.0%}" if least else ""


def show(figures: Figures) -> None:
    """Print the table."""
    stderr.print(table("Raw night", HEADER, rows(figures)))
    stderr.print(f"false detections a frame: {figures['false_per_frame']:.1f}")
