"""Names of filter bands, as observatories write them and as star catalogues do."""

import re

AB_BANDS = frozenset("ugrizy")
# LCO writes rp for r', ZTF zr for its r.
_PRIMED = re.compile(r"([ugriz])[p's]|z([gri])")


def usual_system(band: str) -> str:
    """Give the photometric system in which magnitudes of a band are published."""
    return "AB" if band in AB_BANDS else "Vega"


def band_name(filter_band: str) -> str:
    """Give the name by which catalogues know the band of a filter.

    Case tells: ``r`` is Sloan's, ``R`` is Cousins'. Of words such as ``SDSS_r``, ``Bessell-V`` or
    ``ZTF r`` the last one counts.
    """
    words = re.split(r"[\s_\-.]+", filter_band.strip())
    primed = _PRIMED.fullmatch(words[-1])
    return (primed[1] or primed[2]) if primed else words[-1]
