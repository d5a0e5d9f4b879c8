"""A detection in words and figures, for pages, pictures and letters."""

from astropy import units as u
from astropy.coordinates import Angle

from detection.models import Detection


def sexagesimal(ra: float, dec: float) -> str:
    """Write a position as hours and degrees, to a tenth of an arcsecond."""
    # Angles alone: a SkyCoord costs ten times as much, and lists write one for each row.
    hours = Angle(ra, u.deg).to_string(u.hour, sep=":", precision=2, pad=True)
    degrees = Angle(dec, u.deg).to_string(u.deg, sep=":", precision=1, pad=True, alwayssign=True)
    return f"{hours} {degrees}"


def flux(value: float | None, error: float | None, snr: float | None) -> str:
    """Write a flux in ADU with its error and signal to noise, as far as they are known."""
    if value is None:
        return "not measured"
    spread = "" if error is None else f" ± {error:.1f}"
    ratio = "" if snr is None else f", S/N {snr:.1f}"
    return f"{value:.1f}{spread} ADU{ratio}"


def flux_of(detection: Detection) -> str:
    """Write the flux of a detection in the difference image."""
    found = detection.candidate
    return flux(detection.flux, detection.flux_error, found.snr if found else None)


def in_one_sentence(detection: Detection) -> str:
    """Describe a detection for someone who does not see its picture."""
    place = sexagesimal(detection.ra, detection.dec)
    return (
        f"Science, reference and difference of a {detection.detection_type} candidate at {place}: "
        f"score {detection.confidence_score:.3f}, flux {flux_of(detection)}"
    )


def figures_of(detection: Detection) -> list[tuple[str, str]]:
    """List the numbers of a detection, each with its name."""
    observation, found = detection.observation, detection.candidate
    figures = [
        ("Network score", f"{detection.confidence_score:.4f} ({detection.detection_type})"),
        ("Status", detection.get_status_display()),
        ("Label by people", detection.human_label or "none yet"),
        ("Position", sexagesimal(detection.ra, detection.dec)),
        ("In degrees", f"{detection.ra:.6f} {detection.dec:+.6f}"),
        ("Pixel x, y, from 0", f"{detection.pixel_x:.2f}, {detection.pixel_y:.2f}"),
        ("Flux", flux_of(detection)),
        ("Magnitude", detection.in_magnitudes() or "no zero point"),
        ("MJD (UTC)", f"{observation.mjd_utc:.5f}"),
        ("Band", observation.filter_band),
        ("Seeing", _decimals(observation.seeing, "arcsec")),
        ("Pixel scale", _decimals(observation.pixel_scale, "arcsec")),
        ("Network version", detection.model_version),
    ]
    if found is not None:
        figures += [
            ("Significance", _decimals(found.significance, "sigma")),
            ("FWHM", _decimals(found.fwhm, "px")),
            ("Ellipticity", _decimals(found.ellipticity, "")),
        ]
    return figures


def _decimals(value: float | None, unit: str) -> str:
    return "not measured" if value is None else f"{value:.3f} {unit}".strip()
