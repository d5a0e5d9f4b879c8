"""JSON as tables of a page."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils.html import format_html, format_html_join

# A name means the same quantity in every table. Others are shown with six digits.
DECIMALS = {
    "ra": 6,
    "dec": 6,
    "mjd_utc": 5,
    "pixel_x": 2,
    "pixel_y": 2,
    "pixel_scale": 4,
    "exposure_time": 3,
    "airmass": 2,
    "seeing": 3,
    "registration_quality": 3,
    "registration_rms_arcsec": 4,
    "noise_level": 6,
    "detection_threshold": 2,
    "flux": 3,
    "flux_adu": 3,
    "flux_error_adu": 3,
    "peak_flux_adu": 3,
    "error_adu": 3,
    "flux_error": 3,
    "depth": 1,
    "magnitude": 3,
    "magnitude_error": 3,
    "upper_limit": 3,
    "zero_point": 4,
    "zero_point_error": 4,
    "limiting_magnitude": 3,
    "limiting_flux": 3,
    "seeing_px": 3,
    "significance": 3,
    "snr": 3,
    "fwhm": 3,
    "ellipticity": 3,
    "position_angle": 2,
    "psf_misfit": 3,
    "network_score": 4,
    "score": 4,
    "posterior": 4,
    "confidence_score": 4,
    "validation_confidence": 4,
    "precision": 4,
    "recall": 4,
    "f1_score": 4,
    "accuracy": 4,
    "min_confidence": 4,
    "inference_time_ms": 1,
    "memory_usage_mb": 1,
    "processing_time_seconds": 2,
    "radius_deg": 4,
    "training_duration_seconds": 1,
    "training_energy_wh": 2,
    "position_error_arcsec": 3,
    "completeness": 3,
    "false_positive_rate": 3,
    "median_seconds": 1,
}
_BETWEEN = " · "  # an object and its field
_LONGEST_LIST = 24  # a histogram of 20 bins is shown whole, seeds of a hundred scenes are not


def as_table(value: Any) -> str:
    """Show JSON as an HTML table: an object as name and value, a list of objects as rows."""
    if _is_grid(value):
        return _grid(value)
    if isinstance(value, Mapping) and value:
        return _table((), [(name, _cell(name, each)) for name, each in _flat(value)])
    return shown(value) or "none"


def _is_grid(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


def _cell(name: str, value: Any) -> str:
    if isinstance(value, float):
        return figure(name.rpartition(_BETWEEN)[2], value)
    return _grid(value) if _is_grid(value) else shown(value)


def figure(name: str, value: float) -> str:
    """Write a figure with the decimals that the quantity of this name is known to."""
    decimals = DECIMALS.get(name)
    return shown(value) if decimals is None else f"{value:.{decimals}f}"


def _grid(rows: list[dict[str, Any]]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    return _table(names, [[_cell(name, row.get(name, "")) for name in names] for row in rows])


def _flat(value: Mapping[str, Any], before: str = "") -> Iterable[tuple[str, Any]]:
    for name, each in value.items():
        if isinstance(each, Mapping) and each:
            yield from _flat(each, f"{before}{name}{_BETWEEN}")
        else:
            yield f"{before}{name}", each


def shown(value: Any) -> str:
    """Write a figure with at most six digits, a long list by its ends, anything else as it is."""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, (list, tuple)):
        return _listed([shown(each) for each in value])
    return "" if value is None or value in ({}, "") else str(value)


def _listed(words: list[str]) -> str:
    if len(words) <= _LONGEST_LIST:
        return ", ".join(words)
    return f"{', '.join(words[:3])}, … {words[-1]} ({len(words)} values)"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = format_html_join("", "<th>{}</th>", ([name] for name in header))
    lines = (format_html_join("", "<td>{}</td>", ([cell] for cell in row)) for row in rows)
    body = format_html_join("", "<tr>{}</tr>", ([line] for line in lines))
    return format_html("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>", head, body)
