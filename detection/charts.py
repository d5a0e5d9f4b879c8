"""Small charts as SVG, drawn on the server: histograms, weeks, calibration curves.

Colours come from the page: a shape has a class (``old``, ``new``, ``limit``), the style sheet
the rest. Every figure that a chart shows stands in a table beside it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH, HEIGHT = 440, 240
LEFT, RIGHT, TOP, BOTTOM = 58, 14, 12, 40


@dataclass(frozen=True)
class Axes:
    """The frame of a chart: both ranges, and the names of both axes."""

    x: tuple[float, float]
    y: tuple[float, float]
    x_name: str
    y_name: str

    def px(self, x: float) -> float:
        """Give the column of a value."""
        low, high = self.x
        return LEFT + (x - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def py(self, y: float) -> float:
        """Give the row of a value."""
        low, high = self.y
        return HEIGHT - BOTTOM - (y - low) / (high - low) * (HEIGHT - TOP - BOTTOM)


@dataclass(frozen=True)
class Point:
    """A measured figure with its interval."""

    x: float
    y: float
    low: float
    high: float


def chart(title: str, axes: Axes, shapes: Iterable[SafeString]) -> SafeString:
    """Put shapes into a frame with five marks on each axis; ``title`` says it in words."""
    return format_html(
        '<svg class="chart" viewBox="0 0 {0} {1}" width="{0}" height="{1}" role="img" '
        'aria-label="{2}">{3}{4}{5}</svg>',
        *(WIDTH, HEIGHT, title, _grid(axes)),
        format_html_join("", "{}", ((shape,) for shape in shapes)),
        _names(axes),
    )


def _grid(axes: Axes) -> SafeString:
    marks = [i / 4 for i in range(5)]
    across = [
        (LEFT, WIDTH - RIGHT, f"{axes.py(y):.1f}", LEFT - 6, f"{y:.2g}")
        for y in (axes.y[0] + part * (axes.y[1] - axes.y[0]) for part in marks)
    ]
    along = [
        (f"{axes.px(x):.1f}", HEIGHT - BOTTOM + 16, f"{x:.3g}")
        for x in (axes.x[0] + part * (axes.x[1] - axes.x[0]) for part in marks)
    ]
    rows = format_html_join(
        "",
        '<line class="grid" x1="{0}" x2="{1}" y1="{2}" y2="{2}"/>'
        '<text x="{3}" y="{2}" text-anchor="end" dominant-baseline="middle">{4}</text>',
        across,
    )
    columns = format_html_join("", '<text x="{}" y="{}" text-anchor="middle">{}</text>', along)
    return format_html("{}{}", rows, columns)


def _names(axes: Axes) -> SafeString:
    middle = TOP + (HEIGHT - TOP - BOTTOM) / 2
    return format_html(
        '<text x="{0}" y="{1}" text-anchor="middle">{2}</text>'
        '<text transform="translate(10 {3}) rotate(-90)" text-anchor="middle">{4}</text>',
        *(LEFT + (WIDTH - LEFT - RIGHT) / 2, HEIGHT - 6, axes.x_name, middle, axes.y_name),
    )


def bars(axes: Axes, values: Sequence[float], css_class: str) -> SafeString:
    """Draw equal bars over the whole range of x."""
    step = (axes.x[1] - axes.x[0]) / max(len(values), 1)
    rows = []
    for i, value in enumerate(values):
        left, right = axes.px(axes.x[0] + i * step), axes.px(axes.x[0] + (i + 1) * step)
        top = axes.py(min(value, axes.y[1]))
        rows.append(
            (css_class, f"{left + 0.5:.1f}", f"{top:.1f}", f"{right - left - 1:.1f}",
             f"{axes.py(axes.y[0]) - top:.1f}")
        )  # fmt: skip
    return format_html_join("", '<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>', rows)


def outline(axes: Axes, values: Sequence[float], css_class: str) -> SafeString:
    """Draw a histogram as a line of steps, to lie over bars."""
    step = (axes.x[1] - axes.x[0]) / max(len(values), 1)
    path = f"M{axes.px(axes.x[0]):.1f} {axes.py(axes.y[0]):.1f}"
    for i, value in enumerate(values):
        path += f"V{axes.py(value):.1f}H{axes.px(axes.x[0] + (i + 1) * step):.1f}"
    return format_html('<path class="{}" d="{}V{}"/>', css_class, path, f"{axes.py(axes.y[0]):.1f}")


def points(axes: Axes, measured: Iterable[Point], css_class: str) -> SafeString:
    """Draw figures as dots with their intervals."""
    rows = [
        (css_class, f"{axes.px(p.x):.1f}", f"{axes.py(p.low):.1f}", f"{axes.py(p.high):.1f}",
         f"{axes.py(p.y):.1f}")
        for p in measured
    ]  # fmt: skip
    return format_html_join(
        "",
        '<line class="{0}" x1="{1}" x2="{1}" y1="{2}" y2="{3}"/>'
        '<circle class="{0}" cx="{1}" cy="{4}" r="3.5"/>',
        rows,
    )


def level(axes: Axes, y: float, css_class: str = "limit") -> SafeString:
    """Draw a limit across the chart."""
    return format_html(
        '<line class="{0}" x1="{1}" x2="{2}" y1="{3}" y2="{3}"/>',
        *(css_class, LEFT, WIDTH - RIGHT, f"{axes.py(y):.1f}"),
    )


def diagonal(axes: Axes) -> SafeString:
    """Draw where both axes say the same."""
    return format_html(
        '<line class="limit" x1="{}" y1="{}" x2="{}" y2="{}"/>',
        *(f"{axes.px(axes.x[0]):.1f}", f"{axes.py(axes.x[0]):.1f}"),
        *(f"{axes.px(axes.x[1]):.1f}", f"{axes.py(axes.x[1]):.1f}"),
    )
