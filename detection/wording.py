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
