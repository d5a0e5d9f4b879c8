"""A light curve at a glance: one small SVG, drawn on the server."""

from typing import Any

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.floating[Any]]

_LARGEST = 10.0  # of a dot, px
_APART = 2.0  # between dots, in their diameters


def sparkline(values: Values, *, width: int = 480, height: int = 80) -> str:
    """Draw values against their index as an SVG image.

    Each column of pixels shows the span of its values, so that a long curve needs no more
    points than the image is wide and no outlier is lost. Gaps are where a column has no finite
    value. Few values are drawn as dots, which are the larger the fewer they are.

    Raises
    ------
    ValueError
        If ``values`` is not one-dimensional.
    """
    if values.ndim != 1:
        raise ValueError(f"values has shape {values.shape}; it must have one axis")
    low, high = column_spans(values.astype(np.float64), width)
    drawn = np.flatnonzero(np.isfinite(low))
    pen = float(np.clip(width / (_APART * max(drawn.size, 1)), 1, _LARGEST))
    bottom, top = _limits(low, high)
    scale = (height - 1 - pen) / (top - bottom)
    base = height - 0.5 - pen / 2
    across = np.clip(drawn + 0.5, pen / 2, width - pen / 2)
    strokes = "".join(
        f"M{x:g} {base - (a - bottom) * scale:.1f}V{base - 0.8 - (b - bottom) * scale:.1f}"
        for x, a, b in zip(across.tolist(), low[drawn].tolist(), high[drawn].tolist(), strict=True)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-label="Light curve">'
        f'<path d="{strokes}" stroke="currentColor" stroke-width="{pen:g}" '
        'stroke-linecap="round" fill="none"/></svg>'
    )


def column_spans(values: Values, width: int) -> tuple[Values, Values]:
    """Give the least and greatest finite value of each of ``width`` columns, NaN where none is."""
    low, high = np.full(width, np.inf), np.full(width, -np.inf)
    places = np.flatnonzero(np.isfinite(values))
    columns = (2 * places + 1) * width // max(2 * values.size, 1)
    np.minimum.at(low, columns, values[places])
    np.maximum.at(high, columns, values[places])
    empty = low > high
    return np.where(empty, np.nan, low), np.where(empty, np.nan, high)


def _limits(low: Values, high: Values) -> tuple[float, float]:
    if np.isnan(low).all():
        return 0.0, 1.0
    bottom, top = float(np.nanmin(low)), float(np.nanmax(high))
    return (bottom, top) if top > bottom else (bottom - 0.5, bottom + 0.5)
